/** One ELF file, executable, library or core: its header, tables and symbols. 64-bit little-endian only. */
import type { Address } from '../bytes/address.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import { Cursor } from '../bytes/cursor.ts';
import { FaultError, LimitError } from '../errors.ts';
import { PT_LOAD, PT_NOTE, PT_TLS, SHT_NOTE, SIZEOF_EHDR } from './constants.ts';
import { readProgramHeaders, readSectionHeaders, type HeaderTables, type ProgramHeader, type SectionHeader } from './headers.ts';
import { decodeIdentity, type ElfKind } from './identity.ts';
import { findBuildId } from './notes.ts';
import { SymbolReader, type ElfSymbol, type OnSymbol } from './symbols.ts';

const MAX_VIRTUAL_READ_BYTES = 2 ** 28;
/** Real files have two or three segments and sections of notes. */
const MAX_NOTE_RANGES = 32;

/** A parsed ELF file. Its tables were checked against the file's size when it was opened. */
export interface ElfFile {
  readonly source: ByteSource;
  readonly type: number;
  readonly machine: number;
  /** e_entry; `undefined` when it is no user-space address. */
  readonly entry: Address | undefined;
  readonly programHeaders: readonly ProgramHeader[];
  /** Empty when the file has none or when they lie outside of it, as in most cores. */
  readonly sectionHeaders: readonly SectionHeader[];
  /** What was found damaged and worked around, one line each. */
  readonly problems: readonly string[];
  /** NT_GNU_BUILD_ID in hexadecimal digits; `undefined` when the file has none within its first bytes at hand. */
  readonly buildId: string | undefined;
  /** Size and alignment of the thread-local block (PT_TLS) in bytes. */
  readonly tls: { readonly memsz: number; readonly align: number } | undefined;
  /** Lowest p_vaddr of the PT_LOADs, rounded down to a page: where the file's image begins before the load bias. */
  readonly imageStart: Address | undefined;
  /** Calls `callback` for every defined symbol of .symtab and then .dynsym whose name begins with `prefix`. Names are made for those only. */
  forEachSymbol(callback: OnSymbol, prefix?: string): void;
  /** The defined symbols of these names; of several with one name a global one wins. Names that are not there are missing in the answer. */
  lookupSymbols(names: readonly string[]): ReadonlyMap<string, ElfSymbol>;
  /** The defined symbols whose names begin with `prefix`, each name once, in the order of the tables. */
  symbolsWithPrefix(prefix: string): readonly ElfSymbol[];
  /** The same from .dynsym alone, which is quicker to read and survives `strip`. */
  exportedSymbolsWithPrefix(prefix: string): readonly ElfSymbol[];
  /**
   * Bytes by p_vaddr, as the program loader would lay them out: what a PT_LOAD has in memory beyond its p_filesz (.bss) reads as zero.
   * Right for an executable or a library only; in a core such bytes are absent.
   * @param length bytes, at most 256 MiB
   * @throws {FaultError} at the first address that no PT_LOAD holds
   */
  readAtVirtualAddress(vaddr: Address, length: number): Uint8Array;
}

/**
 * Opens an ELF file over `source`, which stays the caller's to close.
 *
 * @param kind what the caller needs the file to be; `core` takes ET_CORE only, `image` (the default) takes all others
 * @throws {UnsupportedError} when it is no 64-bit x86-64 ELF file of that kind
 * @throws {MalformedInputError} when the file ends inside its headers
 * @throws {LimitError} when a table claims more entries than any real file has
 */
export function openElf(source: ByteSource, kind: ElfKind = 'image'): ElfFile {
  return new LoadedElf(source, kind);
}

class LoadedElf implements ElfFile {
  readonly source: ByteSource;
  readonly type: number;
  readonly machine: number;
  readonly entry: Address | undefined;
  readonly programHeaders: readonly ProgramHeader[];
  readonly sectionHeaders: readonly SectionHeader[];
  readonly problems: readonly string[];
  readonly tls: { readonly memsz: number; readonly align: number } | undefined;
  readonly imageStart: Address | undefined;
  #symbols: SymbolReader | undefined;
  #buildId: { readonly value: string | undefined } | undefined;

