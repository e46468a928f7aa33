/** Reads the symbol tables of an ELF file. */
import { asAddress, type Address } from '../bytes/address.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import { SHN_UNDEF, SHT_DYNSYM, SHT_SYMTAB, SIZEOF_SYM, STB_LOCAL, STT_FILE, STT_SECTION } from './constants.ts';
import type { SectionHeader } from './headers.ts';

/** No symbol or string table of a real file is larger; a larger one is left unread. */
const MAX_TABLE_BYTES = 2 ** 29;
const SYMBOL_WORDS = SIZEOF_SYM / 4;
/** Beyond these, going through all symbols is quicker than searching the string table for each name. */
const MAX_SEARCHED_NAMES = 8;
const MAX_SEARCHED_PLACES = 64;

/** One defined symbol. */
export interface ElfSymbol {
  readonly name: string;
  /** st_value: an address before the load bias, or for a thread-local symbol an offset in the thread-local block. */
  readonly value: Address;
  /** Bytes; 0 when the linker did not say. */
  readonly size: number;
  /** st_info: the binding in the high four bits, the type in the low four. */
  readonly info: number;
  /** st_shndx */
  readonly sectionIndex: number;
}

/** Gets one symbol; the arguments are the fields of ElfSymbol. */
export type OnSymbol = (name: string, value: Address, size: number, info: number, sectionIndex: number) => void;

interface Table {
  /** Six words a symbol: st_name; st_info, st_other and st_shndx; st_value; st_size (elf.h, Elf64_Sym). */
  readonly symbols: Uint32Array;
  readonly names: Buffer;
}

/** The tables of one file, each read whole when it is first asked for: that of the exported symbols is a fraction of the other. */
export class SymbolReader {
  readonly #source: ByteSource;
  readonly #sections: readonly SectionHeader[];
  readonly #tables = new Map<number, Table | undefined>();

  constructor(source: ByteSource, sections: readonly SectionHeader[]) {
    this.#source = source;
    this.#sections = sections;
  }

  forEachSymbol(callback: OnSymbol, prefix: string): void {
    const wanted = new TextEncoder().encode(prefix);
    for (const type of [SHT_SYMTAB, SHT_DYNSYM]) {
      const table = this.#table(type);
      if (table !== undefined) forEachIn(table, wanted, callback);
    }
  }

  withPrefix(prefix: string, exportedOnly: boolean): readonly ElfSymbol[] {
    const found = new Map<string, ElfSymbol>();
    const onSymbol: OnSymbol = (name, value, size, info, sectionIndex) => keep(found, { name, value, size, info, sectionIndex });
    const exported = exportedOnly ? this.#table(SHT_DYNSYM) : undefined;
    if (!exportedOnly) this.forEachSymbol(onSymbol, prefix);
    else if (exported !== undefined) forEachIn(exported, new TextEncoder().encode(prefix), onSymbol);
    return [...found.values()];
  }

  lookup(names: readonly string[]): ReadonlyMap<string, ElfSymbol> {
    const found = new Map<string, ElfSymbol>();
    const wanted = new Set(names);
    const onSymbol: OnSymbol = (name, value, size, info, sectionIndex) => {
      if (wanted.has(name)) keep(found, { name, value, size, info, sectionIndex });
    };
    // An exported symbol is global, and a global one wins: what is found there need not be looked for elsewhere.
    for (const type of [SHT_DYNSYM, SHT_SYMTAB]) {
      for (const name of found.keys()) wanted.delete(name);
      const table = wanted.size === 0 ? undefined : this.#table(type);
      if (table === undefined) continue;
      const offsets = findNames(table.names, wanted);
      if (offsets === undefined) forEachIn(table, new TextEncoder().encode(commonPrefix(names)), onSymbol);
      else if (offsets.size > 0) forEachNamed(table, offsets, onSymbol);
    }
    return found;
  }

  #table(type: number): Table | undefined {
    if (!this.#tables.has(type)) this.#tables.set(type, this.#load(type));
    return this.#tables.get(type);
  }

