/** Large containers in the graph of a V8 heap. Small integers are no nodes, so containers that hold nothing else are not seen, and others count what is not one. */
import type { CollectionRow, Origin } from './census.ts';
import type { EdgeNames } from './graph-names.ts';
import { Slot } from './graph-names.ts';
import type { HeapGraph, NamedColumns, NodeIndex } from './heap-graph.ts';
import { EdgeKind, NO_NODE, NodeKind } from './heap-graph.ts';

/** A container with fewer entries is not listed, and no more rows than `MAX_ROWS` are. */
const MIN_LISTED_ENTRIES = 1000;
const MAX_ROWS = 500;
const SAMPLE = 64;
const ARRAY_HEADER_BYTES = 16;
const WORD = 8;
const TABLE_HEADER_SLOTS = 3;
const MAP_ENTRY_SLOTS = 3;
const SET_ENTRY_SLOTS = 2;

/** What the census knows of a node. */
export interface NodeGroup {
  readonly name: string;
  readonly origin: Origin;
  /** Own properties of the node, by its shape. */
  readonly propertyCount: number;
}

interface Found {
  readonly node: NodeIndex;
  readonly kind: CollectionRow['kind'];
  readonly entries: number;
  readonly bytes: number;
  /** Values that are objects of the heap, without V8's own. */
  readonly values: readonly NodeIndex[];
  /** Values that are no nodes: small integers. */
  readonly numbers: number;
}

/**
 * Where the entries of a Map's or Set's table of so many bytes start, and how many slots each has: three numbers come first, then the buckets, then two entries for each bucket: key,
 * value and chain of a Map, key and chain of a Set (V8, src/objects/ordered-hash-table.h). Buckets are a power of two, so that the size tells the two kinds apart.
 */
export function entryLayout(bytes: number): { readonly first: number; readonly width: number } | undefined {
  const slots = (bytes - ARRAY_HEADER_BYTES) / WORD - TABLE_HEADER_SLOTS;
  for (const width of [MAP_ENTRY_SLOTS, SET_ENTRY_SLOTS]) {
    const buckets = slots / (1 + 2 * width);
    if (buckets >= 1 && Number.isInteger(Math.log2(buckets))) return { first: TABLE_HEADER_SLOTS + buckets, width };
  }
  return undefined;
}

/** Finds containers by the stores that their internal edges lead to. */
export class GraphCollections {
  readonly #graph: NamedColumns;
  readonly #names: EdgeNames;

  constructor(graph: NamedColumns, names: EdgeNames) {
    this.#graph = graph;
    this.#names = names;
  }

  /** The largest containers, most entries first; `groupOf` names a node's group. */
  rows(groupOf: (node: NodeIndex) => NodeGroup): CollectionRow[] {
    const { nodeCount, nodeKind, nodeKey, firstEdge } = this.#graph;
    const found: Found[] = [];
    for (let node = 0; node < nodeCount; node++) {
      if (nodeKind[node] !== NodeKind.Object) continue;
      const container = this.#find(node, firstEdge[node]!, firstEdge[node + 1]!, groupOf);
      if (container !== undefined && container.entries >= MIN_LISTED_ENTRIES) found.push(container);
    }
    found.sort((a, b) => b.entries - a.entries || nodeKey[a.node]! - nodeKey[b.node]!);
    return found.slice(0, MAX_ROWS).map((container) => this.#row(container, groupOf));
  }

  #row({ node, kind, entries, bytes, values, numbers }: Found, groupOf: (node: NodeIndex) => NodeGroup): CollectionRow {
    const counts = new Map<string, { count: number; origin: Origin }>();
    const step = Math.max(1, Math.floor(values.length / SAMPLE));
    let sampled = 0;
    for (let at = 0; at < values.length && sampled < SAMPLE; at += step) {
      const group = groupOf(values[at]!);
      const row = counts.get(group.name) ?? { count: 0, origin: group.origin };
      row.count++;
      sampled++;
      counts.set(group.name, row);
    }
    let most: [string, { count: number; origin: Origin }] | undefined;
    for (const row of counts) if (most === undefined || row[1].count > most[1].count) most = row;
    const best: { name: string; share: number; origin: Origin } | undefined =
      numbers > values.length
        ? { name: '(number)', share: numbers / (numbers + values.length), origin: 'language' }
        : most && { name: most[0], share: most[1].count / sampled, origin: most[1].origin };
    const own = groupOf(node);
    return {
      address: this.#graph.nodeKey[node]!,
      kind,
      constructorName: own.name,
      entries,
      bytes,
      valueName: best?.name,
      valueShare: best?.share,
      origin: best?.origin ?? own.origin,
    };
  }

