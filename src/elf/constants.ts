/** Numbers of the ELF format, spelled as elf.h spells them. */

/** Offsets in e_ident, and their values that are read here. */
export const EI_NIDENT = 16;
export const ELFCLASS32 = 1;
export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;

/** e_type */
export const ET_REL = 1;
export const ET_EXEC = 2;
export const ET_DYN = 3;
export const ET_CORE = 4;

/** e_machine */
export const EM_X86_64 = 62;

/** e_phnum of a file whose real count is in sh_info of section 0. */
export const PN_XNUM = 0xffff;

/** Sizes of the 64-bit records in bytes. */
export const SIZEOF_EHDR = 64;
export const SIZEOF_PHDR = 56;
export const SIZEOF_SHDR = 64;
export const SIZEOF_SYM = 24;

/** p_type */
export const PT_LOAD = 1;
export const PT_NOTE = 4;
export const PT_TLS = 7;

/** p_flags */
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

/** sh_type */
export const SHT_SYMTAB = 2;
export const SHT_NOTE = 7;
export const SHT_DYNSYM = 11;

/** Section indexes of symbols that no section holds. */
export const SHN_UNDEF = 0;
export const SHN_ABS = 0xfff1;

/** Low four bits and high four bits of st_info. */
export const STT_SECTION = 3;
export const STT_FILE = 4;
export const STT_TLS = 6;
export const STB_LOCAL = 0;

/** n_type of notes named "CORE". */
export const NT_PRSTATUS = 1;
export const NT_PRPSINFO = 3;
export const NT_AUXV = 6;
export const NT_SIGINFO = 0x53494749;
export const NT_FILE = 0x46494c45;
/** n_type of a note named "GNU". */
export const NT_GNU_BUILD_ID = 3;

/** a_type of the auxiliary vector. */
export const AT_NULL = 0;
export const AT_PHDR = 3;
export const AT_ENTRY = 9;
export const AT_RANDOM = 25;
export const AT_EXECFN = 31;

/** Names of machines that a core may come from, for messages. */
export const MACHINE_NAMES: ReadonlyMap<number, string> = new Map([
  [3, 'i386'],
  [8, 'MIPS'],
  [20, 'PowerPC'],
  [21, '64-bit PowerPC'],
  [22, 's390'],
  [40, 'ARM'],
  [43, 'SPARC V9'],
  [EM_X86_64, 'x86-64'],
  [183, 'AArch64'],
  [243, 'RISC-V'],
  [258, 'LoongArch'],
]);