  #load(type: number): Table | undefined {
    const section = this.#sections.find((s) => s.type === type);
    const strings = section === undefined ? undefined : this.#sections[section.link];
    const symbols = section === undefined ? undefined : this.#read(section);
    const names = strings === undefined ? undefined : this.#read(strings);
    if (symbols === undefined || names === undefined) return undefined;
    const words = new Uint32Array(symbols.buffer, symbols.byteOffset, SYMBOL_WORDS * Math.floor(symbols.length / SIZEOF_SYM));
    return { symbols: words, names: Buffer.from(names.buffer, names.byteOffset, names.length) };
  }

  #read(section: SectionHeader): Uint8Array | undefined {
    if (section.offset + section.size > this.#source.size || section.size > MAX_TABLE_BYTES) return undefined;
    return this.#source.readBytes(section.offset, section.size);
  }
}

/** A global symbol takes the place of a local one with its name; else the first stays. */
function keep(found: Map<string, ElfSymbol>, symbol: ElfSymbol): void {
  const before = found.get(symbol.name);
  if (before === undefined || (before.info >>> 4 === STB_LOCAL && symbol.info >>> 4 !== STB_LOCAL)) found.set(symbol.name, symbol);
}

function commonPrefix(names: readonly string[]): string {
  const first = names[0] ?? '';
  let length = first.length;
  for (const name of names) {
    let same = 0;
    while (same < length && name.charCodeAt(same) === first.charCodeAt(same)) same += 1;
    length = same;
  }
  return first.slice(0, length);
}

/** Where in a string table the names are; `undefined` when so many or so common ones are asked for that reading all symbols is quicker. */
function findNames(strings: Buffer, names: ReadonlySet<string>): ReadonlySet<number> | undefined {
  const offsets = new Set<number>();
  if (names.size > MAX_SEARCHED_NAMES) return undefined;
  for (const name of names) {
    // A name may be the end of a longer one that the linker stored in its place.
    const text = Buffer.from(`${name}\0`);
    for (let at = strings.indexOf(text); at >= 0; at = strings.indexOf(text, at + 1)) {
      offsets.add(at);
      if (offsets.size > MAX_SEARCHED_PLACES) return undefined;
    }
  }
  return offsets;
}

function forEachNamed(table: Table, offsets: ReadonlySet<number>, callback: OnSymbol): void {
  const only = offsets.size === 1 ? [...offsets][0] : undefined;
  for (let at = 0; at < table.symbols.length; at += SYMBOL_WORDS) {
    const start = table.symbols[at] ?? 0;
    if (only === undefined ? offsets.has(start) : start === only) visit(table, at, 0, callback);
  }
}

function forEachIn(table: Table, prefix: Uint8Array, callback: OnSymbol): void {
  for (let at = 0; at < table.symbols.length; at += SYMBOL_WORDS) {
    if (startsWith(table.names, table.symbols[at] ?? 0, prefix)) visit(table, at, prefix.length, callback);
  }
}

/** Hands on the symbol whose words begin at `at` if it is a defined one with a name; `known` bytes of the name were looked at. */
function visit(table: Table, at: number, known: number, callback: OnSymbol): void {
  const { symbols, names } = table;
  const start = symbols[at] ?? 0;
  const kind = symbols[at + 1] ?? 0;
  const info = kind & 0xff;
  const sectionIndex = kind >>> 16;
  if (start === 0 || sectionIndex === SHN_UNDEF || (info & 15) === STT_SECTION || (info & 15) === STT_FILE) return;
  const nul = names.indexOf(0, start + known);
  const value = asAddress(symbols[at + 2] ?? 0, symbols[at + 3] ?? 0);
  if (nul <= start || value === undefined) return;
  callback(names.toString('utf8', start, nul), value, (symbols[at + 4] ?? 0) + (symbols[at + 5] ?? 0) * 2 ** 32, info, sectionIndex);
}

function startsWith(names: Uint8Array, start: number, prefix: Uint8Array): boolean {
  if (start + prefix.length >= names.length) return false;
  for (let i = 0; i < prefix.length; i += 1) if (names[start + i] !== prefix[i]) return false;
  return true;
}