  #find(node: NodeIndex, start: number, end: number, groupOf: (node: NodeIndex) => NodeGroup): Found | undefined {
    const { edgeKind, edgeTo, edgeName, nodeShallowSize, firstEdge } = this.#graph;
    let elements = NO_NODE;
    let table = NO_NODE;
    let properties = NO_NODE;
    let indexed = 0;
    let last = -1;
    for (let edge = start; edge < end; edge++) {
      const kind = edgeKind[edge]!;
      if (kind === EdgeKind.Element) {
        indexed++;
        last = Math.max(last, edgeName[edge]!);
      } else if (kind === EdgeKind.Internal) {
        const slot = this.#names.slot(edge);
        if (slot === Slot.Elements) elements = edgeTo[edge]!;
        else if (slot === Slot.Table) table = edgeTo[edge]!;
        else if (slot === Slot.Properties) properties = edgeTo[edge]!;
      }
    }
    const own = nodeShallowSize[node]!;
    if (table !== NO_NODE) return firstEdge[table + 1]! - firstEdge[table]! < MIN_LISTED_ENTRIES ? undefined : this.#readTable(node, table);
    const { name, propertyCount: named } = groupOf(node);
    if (Math.max(named, indexed) < MIN_LISTED_ENTRIES) return undefined;
    const values: NodeIndex[] = [];
    const wanted = indexed >= named ? EdgeKind.Element : EdgeKind.Property;
    for (let edge = start; edge < end; edge++) {
      if (edgeKind[edge] === wanted && (wanted === EdgeKind.Element || this.#names.slot(edge) !== Slot.Prototype)) values.push(edgeTo[edge]!);
    }
    const store = wanted === EdgeKind.Element ? elements : properties;
    const storeBytes = store === NO_NODE ? 0 : nodeShallowSize[store]!;
    const isArray = name === 'Array';
    // Below the end of the store small integers have their places; elements far apart are in a table instead.
    const isDense = last < (storeBytes - ARRAY_HEADER_BYTES) / WORD;
    const entries = wanted === EdgeKind.Property ? named : isArray && isDense ? last + 1 : indexed;
    return { node, kind: isArray ? 'array' : 'object', entries, bytes: own + storeBytes, ...this.#valuesOf(values, entries) };
  }

  /** The table of a Map, a Set or a weak collection. */
  #readTable(node: NodeIndex, table: NodeIndex): Found | undefined {
    const { nodeShallowSize, firstEdge, edgeKind, edgeTo } = this.#graph;
    const bytes = nodeShallowSize[node]! + nodeShallowSize[table]!;
    const layout = entryLayout(nodeShallowSize[table]!);
    const weak: NodeIndex[] = [];
    const columns: NodeIndex[][] = [[], [], []];
    for (let edge = firstEdge[table]!; edge < firstEdge[table + 1]!; edge++) {
      if (edgeKind[edge] === EdgeKind.EphemeronTable) weak.push(edgeTo[edge]!);
      else if (layout !== undefined && edgeKind[edge] === EdgeKind.Internal) {
        const number = this.#names.number(edge);
        if (number !== undefined && number >= layout.first) columns[(number - layout.first) % layout.width]!.push(edgeTo[edge]!);
      }
    }
    if (weak.length > 0) return { node, kind: 'weak', entries: weak.length, bytes, ...this.#valuesOf(weak, weak.length) };
    if (layout === undefined) return undefined;
    const [keys = [], values = []] = columns;
    const isMap = layout.width === MAP_ENTRY_SLOTS;
    const entries = isMap ? Math.max(keys.length, values.length) : keys.length;
    return { node, kind: isMap ? 'map' : 'set', entries, bytes, ...this.#valuesOf(isMap ? values : keys, entries) };
  }

  /** Values apart from `undefined` and the like, which are V8's own objects; what is missing of the entries are small integers. */
  #valuesOf(values: readonly NodeIndex[], entries: number): { values: NodeIndex[]; numbers: number } {
    return { values: values.filter((value) => this.#graph.nodeKind[value] !== NodeKind.Hidden), numbers: Math.max(0, entries - values.length) };
  }
}

/** What a container shows of its past. */
export interface ContainerTraces {
  /** Share of the entries in the table that were removed. Of a Map or Set alone, and about. */
  readonly removedShare: number | undefined;
  /** Whether an array has just as many places as elements: one that grew by `push` has spare ones. */
  readonly isExact: boolean | undefined;
}

const LAST_LOOKED = 16;

/** Reads the traces of a container: of a Map or Set from its table, of an array from its store. */
export function readTraces(graph: HeapGraph, node: NodeIndex): ContainerTraces {
  const { firstEdge, edgeKind, edgeTo, nodeShallowSize } = graph;
  let removedShare: number | undefined;
  let store = NO_NODE;
  for (let edge = firstEdge[node]!; edge < firstEdge[node + 1]!; edge++) {
    if (edgeKind[edge] !== EdgeKind.Internal) continue;
    const { name } = graph.edgeLabel(edge);
    if (name === 'table') removedShare = removedOf(graph, edgeTo[edge]!);
    else if (name === 'elements') store = edgeTo[edge]!;
  }
  // Elements come in the order of their indexes, so that the last ones tell the largest.
  let last = -1;
  for (let edge = firstEdge[node + 1]! - 1, looked = 0; edge >= firstEdge[node]! && looked < LAST_LOOKED; edge--) {
    if (edgeKind[edge] !== EdgeKind.Element) continue;
    looked++;
    last = Math.max(last, Number(graph.edgeLabel(edge).name));
  }
  const places = store === NO_NODE ? 0 : (nodeShallowSize[store]! - ARRAY_HEADER_BYTES) / WORD;
  return { removedShare, isExact: last >= 0 && places > 0 ? places === last + 1 : undefined };
}

/** Edges of a table that are looked at: half a million entries and more. */
const MAX_TABLE_EDGES = 2_000_000;

/**
 * The share of the entries of a table that were removed: an entry that was leaves its place empty until the table is made anew, so that the numbers of the slots of the
 * others have gaps. `undefined` where slots are not numbered.
 */
function removedOf(graph: HeapGraph, table: NodeIndex): number | undefined {
  const { firstEdge, edgeKind, edgeTo, nodeKind } = graph;
  const layout = entryLayout(graph.nodeShallowSize[table]!);
  const end = firstEdge[table + 1]!;
  if (layout === undefined || end - firstEdge[table]! > MAX_TABLE_EDGES) return undefined;
  let live = 0;
  let last = -1;
  for (let edge = firstEdge[table]!; edge < end; edge++) {
    // Newer versions have edges to V8's own mark in the empty places, too.
    if (edgeKind[edge] !== EdgeKind.Internal || nodeKind[edgeTo[edge]!] === NodeKind.Hidden) continue;
    const slot = Number(graph.edgeLabel(edge).name);
    if (!Number.isInteger(slot) || slot < layout.first) continue;
    const entry = Math.floor((slot - layout.first) / layout.width);
    if (entry > last) {
      live++;
      last = entry;
    }
  }
  return live === 0 ? undefined : 1 - live / (last + 1);
}
