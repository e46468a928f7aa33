/** The references of the objects of a FakeHeap, found as the engine finds them: the heap is one page, walked, and all of it lives. */
import type { Address } from '../../src/bytes/address.ts';
import { EdgeKind } from '../../src/graph/heap-graph.ts';
import { labelOfSlot } from '../../src/v8/edge-labels.ts';
import { edgeRules } from '../../src/v8/edge-rules.ts';
import { EdgeReader, countBits } from '../../src/v8/edges.ts';
import type { EdgeSetup, ExtraEdges } from '../../src/v8/edges.ts';
import { addressOfRef, allocateHeapMemory, loadPage, refOfAddress } from '../../src/v8/heap-memory.ts';
import type { HeapMemoryParts } from '../../src/v8/heap-memory.ts';
import { HeapWalker } from '../../src/v8/heap-walk.ts';
import type { WalkSetup } from '../../src/v8/heap-walk.ts';
import type { V8Layout } from '../../src/v8/layout.ts';
import { mapRules } from '../../src/v8/map-table.ts';
import { sizeRules } from '../../src/v8/object-size.ts';
import { buildTypeTable } from '../../src/v8/type-table.ts';
import type { FakeHeap } from './fake-v8-heap.ts';

const KINDS = Object.fromEntries(Object.entries(EdgeKind).map(([name, kind]) => [kind, name.toLowerCase()]));
const SLOT_BYTES = 256 * 1024;

export interface FakeEdge {
  readonly kind: string;
  readonly name: string | number;
  /** Address of the object it leads to, or of the store outside of the heap. */
  readonly to: Address;
}

export interface FakeGraphOptions {
  /** Addresses of backing stores, sorted. */
  readonly stores?: readonly Address[];
  readonly ephemeronTableType?: number;
  /** Whether all of the heap is read-only space. */
  readonly isReadOnly?: boolean;
  /** Objects that are garbage. */
  readonly dead?: readonly Address[];
  readonly extras?: readonly { readonly from: Address; readonly to: Address; readonly kind: EdgeKind }[];
}

export class FakeGraph {
  readonly reader: EdgeReader;
  readonly layout: V8Layout;
  readonly walk: WalkSetup;
  readonly setup: EdgeSetup;
  readonly #heap: FakeHeap;
  readonly #parts: HeapMemoryParts;
  /** Addresses of nodes: objects, then stores. */
  readonly nodes: Address[] = [];

  constructor(heap: FakeHeap, options: FakeGraphOptions = {}) {
    const { start, end } = heap.range;
    const { layout } = heap;
    const size = Math.ceil((end - start) / SLOT_BYTES) * SLOT_BYTES;
    const parts = allocateHeapMemory([{ base: start, size, areaStart: start, areaEnd: end, heap: 1, owner: 0, isLarge: false, isNew: false, isCode: false, flags: 0 }]);
    const walk: WalkSetup = {
      parts,
      types: buildTypeTable(layout),
      mapRules: mapRules(layout),
      sizeRules: sizeRules(layout),
    };
    const bulk = {
      readInto: (target: Uint8Array, address: Address): number => {
        const bytes = heap.readBytes(address, Math.min(target.length, end - address));
        target.set(bytes);
        return bytes.length;
      },
      isReadable: (address: Address, length: number): boolean => heap.isReadable(address, length),
      findMapping: (): undefined => undefined,
    };
    loadPage(parts, bulk, 0);
    new HeapWalker(walk, bulk).visitPage(0, []);
    const rank = new Int32Array(parts.bits.length / 2);
    for (const address of options.dead ?? []) parts.bits[(refOfAddress(parts, address) >>> 5) * 2]! &= ~(1 << (refOfAddress(parts, address) & 31));
    for (let pair = 0; pair < rank.length; pair++) {
      const mark = (parts.bits[pair * 2 + 1] = parts.bits[pair * 2]!);
      rank[pair] = this.nodes.length;
      for (let bit = 0; bit < 32; bit++) if ((mark & (1 << bit)) !== 0) this.nodes.push(addressOfRef(parts, pair * 32 + bit));
      if (countBits(mark) !== this.nodes.length - rank[pair]!) throw new Error('countBits counts wrong');
    }
    const stores = Float64Array.from(options.stores ?? []);
    const firstStoreNode = this.nodes.length;
    this.nodes.push(...stores);
    const rows = (options.extras ?? []).map(({ from, to, kind }) => ({ from: refOfAddress(parts, from), to: this.nodes.indexOf(to), kind })).sort((a, b) => a.from - b.from);
    const extras: ExtraEdges = { from: Int32Array.from(rows, ({ from }) => from), to: Int32Array.from(rows, ({ to }) => to), kind: Uint8Array.from(rows, ({ kind }) => kind) };
    this.#heap = heap;
    this.#parts = parts;
    this.layout = layout;
    this.walk = walk;
    this.setup = { rules: edgeRules(layout, options.ephemeronTableType ?? -1), rank, isReadOnlySlot: new Uint8Array(parts.slotBase.length).fill(options.isReadOnly === true ? 1 : 0), extras, stores, firstStoreNode };
    this.reader = new EdgeReader(walk, this.setup);
  }

  /** All references of an object but that to its map. */
  edgesOf(address: Address): FakeEdge[] {
    return this.allEdgesOf(address).filter(({ kind, name }) => kind !== 'internal' || name !== 'map');
  }

  /** All references of an object or of a store, which has none. */
  allEdgesOf(address: Address): FakeEdge[] {
    const { reader } = this;
    const ref = refOfAddress(this.#parts, address);
    if (ref < 0) return [];
    const map = reader.mapOf(ref);
    const size = reader.sizeOf(ref, map);
    reader.length = 0;
    reader.read(ref, map, size);
    reader.readExtras(ref, reader.firstExtra(ref));
    return Array.from({ length: reader.length }, (_, i) => {
      const kind = reader.kind[i] as EdgeKind;
      const slot = reader.slot[i]!;
      const name = slot < 0 ? 'extra' : labelOfSlot(this.#heap.view, address, size * 8, kind, addressOfRef(this.#parts, slot)).name;
      return { kind: KINDS[kind] ?? '?', name, to: this.nodes[reader.to[i]!]! };
    });
  }

  /** The same as `kind name`, of references that lead to one of `targets`. */
  waysTo(address: Address, targets: Readonly<Record<string, Address>>): string[] {
    const names = new Map(Object.entries(targets).map(([name, target]) => [target, name]));
    return this.edgesOf(address).flatMap(({ kind, name, to }) => (names.has(to) ? [`${kind} ${name} -> ${names.get(to)!}`] : []));
  }
}
