/** Builds a graph a node and an edge at a time, in any order: for tests and for small sources. Large sources fill the columns themselves. */
import { Int32Column } from '../bytes/columns.ts';
import { LimitError, MalformedInputError } from '../errors.ts';
import type { EdgeKind, HeapGraph, NodeIndex, NodeKind, Shape, ShapeIndex, StringIndex } from './heap-graph.ts';
import { EDGE_KIND_COUNT, graphOfColumns, isNumbered, NO_SHAPE, NODE_KIND_COUNT } from './heap-graph.ts';
import { sharedFloat64, sharedInt32, sharedUint32, sharedUint8 } from './shared.ts';

/** Most rows that a builder takes. */
export interface GraphLimits {
  readonly maxNodes: number;
  readonly maxEdges: number;
}

/** What a builder is told about one node. */
export interface NodeRow {
  readonly kind: NodeKind;
  readonly name: string;
  /** Own bytes. */
  readonly shallowSize: number;
  /** Address or snapshot id; the node's index if not given. */
  readonly key?: number;
  readonly shape?: ShapeIndex;
}

const DEFAULT_LIMITS: GraphLimits = { maxNodes: 2 ** 28, maxEdges: 2 ** 30 };

/** Collects nodes and edges; `finish` makes the columns. The first node added is the root. */
export class HeapGraphBuilder {
  readonly #keyKind: 'address' | 'snapshot-id';
  readonly #limits: GraphLimits;
  readonly #nodeKind = new Int32Column();
  readonly #nodeName = new Int32Column();
  readonly #nodeShape = new Int32Column();
  readonly #nodeShallowSize: number[] = [];
  readonly #nodeKey: number[] = [];
  readonly #edgeFrom = new Int32Column();
  readonly #edgeTo = new Int32Column();
  readonly #edgeKind = new Int32Column();
  readonly #edgeName = new Int32Column();
  readonly #strings: string[] = [];
  readonly #stringIndex = new Map<string, StringIndex>();
  readonly #shapes: Shape[] = [];

  constructor(keyKind: 'address' | 'snapshot-id', limits: GraphLimits = DEFAULT_LIMITS) {
    this.#keyKind = keyKind;
    this.#limits = limits;
  }

  /** Adds a shape that nodes may name. */
  addShape(shape: Shape): ShapeIndex {
    return this.#shapes.push(shape) - 1;
  }

