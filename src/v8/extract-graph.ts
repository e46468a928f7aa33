/**
 * The object graph of a heap that was read: live objects, the memory outside of the heap that they own, and the roots.
 *
 * Nodes stand in this order: the root, `(GC roots)`, one node for each kind of root, the live objects by where they lie in the heap memory, then stores outside of
 * the heap. Nodes and edges are made by the engine's threads, page by page; what an edge is called is worked out when somebody asks.
 */
import { type Address } from '../bytes/address.ts';
import { EdgeKind, type EdgeLabel, type GraphColumns, type HeapGraph, NO_SHAPE, type NodeIndex, NodeKind, type Shape, edgeSource } from '../graph/heap-graph.ts';
import { sharedFloat64, sharedInt32, sharedUint32, sharedUint8 } from '../graph/shared.ts';
import { labelOfSlot } from './edge-labels.ts';
import { edgeRules } from './edge-rules.ts';
import { type EdgeSetup, EdgeReader, type ExtraEdges, countBits } from './edges.ts';
import { type EnginePool, SpareWorkers, makeEnginePool } from './engine-pool.ts';
import type { GraphAnswer, NodesOfFunctions, NodesOfMaps } from './graph-pages.ts';
import { type CensusResult, backingStores, externalContents } from './heap-census.ts';
import { type HeapMemoryParts, SLOT_WORDS, addressOfRef, refOfAddress } from './heap-memory.ts';
import { type V8Layout, isContextType, typeNumber } from './layout.ts';
import { type ReadOptions, checkAborted, engineSetup } from './read-heap.ts';
import { hasType } from './heap.ts';
import { RootKind, type RootKindName } from './root-collector.ts';
import { makeRootLabels, rootEdgeName } from './root-labels.ts';
import { ROOT_KIND_NAMES } from './root-names.ts';
import { type SnapshotNodeType, snapshotNameOf, snapshotTypeOf } from './snapshot-names.ts';
import { isReadOnlyPage } from './spaces.ts';
import { tryReadString } from './strings.ts';
import { symbolFacts } from './symbols.ts';

/** The graph of a core. `nodeShape` holds rows of the census's `shapes`, keys are tagged addresses; stores outside of the heap have their own addresses. */
export interface CoreGraph {
  readonly graph: HeapGraph;
  /** Closures, rising, and the rows of the census's `functions` that they were made from. */
  readonly closureNode: Int32Array;
  readonly closureFunction: Int32Array;
  /** The node of a tagged address; undefined when no live object starts there. */
  findNode(key: number): NodeIndex | undefined;
}

const KIND_OF_TYPE: Readonly<Record<SnapshotNodeType, NodeKind>> = {
  hidden: NodeKind.Hidden,
  array: NodeKind.Array,
  string: NodeKind.String,
  object: NodeKind.Object,
  code: NodeKind.Code,
  closure: NodeKind.Closure,
  regexp: NodeKind.RegExp,
  number: NodeKind.Number,
  'concatenated string': NodeKind.ConsString,
  'sliced string': NodeKind.SlicedString,
  symbol: NodeKind.Symbol,
  bigint: NodeKind.BigInt,
  'object shape': NodeKind.ObjectShape,
};

/** Column of TABLE_VERSIONS. */
const V14_6 = 5;

/** What V8's snapshots call the definition of a function without a name; others have the function's. */
const DEFINITION = '(shared function info)';

const GC_ROOTS: NodeIndex = 1;
const FIRST_ROOT_KIND: NodeIndex = 2;
const STRING_LENGTH = 1024;
/** Nodes whose edges are remembered for their names, and how many edges in all. */
const REMEMBERED_NODES = 64;
const REMEMBERED_EDGES = 1 << 22;

/** A root and the node it leads to. */
interface RootEdge {
  readonly to: NodeIndex;
  /** Row of the roots. */
  readonly root: number;
}

/** Rows of `ExtraEdges` and where they come from: the ref of an ephemeron table, or one of these. */
const FROM_RESOURCE = -1;
const FROM_TRACED_HANDLE = -2;

/** Strings by index, each once. */
class Names {
  readonly #list: string[] = [];
  readonly #index = new Map<string, number>();

  add(text: string): number {
    let index = this.#index.get(text);
    if (index === undefined) {
      index = this.#list.push(text) - 1;
      this.#index.set(text, index);
    }
    return index;
  }

  table(): HeapGraph['strings'] {
    const list = this.#list;
    return { length: list.length, at: (index) => list[index] ?? '' };
  }
}

