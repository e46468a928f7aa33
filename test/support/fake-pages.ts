/** V8 pages laid out in memory for tests: a few maps on a read-only page, objects on pages of one heap. Layout as in V8 11.3. */
import type { Address } from '../../src/bytes/address.ts';
import type { BulkReader, HeapMemoryParts, HeapPage } from '../../src/v8/heap-memory.ts';
import { allocateHeapMemory } from '../../src/v8/heap-memory.ts';
import type { WalkSetup } from '../../src/v8/heap-walk.ts';
import type { MarkRules } from '../../src/v8/mark.ts';
import { BodyKind, SizeKind, type TypeTable } from '../../src/v8/type-table.ts';

export const TYPE = { map: 255, object: 1057, dictionaryObject: 1058, array: 175, free: 251, filler: 250, ephemerons: 177, weakRef: 300, function: 2066, string: 8 } as const;

const PAGE = 256 * 1024;
const AREA = 0x1000;
export const READ_ONLY = 0x10_0000_0000;
export const FIRST_PAGE = 0x7f00_0000_0000;
export const HEAP = 0x5500_0000;

/** A tagged pointer to an address, or a Smi, as a word of two halves. */
export const pointer = (address: Address, tag = 1): [number, number] => [(address % 2 ** 32) + tag, Math.floor(address / 2 ** 32)];
export const smi = (value: number): [number, number] => [0, value];

export class FakePages implements BulkReader {
  readonly #bytes = new Map<Address, Uint8Array>();
  readonly #next = new Map<Address, Address>();
  readonly absent: { start: Address; end: Address; flags: number }[] = [];
  readonly maps: Record<keyof typeof TYPE, Address>;
  readonly #order: Address[] = [];

  constructor() {
    this.addPage(READ_ONLY);
    const names = Object.keys(TYPE) as (keyof typeof TYPE)[];
    // The first map is the map of maps; the others follow it.
    this.maps = Object.fromEntries(names.map((name, i) => [name, READ_ONLY + AREA + i * 72])) as Record<keyof typeof TYPE, Address>;
    const fixed: Partial<Record<keyof typeof TYPE, number>> = { map: 9, object: 4, dictionaryObject: 4, weakRef: 4, function: 8, filler: 1 };
    for (const name of names) {
      const at = this.allocate(READ_ONLY, 9);
      const DICTIONARY = 1 << 21;
      this.write(at, [pointer(this.maps.map), [fixed[name] ?? 0, TYPE[name]], [name === 'dictionaryObject' ? DICTIONARY : 0, 0], ...Array.from({ length: 6 }, () => smi(0))]);
    }
  }

  addPage(base: Address): void {
    this.#bytes.set(base, new Uint8Array(PAGE));
    this.#next.set(base, base + AREA);
    this.#order.push(base);
  }

  allocate(page: Address, words: number): Address {
    const at = this.#next.get(page)!;
    this.#next.set(page, at + words * 8);
    return at;
  }