  /**
   * Adds a node.
   * @throws {LimitError} past `maxNodes`
   * @throws {MalformedInputError} if the kind, the size or the shape is none; the offset is the node's index
   */
  addNode({ kind, name, shallowSize, key, shape = NO_SHAPE }: NodeRow): NodeIndex {
    const node = this.#nodeKind.length;
    if (node >= this.#limits.maxNodes) throw new LimitError('nodes of a graph', node + 1, this.#limits.maxNodes);
    if (!isBelow(kind, NODE_KIND_COUNT)) throw new MalformedInputError('heap graph', node, 'node kind', `${kind} is none`);
    if (!(shallowSize >= 0 && shallowSize <= Number.MAX_SAFE_INTEGER))
      throw new MalformedInputError('heap graph', node, 'shallow size', `${shallowSize} is none`);
    if (shape !== NO_SHAPE && !isBelow(shape, this.#shapes.length))
      throw new MalformedInputError('heap graph', node, 'shape', `${shape} is none of ${this.#shapes.length}`);
    this.#nodeKind.push(kind);
    this.#nodeName.push(this.#intern(name));
    this.#nodeShape.push(shape);
    this.#nodeShallowSize.push(shallowSize);
    this.#nodeKey.push(key ?? node);
    return node;
  }

  /**
   * Adds an edge. The nodes it joins may be added later; `finish` checks them.
   * @param name a number for element and hidden edges, a string for all others
   * @throws {LimitError} past `maxEdges`
   * @throws {MalformedInputError} if a node can be none, the kind is none, or a numbered edge's name is not a number or the other way round; the offset counts the edges added
   */
  addEdge(from: NodeIndex, to: NodeIndex, kind: EdgeKind, name: string | number): void {
    const edge = this.#edgeTo.length;
    if (edge >= this.#limits.maxEdges) throw new LimitError('edges of a graph', edge + 1, this.#limits.maxEdges);
    if (!isBelow(from, 2 ** 31)) throw new MalformedInputError('heap graph', edge, 'edge source', `${from} is no node`);
    if (!isBelow(to, 2 ** 31)) throw new MalformedInputError('heap graph', edge, 'edge target', `${to} is no node`);
    if (!isBelow(kind, EDGE_KIND_COUNT)) throw new MalformedInputError('heap graph', edge, 'edge kind', `${kind} is none`);
    if ((typeof name === 'number') !== isNumbered(kind))
      throw new MalformedInputError('heap graph', edge, 'edge name', `a ${typeof name} for an edge of kind ${kind}`);
    if (typeof name === 'number' && !isBelow(name, 2 ** 31)) throw new MalformedInputError('heap graph', edge, 'edge name', `${name} is no index`);
    this.#edgeFrom.push(from);
    this.#edgeTo.push(to);
    this.#edgeKind.push(kind);
    this.#edgeName.push(typeof name === 'number' ? name : this.#intern(name));
  }

  /**
   * Makes the graph: edges sorted by the node they come from, those of one node in the order in which they were added.
   * @throws {MalformedInputError} if there is no node, or an edge joins a node that was not added; the offset counts the edges added
   */
  finish(): HeapGraph {
    const nodeCount = this.#nodeKind.length;
    const edgeCount = this.#edgeTo.length;
    if (nodeCount === 0) throw new MalformedInputError('heap graph', 0, 'nodes', 'there is no root');
    const from = this.#edgeFrom.items;
    const to = this.#edgeTo.items;
    const firstEdge = sharedUint32(nodeCount + 1);
    for (let edge = 0; edge < edgeCount; edge++) {
      if (!isBelow(from[edge]!, nodeCount)) throw new MalformedInputError('heap graph', edge, 'edge source', `${from[edge]!} is none of ${nodeCount} nodes`);
      if (!isBelow(to[edge]!, nodeCount)) throw new MalformedInputError('heap graph', edge, 'edge target', `${to[edge]!} is none of ${nodeCount} nodes`);
      firstEdge[from[edge]! + 1]!++;
    }
    for (let node = 0; node < nodeCount; node++) firstEdge[node + 1]! += firstEdge[node]!;
    const edgeTo = sharedInt32(edgeCount);
    const edgeKind = sharedUint8(edgeCount);
    const edgeName = sharedInt32(edgeCount);
    const next = firstEdge.slice();
    for (let edge = 0; edge < edgeCount; edge++) {
      const row = next[from[edge]!]!++;
      edgeTo[row] = to[edge]!;
      edgeKind[row] = this.#edgeKind.items[edge]!;
      edgeName[row] = this.#edgeName.items[edge]!;
    }
    const columns = {
      nodeCount,
      edgeCount,
      nodeKind: filled(sharedUint8(nodeCount), this.#nodeKind.finish()),
      nodeName: filled(sharedInt32(nodeCount), this.#nodeName.finish()),
      nodeShape: filled(sharedInt32(nodeCount), this.#nodeShape.finish()),
      nodeShallowSize: filled(sharedFloat64(nodeCount), this.#nodeShallowSize),
      nodeKey: filled(sharedFloat64(nodeCount), this.#nodeKey),
      keyKind: this.#keyKind,
      firstEdge,
      edgeTo,
      edgeKind,
      edgeName,
    };
    return graphOfColumns(columns, tableOf(this.#strings), tableOf(this.#shapes));
  }

  #intern(text: string): StringIndex {
    let index = this.#stringIndex.get(text);
    if (index === undefined) {
      index = this.#strings.push(text) - 1;
      this.#stringIndex.set(text, index);
    }
    return index;
  }
}

function isBelow(value: number, end: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < end;
}

function filled<T extends { set(values: ArrayLike<number>): void }>(column: T, values: ArrayLike<number>): T {
  column.set(values);
  return column;
}

/** A table over rows of its own. */
function tableOf<T>(rows: readonly T[]): { readonly length: number; at(index: number): T } {
  const own = rows.slice();
  return {
    length: own.length,
    at: (index) => {
      if (!isBelow(index, own.length)) throw new RangeError(`row ${index} of a table of ${own.length}`);
      return own[index]!;
    },
  };
}
