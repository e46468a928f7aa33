/** One thread's part of making the object graph of a heap: nodes and references of the live objects, page after page. */
import { Int32Column } from '../bytes/columns.ts';
import { type EdgeSetup, EdgeReader } from './edges.ts';
import { type HeapMemoryParts, SLOT_WORDS, addressOfRef } from './heap-memory.ts';
import type { WalkSetup } from './heap-walk.ts';
import { BodyKind } from './type-table.ts';

/** What nodes are called, by the ref of their map. Columns sorted by `ref`. */
export interface NodesOfMaps {
  readonly ref: Int32Array;
  readonly kind: Uint8Array;
  readonly name: Int32Array;
  readonly shape: Int32Array;
}

/** Names of closures by the ref of their SharedFunctionInfo, and the row of the functions' table. Columns sorted by `shared`. */
export interface NodesOfFunctions {
  readonly shared: Int32Array;
  readonly name: Int32Array;
  readonly row: Int32Array;
}

/** The node columns of a graph, shared by all threads; see GraphColumns. */
interface NodeColumns {
  readonly nodeKind: Uint8Array;
  readonly nodeName: Int32Array;
  readonly nodeShape: Int32Array;
  readonly nodeShallowSize: Float64Array;
  readonly nodeKey: Float64Array;
  readonly firstEdge: Uint32Array;
}

export interface GraphRequest {
  /** One shared element: how many pages have been taken. */
  readonly next: Int32Array;
  readonly edges: EdgeSetup;
  readonly maps: NodesOfMaps;
  readonly functions: NodesOfFunctions;
  readonly jsFunctionShared: number;
  readonly nodes: NodeColumns;
  /** The first node of each page, and one more: the first after the last page. */
  readonly pageNode: Int32Array;
  /** Edges of each page, filled by the threads. */
  readonly pageEdges: Int32Array;
}

/** Where the edges go that a thread has found. */
export interface PlaceRequest {
  /** The first edge of each page. */
  readonly pageFirstEdge: Float64Array;
  readonly edgeTo: Int32Array;
  readonly edgeKind: Uint8Array;
}

/** What a thread found besides the columns. */
export interface GraphAnswer {
  /** Closures and the rows of their functions, in turns. */
  readonly closures: Int32Array;
}

/** Row of `key` in a sorted column, or -1. */
function findRow(column: Int32Array, key: number): number {
  let low = 0;
  let high = column.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (column[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low < column.length && column[low] === key ? low : -1;
}

/** Edges that are kept together: a thread's are in blocks of about this many. */
const BLOCK_EDGES = 1 << 20;

interface PageEdges {
  readonly page: number;
  readonly block: number;
  readonly from: number;
  readonly to: number;
}

export class PageGraph {
  readonly #parts: HeapMemoryParts;
  readonly #request: GraphRequest;
  readonly #reader: EdgeReader;
  /** Rows of `request.maps` by row of the reader's maps. */
  #mapRow: Int32Array = new Int32Array(4096);
  #mapsKnown = 0;
  #lastShared = -1;
  #lastFunction = -1;
  readonly #blocks: { readonly to: Int32Array; readonly kind: Uint8Array }[] = [];
  readonly #pages: PageEdges[] = [];
  readonly #closures = new Int32Column();

  constructor(walk: WalkSetup, request: GraphRequest) {
    this.#parts = walk.parts;
    this.#request = request;
    this.#reader = new EdgeReader(walk, request.edges);
  }

  /** Fills the node columns of a page's live objects, and collects their edges; `firstEdge` counts from the page's first until `place` adds the rest. */
  readPage(index: number): void {
    const reader = this.#reader;
    const { edges, nodes, pageNode, pageEdges } = this.#request;
    const { bits } = this.#parts;
    const page = this.#parts.pages[index]!;
    const from = reader.length;
    const firstPair = (page.firstSlot * SLOT_WORDS) >>> 5;
    const endPair = ((page.firstSlot + page.slots) * SLOT_WORDS) >>> 5;
    const extraFrom = edges.extras.from;
    let extra = reader.firstExtra(firstPair * 32);
    let nextExtra = extra < extraFrom.length ? extraFrom[extra]! : -1;
    let node = pageNode[index]!;
    for (let pair = firstPair; pair < endPair; pair++) {
      for (let mark = bits[pair * 2 + 1]!; mark !== 0; mark &= mark - 1) {
        const ref = pair * 32 + (31 - Math.clz32(mark & -mark));
        const map = reader.mapOf(ref);
        nodes.firstEdge[node] = reader.length - from;
        nodes.nodeKey[node] = addressOfRef(this.#parts, ref) + 1;
        if (map >= 0) {
          if (map >= this.#mapsKnown) this.#learnMaps();
          const size = reader.sizeOf(ref, map);
          const row = this.#mapRow[map]!;
          nodes.nodeShallowSize[node] = size * 8;
          nodes.nodeKind[node] = this.#request.maps.kind[row]!;
          nodes.nodeName[node] = this.#request.maps.name[row]!;
          nodes.nodeShape[node] = this.#request.maps.shape[row]!;
          if (reader.maps.columns.bodyKind[map] === BodyKind.function) this.#nameClosure(node, ref);
          reader.read(ref, map, size);
        }
        if (ref === nextExtra) {
          extra = reader.readExtras(ref, extra);
          nextExtra = extra < extraFrom.length ? extraFrom[extra]! : -1;
        }
        node++;
      }
    }
    pageEdges[index] = reader.length - from;
    this.#pages.push({ page: index, block: this.#blocks.length, from, to: reader.length });
    if (reader.length >= BLOCK_EDGES) this.#endBlock();
  }

  #endBlock(): void {
    this.#blocks.push({ to: this.#reader.to, kind: this.#reader.kind });
    this.#reader.newBlock();
  }

  /** Row 0 of `maps` stands for what is not in it. */
  #learnMaps(): void {
    const { columns } = this.#reader.maps;
    if (columns.count > this.#mapRow.length) {
      const grown = new Int32Array(columns.ref.length);
      grown.set(this.#mapRow);
      this.#mapRow = grown;
    }
    for (; this.#mapsKnown < columns.count; this.#mapsKnown++) this.#mapRow[this.#mapsKnown] = Math.max(0, findRow(this.#request.maps.ref, columns.ref[this.#mapsKnown]!));
  }

  #nameClosure(node: number, ref: number): void {
    const { functions, nodes, jsFunctionShared } = this.#request;
    const shared = this.#reader.refOfWord(ref * 2 + jsFunctionShared / 4);
    if (shared !== this.#lastShared) {
      this.#lastShared = shared;
      this.#lastFunction = findRow(functions.shared, shared);
    }
    const row = this.#lastFunction;
    if (row < 0) return;
    nodes.nodeName[node] = functions.name[row]!;
    this.#closures.push(node);
    this.#closures.push(functions.row[row]!);
  }

  finish(): GraphAnswer {
    this.#endBlock();
    return { closures: this.#closures.finish() };
  }

  /** Copies the edges found to where they belong, and makes `firstEdge` count from the first of all. */
  place({ pageFirstEdge, edgeTo, edgeKind }: PlaceRequest): void {
    const { pageNode, nodes } = this.#request;
    for (const { page, block, from, to } of this.#pages) {
      const base = pageFirstEdge[page]!;
      edgeTo.set(this.#blocks[block]!.to.subarray(from, to), base);
      edgeKind.set(this.#blocks[block]!.kind.subarray(from, to), base);
      for (let node = pageNode[page]!; node < pageNode[page + 1]!; node++) nodes.firstEdge[node]! += base;
    }
  }
}