  /** Writes words of (low, high) halves. */
  write(at: Address, words: readonly (readonly [number, number])[]): void {
    const base = at - (at % PAGE);
    const view = new DataView(this.#bytes.get(base)!.buffer);
    for (const [i, [lo, hi]] of words.entries()) {
      view.setUint32(at - base + i * 8, lo, true);
      view.setUint32(at - base + i * 8 + 4, hi, true);
    }
  }

  /** An object of four words {map, and three fields}. */
  object(page: Address, fields: readonly (readonly [number, number])[] = [], kind: keyof typeof TYPE = 'object'): Address {
    const words = kind === 'function' ? 8 : 4;
    const at = this.allocate(page, words);
    this.write(at, [pointer(this.maps[kind]), ...Array.from({ length: words - 1 }, (_, i) => fields[i] ?? smi(0))]);
    return at;
  }

  /** A FixedArray-like object {map, length, elements...}. */
  array(page: Address, elements: readonly (readonly [number, number])[], kind: 'array' | 'ephemerons' = 'array'): Address {
    const at = this.allocate(page, elements.length + 2);
    this.write(at, [pointer(this.maps[kind]), smi(elements.length), ...elements]);
    return at;
  }

  /** Free memory of a number of words, formatted as the collector does. */
  free(page: Address, words: number): Address {
    const at = this.allocate(page, words);
    this.write(at, [pointer(this.maps.free), smi(words * 8)]);
    return at;
  }

  readInto(target: Uint8Array, address: Address): number {
    const base = address - (address % PAGE);
    const bytes = this.#bytes.get(base);
    if (bytes === undefined || this.absent.some((range) => address >= range.start && address < range.end)) return 0;
    const stop = this.absent.reduce((end, range) => (range.start > address ? Math.min(end, range.start) : end), base + PAGE);
    const piece = bytes.subarray(address - base, Math.min(stop - base, address - base + target.length));
    target.set(piece);
    return piece.length;
  }

  isReadable(address: Address, length: number): boolean {
    return this.readInto(new Uint8Array(length), address) === length;
  }

  findMapping(address: Address): { end: Address; flags: number } | undefined {
    return this.absent.find((range) => address >= range.start && address < range.end) ?? { end: address - (address % PAGE) + PAGE, flags: 6 };
  }

  /** The heap memory of all pages, and what a walker or marker needs. Flags are those of every page but the read-only one, and but those of `own`. */
  setup(flags = 4, own: ReadonlyMap<Address, number> = new Map()): { readonly parts: HeapMemoryParts; readonly walk: WalkSetup; readonly rules: MarkRules } {
    const pages: Omit<HeapPage, 'firstSlot' | 'slots'>[] = this.#order.map((base) => ({
      base,
      size: PAGE,
      areaStart: base + AREA,
      areaEnd: base + PAGE,
      heap: base === READ_ONLY ? 0 : HEAP,
      owner: 0,
      isLarge: false,
      isNew: ((own.get(base) ?? flags) & 24) !== 0 && base !== READ_ONLY,
      isCode: false,
      flags: base === READ_ONLY ? 0 : (own.get(base) ?? flags),
    }));
    const parts = allocateHeapMemory(pages);
    const types: TypeTable = { sizeKind: new Uint8Array(4096), sizeParam: new Uint16Array(4096), bodyKind: new Uint8Array(4096).fill(BodyKind.all), bodyParam: new Uint16Array(4096) };
    for (const type of [TYPE.array, TYPE.ephemerons]) {
      types.sizeKind[type] = SizeKind.words;
      types.sizeParam[type] = 16;
    }
    types.sizeKind[TYPE.free] = SizeKind.freeSpace;
    types.sizeParam[TYPE.free] = 1;
    types.sizeKind[TYPE.string] = SizeKind.seqOneByte;
    types.bodyKind[TYPE.string] = BodyKind.none;
    types.bodyKind[TYPE.ephemerons] = BodyKind.ephemerons;
    types.bodyKind[TYPE.weakRef] = BodyKind.skipOne;
    types.bodyParam[TYPE.weakRef] = 24;
    types.bodyKind[TYPE.function] = BodyKind.function;
    const sizeRules = { column: 2, codeHeader: 64, codeSizeField: 56, codeAlignment: 64, scopeFlagsRaw: 0, scopeFirstVariable: 3, scopeModuleCountEarly: 0, scopeNamesInlined: 75, scopeTypeClass: 0, scopeTypeEval: 1, scopeTypeFunction: 2, scopeTypeModule: 3, scopeTypeScript: 4 };
    const mapRules = { mapType: TYPE.map, mapSize: 72, instanceTypeOffset: 12, bitField3Offset: 16, dictionaryMapShift: 21, firstJsObjectType: 1041, freeSpaceType: TYPE.free, fillerType: TYPE.filler };
    const rules = { jsFunctionShared: 24, jsArrayLength: 24, jsCollectionTable: 24, jsObjectElements: 16, arrayBufferByteLength: 32, arrayBufferBackingStore: 48 };
    return { parts, walk: { parts, types, mapRules, sizeRules }, rules };
  }
}