  constructor(source: ByteSource, kind: ElfKind) {
    const { type, machine } = decodeIdentity(source, kind);
    const cursor = new Cursor(source, { start: 24 });
    const problems: string[] = [];
    this.source = source;
    this.type = type;
    this.machine = machine;
    this.entry = cursor.address('e_entry');
    const phoff = cursor.u64('e_phoff');
    const shoff = cursor.u64('e_shoff');
    cursor.skip(6, 'e_flags');
    const tables: HeaderTables = {
      phoff,
      shoff,
      phentsize: cursor.u16('e_phentsize'),
      phnum: cursor.u16('e_phnum'),
      shentsize: cursor.u16('e_shentsize'),
      shnum: cursor.u16('e_shnum'),
    };
    this.programHeaders = readProgramHeaders(source, tables, type, problems);
    this.sectionHeaders = readSectionHeaders(source, tables, type, problems);
    this.problems = problems;
    const tls = this.programHeaders.find((h) => h.type === PT_TLS);
    this.tls = tls === undefined ? undefined : { memsz: tls.memsz, align: tls.align };
    const starts = this.programHeaders.flatMap((h) => (h.type === PT_LOAD && h.vaddr !== undefined ? [h.vaddr] : []));
    const lowest = starts.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    this.imageStart = starts.length === 0 ? undefined : lowest - (lowest % 4096);
  }

  get buildId(): string | undefined {
    this.#buildId ??= { value: this.#findBuildId() };
    return this.#buildId.value;
  }

  forEachSymbol(callback: OnSymbol, prefix = ''): void {
    this.#reader().forEachSymbol(callback, prefix);
  }

  lookupSymbols(names: readonly string[]): ReadonlyMap<string, ElfSymbol> {
    return this.#reader().lookup(names);
  }

  symbolsWithPrefix(prefix: string): readonly ElfSymbol[] {
    return this.#reader().withPrefix(prefix, false);
  }

  exportedSymbolsWithPrefix(prefix: string): readonly ElfSymbol[] {
    return this.#reader().withPrefix(prefix, true);
  }

  readAtVirtualAddress(vaddr: Address, length: number): Uint8Array {
    if (length > MAX_VIRTUAL_READ_BYTES) throw new LimitError(`${this.source.name}: bytes in one read`, length, MAX_VIRTUAL_READ_BYTES);
    // All of the range is checked before memory is taken for it.
    const parts: { readonly to: number; readonly offset: number; readonly count: number }[] = [];
    let done = 0;
    while (done < length) {
      const at = vaddr + done;
      const header = this.programHeaders.find((h) => h.type === PT_LOAD && h.vaddr !== undefined && h.vaddr <= at && at < h.vaddr + h.memsz);
      if (header?.vaddr === undefined) throw new FaultError(at, length - done, 'unmapped');
      const skip = at - header.vaddr;
      const inFile = Math.max(0, Math.min(length - done, header.filesz - skip));
      if (header.offset + skip + inFile > this.source.size && inFile > 0) throw new FaultError(at, length - done, 'not-saved');
      if (inFile > 0) parts.push({ to: done, offset: header.offset + skip, count: inFile });
      done += Math.min(length - done, header.memsz - skip);
    }
    const bytes = new Uint8Array(length);
    for (const part of parts) this.source.readInto(bytes.subarray(part.to, part.to + part.count), part.offset);
    return bytes;
  }

  #reader(): SymbolReader {
    this.#symbols ??= new SymbolReader(this.source, this.sectionHeaders);
    return this.#symbols;
  }

  #findBuildId(): string | undefined {
    const ranges = [...this.programHeaders.filter((h) => h.type === PT_NOTE), ...this.sectionHeaders.filter((h) => h.type === SHT_NOTE)];
    for (const range of ranges.slice(0, MAX_NOTE_RANGES)) {
      const size = 'filesz' in range ? range.filesz : range.size;
      const align = 'align' in range ? range.align : 4;
      if (range.offset >= this.source.size) continue;
      const id = findBuildId(this.source, range.offset, range.offset + size, align);
      if (id !== undefined) return id;
    }
    return undefined;
  }
}

/** Whether bytes begin with a whole ELF header; for a first look at a page of memory. */
export function hasElfMagic(bytes: Uint8Array): boolean {
  return bytes.length >= SIZEOF_EHDR && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}
