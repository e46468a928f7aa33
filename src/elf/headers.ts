/** The program headers and the section headers of an ELF file. */
import { asAddress, type Address } from '../bytes/address.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import { Cursor } from '../bytes/cursor.ts';
import { LimitError, MalformedInputError } from '../errors.ts';
import { ET_CORE, PN_XNUM, PT_NOTE, SIZEOF_PHDR, SIZEOF_SHDR } from './constants.ts';

/** More program headers than Linux lets a process have mappings by default (65,530), with room. */
const MAX_PROGRAM_HEADERS = 2 ** 20;
/** Executables and libraries have a dozen. */
const MAX_IMAGE_PROGRAM_HEADERS = 2 ** 12;
const MAX_SECTION_HEADERS = 2 ** 20;

/** One program header. Sizes and offsets are bytes; one over 2^53 - 1 reads as 2^53 - 1. */
export interface ProgramHeader {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  /** `undefined` for an address outside user space, such as that of the vsyscall page. */
  readonly vaddr: Address | undefined;
  readonly filesz: number;
  readonly memsz: number;
  readonly align: number;
}

/** One section header. Sizes and offsets are bytes. */
export interface SectionHeader {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly entsize: number;
}

/** The fields of the ELF header that say where its tables are. */
export interface HeaderTables {
  readonly phoff: number;
  readonly shoff: number;
  readonly phentsize: number;
  readonly phnum: number;
  readonly shentsize: number;
  readonly shnum: number;
}

/**
 * Reads the program headers.
 *
 * @throws {MalformedInputError} when they are not all in the file
 */
export function readProgramHeaders(source: ByteSource, table: HeaderTables, type: number, problems: string[]): ProgramHeader[] {
  const count = countProgramHeaders(source, table, problems);
  if (count === 0) return [];
  if (table.phentsize !== SIZEOF_PHDR)
    throw new MalformedInputError(source.name, 54, 'e_phentsize', `${table.phentsize} where ${SIZEOF_PHDR} is the only legal value`);
  const cap = type === ET_CORE ? MAX_PROGRAM_HEADERS : MAX_IMAGE_PROGRAM_HEADERS;
  if (count > cap) throw new LimitError(`${source.name}: program headers`, count, cap);
  const bytes = count * SIZEOF_PHDR;
  if (table.phoff + bytes > source.size) {
    throw new MalformedInputError(source.name, table.phoff, 'program headers', `the file is cut: ${bytes} bytes are needed and it ends at ${source.size}`);
  }
  const view = tableView(source, table.phoff, bytes);
  const headers: ProgramHeader[] = [];
  for (let at = 0; at < bytes; at += SIZEOF_PHDR) {
    headers.push({
      type: view.getUint32(at, true),
      flags: view.getUint32(at + 4, true),
      offset: word(view, at + 8),
      vaddr: asAddress(view.getUint32(at + 16, true), view.getUint32(at + 20, true)),
      filesz: word(view, at + 32),
      memsz: word(view, at + 40),
      align: word(view, at + 48),
    });
  }
  return headers;
}

/** e_phnum, or for PN_XNUM the sh_info of section 0 (elf(5)). A cut file has lost that one: there the first PT_NOTE, which Linux places right behind the table, tells. */
function countProgramHeaders(source: ByteSource, table: HeaderTables, problems: string[]): number {
  if (table.phnum !== PN_XNUM) return table.phnum;
  if (table.shoff > 0 && table.shoff + SIZEOF_SHDR <= source.size) return source.readU32(table.shoff + 44);
  if (table.phoff + SIZEOF_PHDR <= source.size && source.readU32(table.phoff) === PT_NOTE) {
    const bytes = source.readU32(table.phoff + 8) + source.readU32(table.phoff + 12) * 2 ** 32 - table.phoff;
    if (bytes >= SIZEOF_PHDR && bytes % SIZEOF_PHDR === 0) {
      problems.push(`${source.name}: section header 0 is missing; the number of program headers was taken from where the notes begin`);
      return bytes / SIZEOF_PHDR;
    }
  }
  throw new MalformedInputError(source.name, table.shoff, 'section header 0', 'it holds the number of program headers and is not in the file');
}

/** Reads the section headers; none, with a problem unless it is a core, when they are not all in the file. */
export function readSectionHeaders(source: ByteSource, table: HeaderTables, type: number, problems: string[]): SectionHeader[] {
  if (table.shoff === 0) return [];
  const isCore = type === ET_CORE;
  if (table.shentsize !== SIZEOF_SHDR || table.shoff + SIZEOF_SHDR > source.size) {
    if (!isCore) problems.push(`${source.name}: the section headers are not in the file`);
    return [];
  }
  // A file with 65,280 sections or more has its count in sh_size of section 0 (elf(5)).
  const first = new Cursor(source, { start: table.shoff + 32 }).u64('sh_size');
  const count = table.shnum === 0 ? first : table.shnum;
  if (count > MAX_SECTION_HEADERS || table.shoff + count * SIZEOF_SHDR > source.size) {
    if (!isCore) problems.push(`${source.name}: the section headers are not all in the file`);
    return [];
  }
  const view = tableView(source, table.shoff, count * SIZEOF_SHDR);
  const headers: SectionHeader[] = [];
  for (let at = 0; at < view.byteLength; at += SIZEOF_SHDR) {
    headers.push({
      type: view.getUint32(at + 4, true),
      offset: word(view, at + 24),
      size: word(view, at + 32),
      link: view.getUint32(at + 40, true),
      entsize: word(view, at + 56),
    });
  }
  return headers;
}

function tableView(source: ByteSource, offset: number, length: number): DataView {
  const bytes = source.readBytes(offset, length);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function word(view: DataView, at: number): number {
  return Math.min(view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32, Number.MAX_SAFE_INTEGER);
}