/** Numbers the live objects from `first` on. */
function rankObjects(parts: HeapMemoryParts, first: NodeIndex): { readonly rank: Int32Array; readonly pageNode: Int32Array; readonly end: NodeIndex } {
  const { bits, pages } = parts;
  const rank = sharedInt32(bits.length / 2);
  const pageNode = sharedInt32(pages.length + 1);
  let node = first;
  for (const [index, page] of pages.entries()) {
    pageNode[index] = node;
    const end = ((page.firstSlot + page.slots) * SLOT_WORDS) >>> 5;
    for (let pair = (page.firstSlot * SLOT_WORDS) >>> 5; pair < end; pair++) {
      rank[pair] = node;
      const mark = bits[pair * 2 + 1]!;
      if (mark !== 0) node += countBits(mark);
    }
  }
  pageNode[pages.length] = node;
  return { rank, pageNode, end: node };
}

function sortedColumns(rows: { readonly key: number; readonly values: readonly number[] }[], width: number): { keys: Int32Array; columns: Int32Array[] } {
  rows.sort((a, b) => a.key - b.key);
  return {
    keys: Int32Array.from(rows, (row) => row.key),
    columns: Array.from({ length: width }, (_, i) => Int32Array.from(rows, (row) => row.values[i]!)),
  };
}

/** Makes the object graph of one heap. */
class GraphExtraction {
  readonly #result: CensusResult;
  readonly #parts: HeapMemoryParts;
  readonly #layout: V8Layout;
  readonly #names = new Names();
  readonly #rootNames: readonly RootKindName[];
  readonly #firstObject: NodeIndex;
  readonly #stores: { readonly address: Address; readonly bytes: number; readonly name: string }[] = [];
  #storeCount = 0;

  constructor(result: CensusResult) {
    this.#result = result;
    this.#parts = result.heap.plan.parts;
    this.#layout = result.heap.plan.layout;
    this.#rootNames = Object.keys(RootKind) as RootKindName[];
    this.#firstObject = FIRST_ROOT_KIND + this.#rootNames.length;
  }

