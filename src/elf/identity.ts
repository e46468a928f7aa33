/** Tells from the first bytes what a file is, and says plainly why it cannot be used. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { MalformedInputError, UnsupportedError } from '../errors.ts';
import { EI_NIDENT, ELFCLASS32, ELFCLASS64, ELFDATA2LSB, EM_X86_64, ET_CORE, ET_DYN, ET_EXEC, ET_REL, MACHINE_NAMES, SIZEOF_EHDR } from './constants.ts';

/** What a caller needs a file to be: a core file, or an executable or library. */
export type ElfKind = 'core' | 'image';

/**
 * Reads e_ident, e_type and e_machine, and rejects what cannot be read further.
 *
 * @throws {UnsupportedError} for anything but a 64-bit little-endian x86-64 file of the kind asked for, in one line that names the file and what it is
 * @throws {MalformedInputError} when an ELF file ends inside its header
 */
export function decodeIdentity(source: ByteSource, kind: ElfKind): { readonly type: number; readonly machine: number } {
  const { name } = source;
  const ident = source.readBytes(0, Math.min(EI_NIDENT, source.size));
  if (ident.length < 4 || ident[0] !== 0x7f || ident[1] !== 0x45 || ident[2] !== 0x4c || ident[3] !== 0x46) {
    throw notElf(name, ident, kind);
  }
  if (source.size < SIZEOF_EHDR)
    throw new MalformedInputError(name, 0, 'ELF header', `the file is cut: ${SIZEOF_EHDR} bytes are needed and it ends at ${source.size}`);
  const [elfClass, data] = [ident[4], ident[5]];
  const isLittle = data === ELFDATA2LSB;
  const type = half(source, 16, isLittle);
  const machine = half(source, 18, isLittle);
  const noun = nounOf(type);
  const only = `only 64-bit x86-64 ${kind === 'core' ? 'cores' : 'files'} are supported`;
  if (elfClass === ELFCLASS32) throw new UnsupportedError(`${name}: is a 32-bit ${noun}; ${only}`);
  if (elfClass !== ELFCLASS64) throw new MalformedInputError(name, 4, 'EI_CLASS', `${elfClass ?? 'nothing'} is no ELF class`);
  if (!isLittle) throw new UnsupportedError(`${name}: is a big-endian ${noun}; ${only}`);
  if (machine !== EM_X86_64) {
    const machineName = MACHINE_NAMES.get(machine);
    throw new UnsupportedError(
      `${name}: is ${machineName === undefined ? `a ${noun} of ELF machine ${machine}` : `${articleOf(machineName)} ${machineName} ${noun}`}; ${only}`,
    );
  }
  if (kind === 'core' && type !== ET_CORE) throw new UnsupportedError(`${name}: is ${articleOf(noun)} ${noun}, not a core file`);
  if (kind === 'image' && type === ET_CORE) throw new UnsupportedError(`${name}: is a core file, not an executable or a library`);
  return { type, machine };
}

/** Programs whose files begin like this. systemd-coredump keeps cores compressed. */
const COMPRESSED: readonly (readonly [string, string])[] = [
  ['28b52ffd', 'zstd'],
  ['1f8b', 'gzip'],
  ['04224d18', 'lz4'],
  ['fd377a585a', 'xz'],
];

function notElf(name: string, ident: Uint8Array, kind: ElfKind): UnsupportedError {
  if (ident.length === 0) return new UnsupportedError(`${name}: is empty`);
  const digits = Buffer.from(ident).toString('hex');
  const program = COMPRESSED.find(([magic]) => digits.startsWith(magic))?.[1];
  const error = new UnsupportedError(
    `${name}: is ${program === undefined ? '' : `compressed with ${program}, `}not an ELF ${kind === 'core' ? 'core ' : ''}file`,
  );
  if (program !== undefined) error.hint = `decompress it first: ${program} -d`;
  return error;
}

function half(source: ByteSource, offset: number, isLittle: boolean): number {
  const value = source.readU16(offset);
  return isLittle ? value : ((value & 0xff) << 8) | (value >>> 8);
}

function nounOf(type: number): string {
  switch (type) {
    case ET_REL:
      return 'ELF object file';
    case ET_EXEC:
      return 'ELF executable';
    case ET_DYN:
      return 'ELF executable or shared library';
    case ET_CORE:
      return 'core';
    default:
      return `ELF file of type ${type}`;
  }
}

function articleOf(word: string): string {
  return /^(?:[AEIO]|MIPS)/i.test(word) && !/^MIPS/.test(word) ? 'an' : 'a';
}