  #nodesOfMaps(): NodesOfMaps {
    const { heap, groups } = this.#result;
    const { view } = heap;
    const rows = [{ key: -1, values: [NodeKind.Hidden as number, this.#names.add(''), NO_SHAPE as number] }];
    for (const map of heap.maps.values()) {
      if (map.sample < 0) continue;
      const type = snapshotTypeOf(view, map.type);
      const shape = groups.shapeOfMap(map.ref);
      rows.push({ key: map.ref, values: [KIND_OF_TYPE[type], this.#names.add(this.#nameOf(type, map.type, map.sample, shape?.constructorName)), shape?.row ?? NO_SHAPE] });
    }
    const { keys, columns } = sortedColumns(rows, 3);
    return { ref: keys, kind: Uint8Array.from(columns[0]!), name: columns[1]!, shape: columns[2]! };
  }

  #nameOf(type: SnapshotNodeType, instanceType: number, sample: number, constructorName: string | undefined): string {
    switch (type) {
      case 'string':
      case 'closure':
      case 'regexp':
        return `(${type})`;
      case 'object':
        if (!isContextType(this.#layout, instanceType) && constructorName !== undefined) return constructorName;
        break;
      case 'code':
        if (instanceType === typeNumber(this.#layout, 'SHARED_FUNCTION_INFO')) return DEFINITION;
        break;
      default:
        break;
    }
    const { view } = this.#result.heap;
    return snapshotNameOf(view, this.#result.groups.names, addressOfRef(this.#parts, sample)) ?? '';
  }

  #nodesOfFunctions(): NodesOfFunctions {
    const { census, sharedOfFunction } = this.#result;
    const rows = census.functions.map((row, i) => ({ key: sharedOfFunction[i]!, values: [this.#names.add(row.name), i] }));
    const { keys, columns } = sortedColumns(rows, 2);
    return { shared: keys, name: columns[0]!, row: columns[1]! };
  }

  /** Edges that stand in no slot of their object, and the stores that they may lead to; those of ArrayBuffers come first, sorted by address. */
  #extras(reader: EdgeReader, firstStore: NodeIndex, tables: Int32Array): ExtraEdges & { readonly table: Int32Array } {
    const rows: { readonly key: number; readonly values: readonly number[] }[] = [];
    const { words } = this.#parts;
    for (const table of tables) {
      const length = words[table * 2 + 3]! | 0;
      for (let entry = 5; entry + 1 < length + 2; entry += 2) {
        const key = reader.refOfWord((table + entry) * 2);
        const value = reader.refOfWord((table + entry + 1) * 2);
        if (key >= 0 && value >= 0 && reader.isLive(key) && reader.isLive(value)) rows.push({ key, values: [reader.nodeOf(value), EdgeKind.Ephemeron, table] });
      }
    }
    const { results } = this.#result.marked;
    const known = new Map<Address, NodeIndex>();
    for (const { ref, address, bytes } of externalContents(this.#result.heap, new Set(results.flatMap((result) => [...result.externalStrings])))) {
      let node = known.get(address);
      if (node === undefined) {
        node = firstStore + this.#stores.length;
        this.#stores.push({ address, bytes, name: 'system / ExternalStringData' });
        known.set(address, node);
      }
      rows.push({ key: ref, values: [node, EdgeKind.Internal, FROM_RESOURCE] });
    }
    const { refs, tracedOwners } = this.#result.marked.roots;
    for (const [root, owner] of tracedOwners) {
      const ref = refs[root]!;
      if (reader.isLive(owner) && reader.isLive(ref)) rows.push({ key: owner, values: [reader.nodeOf(ref), EdgeKind.Internal, FROM_TRACED_HANDLE] });
    }
    const { keys, columns } = sortedColumns(rows, 3);
    return { from: keys, to: columns[0]!, kind: Uint8Array.from(columns[1]!), table: columns[2]! };
  }

  /** The roots of each kind that lead to live objects, one for each object; those that a wrapper of the heap owns are its references. */
  #rootEdges(reader: EdgeReader): RootEdge[][] {
    const { refs, kinds, tracedOwners } = this.#result.marked.roots;
    const seen = this.#rootNames.map(() => new Set<number>());
    const edges: RootEdge[][] = this.#rootNames.map(() => []);
    for (let root = 0; root < refs.length; root++) {
      const ref = refs[root]!;
      const kind = kinds[root]!;
      if (!reader.isLive(ref) || seen[kind]!.has(ref) || reader.isLive(tracedOwners.get(root) ?? -1)) continue;
      seen[kind]!.add(ref);
      edges[kind]!.push({ to: reader.nodeOf(ref), root });
    }
    return edges;
  }

  /** What V8's snapshots take for the user's: the global objects of the realms that a handle holds; since 14.x the native contexts, which refer to them. */
  #globals(reader: EdgeReader): NodeIndex[] {
    const { heap, marked } = this.#result;
    const { refs, kinds } = marked.roots;
    // Contexts of node:vm are held weakly: what they hold is their owner's.
    const held = new Set(refs.filter((_, root) => kinds[root] === RootKind.globalHandle));
    const found = new Set<NodeIndex>();
    const FIRST_SLOTS = 4;
    for (const map of heap.maps.values()) {
      if (map.type !== typeNumber(this.#layout, 'NATIVE_CONTEXT') || map.liveObjects === 0 || !held.has(map.sample)) continue;
      if (this.#layout.column >= V14_6) {
        found.add(reader.nodeOf(map.sample));
        continue;
      }
      for (let slot = 0; slot < FIRST_SLOTS; slot++) {
        const ref = reader.refOfWord((map.sample + this.#layout.at.fixedArrayData / 8 + slot) * 2);
        if (ref < 0 || !reader.isLive(ref)) continue;
        const row = reader.mapOf(ref);
        if (row >= 0 && reader.maps.columns.type[row] === typeNumber(this.#layout, 'JS_GLOBAL_OBJECT')) found.add(reader.nodeOf(ref));
      }
    }
    return [...found].sort((a, b) => a - b);
  }

  async run(pool: EnginePool, options: ReadOptions): Promise<CoreGraph> {
    const { heap, marked } = this.#result;
    const { pages } = this.#parts;
    const setup = engineSetup(heap.plan);
    const { rank, pageNode, end: firstStoreNode } = rankObjects(this.#parts, this.#firstObject);
    const isReadOnlySlot = sharedUint8(this.#parts.slotBase.length);
    for (const page of pages) if (isReadOnlyPage(page, this.#layout)) isReadOnlySlot.fill(1, page.firstSlot, page.firstSlot + page.slots);
    for (const [address, bytes] of [...backingStores(marked.results)].sort((a, b) => a[0] - b[0])) this.#stores.push({ address, bytes, name: 'system / JSArrayBufferData' });
    const stores = Float64Array.from(this.#stores, (store) => store.address);
    const none: ExtraEdges = { from: new Int32Array(0), to: new Int32Array(0), kind: new Uint8Array(0) };
    const rules = edgeRules(this.#layout, marked.ephemeronTableType);
    const plain: EdgeSetup = { rules, rank, isReadOnlySlot, extras: none, stores, firstStoreNode };
    const scout = new EdgeReader(setup, plain);
    const tables = Int32Array.from(new Set(marked.results.flatMap((result) => [...result.ephemeronTables])));
    const extras = this.#extras(scout, firstStoreNode, tables);
    this.#storeCount = this.#stores.length;
    const edges: EdgeSetup = { ...plain, extras };
    const nodeCount = firstStoreNode + this.#storeCount;
    const nodes = {
      nodeKind: sharedUint8(nodeCount),
      nodeName: sharedInt32(nodeCount),
      nodeShape: sharedInt32(nodeCount),
      nodeShallowSize: sharedFloat64(nodeCount),
      nodeKey: sharedFloat64(nodeCount),
      firstEdge: sharedUint32(nodeCount + 1),
    };
    const pageEdges = sharedInt32(pages.length);
    const request = { edges, maps: this.#nodesOfMaps(), functions: this.#nodesOfFunctions(), jsFunctionShared: this.#layout.at.jsFunctionShared, nodes, pageNode, pageEdges };
    const answers = await pool.makeGraph(request, (share) => options.onProgress?.('graph', share * 0.9));
    checkAborted(options);

    const rootEdges = this.#rootEdges(scout);
    const globals = this.#globals(scout);
    const rootCount = 1 + globals.length + rootEdges.length + rootEdges.reduce((sum, list) => sum + list.length, 0);
    const pageFirstEdge = new Float64Array(pages.length);
    let edgeCount = rootCount;
    for (let page = 0; page < pages.length; page++) {
      pageFirstEdge[page] = edgeCount;
      edgeCount += pageEdges[page]!;
    }
    const edgeTo = sharedInt32(edgeCount);
    const edgeKind = sharedUint8(edgeCount);
    const columns: GraphColumns = { nodeCount, edgeCount, ...nodes, keyKind: 'address', edgeTo, edgeKind };
    const rootLabels = this.#placeRoots(columns, rootEdges, globals);
    this.#placeStores(columns, firstStoreNode);
    this.#nameDictionaries(columns, scout);
    this.#fileAsSnapshots(columns, pageNode);
    await pool.placeEdges({ pageFirstEdge, edgeTo, edgeKind });
    checkAborted(options);
    options.onProgress?.('graph', 1);
    return this.#graph(columns, rootLabels, new EdgeReader(setup, edges), extras, closuresOf(answers));
  }

  /** Fills in the rows of the root, of the kinds of roots, and their edges. Returns what those edges are called: a label, or the row of the root that the label is made of. */
  #placeRoots(columns: GraphColumns, rootEdges: readonly (readonly RootEdge[])[], globals: readonly NodeIndex[]): (EdgeLabel | number)[] {
    const { nodeKind, nodeName, nodeShape, firstEdge, edgeTo, edgeKind } = columns;
    const labels: (EdgeLabel | number)[] = [];
    const add = (to: NodeIndex, label: EdgeLabel | number): void => {
      edgeTo[labels.length] = to;
      edgeKind[labels.length] = typeof label === 'number' ? EdgeKind.Internal : label.kind;
      labels.push(label);
    };
    for (const [node, name] of ['', '(GC roots)', ...this.#rootNames.map((kind) => ROOT_KIND_NAMES[kind])].entries()) {
      nodeKind[node] = NodeKind.Synthetic;
      nodeName[node] = this.#names.add(name);
      nodeShape[node] = NO_SHAPE;
    }
    for (const [i, node] of globals.entries()) add(node, { kind: EdgeKind.Shortcut, name: i === 0 ? 'global' : `global ${i + 1}` });
    add(GC_ROOTS, { kind: EdgeKind.Element, name: globals.length + 1 });
    firstEdge[GC_ROOTS] = labels.length;
    for (const [i] of rootEdges.entries()) add(FIRST_ROOT_KIND + i, { kind: EdgeKind.Element, name: i + 1 });
    for (const [i, list] of rootEdges.entries()) {
      firstEdge[FIRST_ROOT_KIND + i] = labels.length;
      for (const { to, root } of list) add(to, root);
    }
    return labels;
  }

  #placeStores(columns: GraphColumns, first: NodeIndex): void {
    const { nodeKind, nodeName, nodeShape, nodeShallowSize, nodeKey, firstEdge, edgeCount, nodeCount } = columns;
    for (const [i, { address, bytes, name }] of this.#stores.entries()) {
      nodeKind[first + i] = NodeKind.External;
      nodeName[first + i] = this.#names.add(name);
      nodeShape[first + i] = NO_SHAPE;
      nodeShallowSize[first + i] = bytes;
      nodeKey[first + i] = address;
      firstEdge[first + i] = edgeCount;
    }
    firstEdge[nodeCount] = edgeCount;
  }

  /** Objects in dictionary mode have shapes, and may have names, of their own. */
  #nameDictionaries({ nodeName, nodeShape }: GraphColumns, reader: EdgeReader): void {
    this.#result.groups.forEachDictionary((ref, shape) => {
      if (!reader.isLive(ref)) return;
      const node = reader.nodeOf(ref);
      nodeShape[node] = shape.row;
      nodeName[node] = this.#names.add(shape.constructorName);
    });
  }

  /** V8's snapshots file private symbols, and the maps of read-only space, with what is V8's own. */
  #fileAsSnapshots({ nodeKind, nodeName, nodeKey }: GraphColumns, pageNode: Int32Array): void {
    const { view } = this.#result.heap;
    const privateSymbol = this.#names.add('private symbol');
    const symbol = this.#names.add('symbol');
    for (let node = nodeKind.indexOf(NodeKind.Symbol); node >= 0; node = nodeKind.indexOf(NodeKind.Symbol, node + 1)) {
      const isPrivate = symbolFacts(view, nodeKey[node]! - 1)?.isPrivate === true;
      if (isPrivate) nodeKind[node] = NodeKind.Hidden;
      nodeName[node] = isPrivate ? privateSymbol : symbol;
    }
    for (const [index, page] of this.#parts.pages.entries()) {
      if (!isReadOnlyPage(page, this.#layout)) continue;
      for (let node = pageNode[index]!; node < pageNode[index + 1]!; node++) {
        if (nodeKind[node] === NodeKind.ObjectShape && hasType(view, nodeKey[node]! - 1, 'MAP')) nodeKind[node] = NodeKind.Hidden;
      }
    }
  }

  #graph(
    columns: GraphColumns,
    rootLabels: readonly (EdgeLabel | number)[],
    reader: EdgeReader,
    extras: ExtraEdges & { readonly table: Int32Array },
    closures: Pick<CoreGraph, 'closureNode' | 'closureFunction'>,
  ): CoreGraph {
    const { view } = this.#result.heap;
    const { shapes } = this.#result.census;
    const parts = this.#parts;
    const definition = this.#names.add(DEFINITION);
    const strings = this.#names.table();
    const refOfNode = (node: NodeIndex): number => (node < this.#firstObject || columns.nodeKind[node] === NodeKind.External ? -1 : refOfAddress(parts, columns.nodeKey[node]! - 1));
    const nodeLabel = (node: NodeIndex): string => {
      const kind = columns.nodeKind[node];
      const address = columns.nodeKey[node]! - 1;
      if (kind === NodeKind.String) return tryReadString(view, address, STRING_LENGTH)?.text ?? '';
      if (kind === NodeKind.RegExp) return snapshotNameOf(view, this.#result.groups.names, address) ?? '';
      if (kind === NodeKind.Code && columns.nodeName[node] === definition) return snapshotNameOf(view, this.#result.groups.names, address) || DEFINITION;
      return strings.at(columns.nodeName[node]!);
    };
    const { plan } = this.#result.heap;
    const sources = { view, parts, names: this.#result.groups.names, isolates: plan.isolates, threads: plan.target.threads };
    const rootLabel = makeRootLabels(sources, this.#result.marked.roots);
    const slots = new SlotCache(reader, columns, refOfNode);
    const edgeLabel = (edge: number): EdgeLabel => {
      const root = rootLabels[edge];
      if (typeof root === 'number') return { kind: EdgeKind.Internal, name: rootEdgeName(rootLabel(root)) };
      if (root !== undefined) return root;
      const node = edgeSource(columns, edge);
      const kind = columns.edgeKind[edge]! as EdgeKind;
      const slot = slots.slotOf(node, edge);
      if (slot === undefined) return { kind, name: kind === EdgeKind.Element ? 0 : '?' };
      if (slot >= 0) return labelOfSlot(view, columns.nodeKey[node]! - 1, columns.nodeShallowSize[node]!, kind, addressOfRef(parts, slot));
      const table = extras.table[-1 - slot]!;
      if (table < 0) return { kind, name: table === FROM_RESOURCE ? 'resource' : 'traced handle' };
      // As V8 writes it (profiler/heap-snapshot-generator.cc: ExtractEphemeronHashTableReferences).
      const named = (of: NodeIndex): string => `${nodeLabel(of)} @${columns.nodeKey[of]!}`;
      return { kind, name: `part of key (${named(node)}) -> value (${named(columns.edgeTo[edge]!)}) pair in WeakMap (table @${addressOfRef(parts, table) + 1})` };
    };
    const graph: HeapGraph = {
      ...columns,
      strings,
      shapes: { length: shapes.length, at: (row): Shape => ({ constructorName: shapes[row]?.constructorName ?? '', properties: shapes[row]?.properties ?? [] }) },
      nodeLabel,
      edgeLabel,
    };
    const findNode = (key: number): NodeIndex | undefined => {
      const ref = key % 8 === 1 ? refOfAddress(parts, key - 1) : -1;
      return ref >= 0 && reader.isLive(ref) ? reader.nodeOf(ref) : undefined;
    };
    return { graph, ...closures, findNode };
  }
}

/** The slots of the edges of the nodes that were asked about last. */
class SlotCache {
  readonly #reader: EdgeReader;
  readonly #columns: GraphColumns;
  readonly #refOfNode: (node: NodeIndex) => number;
  readonly #known = new Map<NodeIndex, Int32Array>();
  #edges = 0;

  constructor(reader: EdgeReader, columns: GraphColumns, refOfNode: (node: NodeIndex) => number) {
    this.#reader = reader;
    this.#columns = columns;
    this.#refOfNode = refOfNode;
  }

  slotOf(node: NodeIndex, edge: number): number | undefined {
    let slots = this.#known.get(node);
    if (slots === undefined) {
      const ref = this.#refOfNode(node);
      if (ref < 0) return undefined;
      slots = this.#read(ref);
      if (this.#known.size >= REMEMBERED_NODES || this.#edges + slots.length > REMEMBERED_EDGES) {
        this.#known.clear();
        this.#edges = 0;
      }
      this.#edges += slots.length;
      this.#known.set(node, slots);
    }
    return slots[edge - this.#columns.firstEdge[node]!];
  }

  #read(ref: number): Int32Array {
    const reader = this.#reader;
    const map = reader.mapOf(ref);
    reader.length = 0;
    if (map >= 0) reader.read(ref, map, reader.sizeOf(ref, map));
    reader.readExtras(ref, reader.firstExtra(ref));
    return reader.slot.slice(0, reader.length);
  }
}

/** Closures of all threads in order of their nodes. */
function closuresOf(answers: readonly GraphAnswer[]): Pick<CoreGraph, 'closureNode' | 'closureFunction'> {
  const count = answers.reduce((sum, { closures }) => sum + closures.length / 2, 0);
  // Node and row in one number each: both fit 31 bits, and a plain sort puts them in order.
  const pairs = new Float64Array(count);
  let at = 0;
  for (const { closures } of answers) for (let i = 0; i + 1 < closures.length; i += 2) pairs[at++] = closures[i]! * 2 ** 22 + closures[i + 1]!;
  pairs.sort();
  const closureNode = sharedInt32(count);
  const closureFunction = sharedInt32(count);
  for (let i = 0; i < count; i++) {
    closureNode[i] = Math.floor(pairs[i]! / 2 ** 22);
    closureFunction[i] = pairs[i]! % 2 ** 22;
  }
  return { closureNode, closureFunction };
}

/**
 * Makes the object graph of a heap that was read and counted. Uses the threads that the census kept, or others.
 * @throws {InterruptedError} when `options.signal` is aborted
 */
export async function extractGraph(result: CensusResult, options: ReadOptions = {}): Promise<CoreGraph> {
  const { plan } = result.heap;
  const pool = result.pool ?? makeEnginePool(engineSetup(plan), plan.target.path, plan.target.memory, options.spare ?? new SpareWorkers(0), undefined);
  pool.listen(options.signal);
  try {
    options.onProgress?.('graph', 0);
    return await new GraphExtraction(result).run(pool, options);
  } finally {
    pool.close();
  }
}
