/**
 * The object graph of one heap at one moment, as columns that worker threads can share.
 * Derived columns (retainers, dominators, ...) are values of their own, so a graph is never half built.
 */

/** Row of a node; row 0 is the synthetic root. */
export type NodeIndex = number;
/** Row of an edge; the edges of node `n` are the rows `firstEdge[n]` to `firstEdge[n + 1]`, the end not included. */
export type EdgeIndex = number;
/** Row of the shape table. */
export type ShapeIndex = number;
/** Row of the string table. */
export type StringIndex = number;

/** Stands for "no such node" inside columns of nodes. */
export const NO_NODE = -1;
/** Stands for "this node has no shape" inside `nodeShape`. */
export const NO_SHAPE = -1;
/** The root of every graph. */
export const ROOT: NodeIndex = 0;

/**
 * What a node is. The first fifteen are the node types of V8's heap snapshots, in their order (V8 12.4, src/profiler/heap-snapshot-generator.h, HeapEntry::Type);
 * `External` is a store outside of the V8 heap that a heap object owns: the bytes of an ArrayBuffer, of an external string.
 */
export const NodeKind = {
  Hidden: 0,
  Array: 1,
  String: 2,
  Object: 3,
  Code: 4,
  Closure: 5,
  RegExp: 6,
  Number: 7,
  Native: 8,
  Synthetic: 9,
  ConsString: 10,
  SlicedString: 11,
  Symbol: 12,
  BigInt: 13,
  ObjectShape: 14,
  External: 15,
} as const;
export type NodeKind = (typeof NodeKind)[keyof typeof NodeKind];
/** One more than the largest `NodeKind`. */
export const NODE_KIND_COUNT = 16;

/**
 * How one node refers to another. The first seven are the edge types of V8's heap snapshots, in their order (HeapGraphEdge::Type).
 * A WeakMap entry makes two edges, which V8 writes as `internal` ones with a long name: `Ephemeron` leads from the key to the value, `EphemeronTable` from the map's
 * table to the value.
 */
export const EdgeKind = {
  Context: 0,
  Element: 1,
  Property: 2,
  Internal: 3,
  Hidden: 4,
  Shortcut: 5,
  Weak: 6,
  Ephemeron: 7,
  EphemeronTable: 8,
} as const;
export type EdgeKind = (typeof EdgeKind)[keyof typeof EdgeKind];
/** One more than the largest `EdgeKind`. */
export const EDGE_KIND_COUNT = 9;

/** Whether edges of a kind are called by a number (an element's index, a hidden slot) and not by a string. */
export function isNumbered(kind: EdgeKind): boolean {
  return kind === EdgeKind.Element || kind === EdgeKind.Hidden;
}

/** What an edge is called: a property, variable or slot by its name, an element or a hidden slot by its number. */
export interface EdgeLabel {
  readonly kind: EdgeKind;
  readonly name: string | number;
}

/** One shape: a constructor and its property names in order. */
export interface Shape {
  readonly constructorName: string;
  readonly properties: readonly string[];
}

/** The shapes of a graph; a source without shapes has an empty table. */
export interface ShapeTable {
  readonly length: number;
  /** The shape of a row. `shape` must be from 0 to below `length`. */
  at(shape: ShapeIndex): Shape;
}

/** The strings of a graph: names of nodes, and of edges where the source stores them. */
export interface StringTable {
  readonly length: number;
  /** The string of a row. `index` must be from 0 to below `length`. */
  at(index: StringIndex): string;
}

/** The numeric columns of a graph: parallel, read-only, and ready to be sent to a worker thread. All that the heavy computations read. */
export interface GraphColumns {
  readonly nodeCount: number;
  readonly edgeCount: number;
  /** `NodeKind` of every node. */
  readonly nodeKind: Uint8Array;
  /** `StringIndex` of every node's name. */
  readonly nodeName: Int32Array;
  /** `ShapeIndex` of every node, or `NO_SHAPE`. */
  readonly nodeShape: Int32Array;
  /** Own bytes of every node; exact to 2^53. */
  readonly nodeShallowSize: Float64Array;
  /** Address or snapshot id of every node: see `keyKind`. */
  readonly nodeKey: Float64Array;
  readonly keyKind: 'address' | 'snapshot-id';
  /** `nodeCount + 1` rows: where the edges of each node start; the last one is `edgeCount`. */
  readonly firstEdge: Uint32Array;
  /** `NodeIndex` of every edge's target. */
  readonly edgeTo: Int32Array;
  /** `EdgeKind` of every edge. */
  readonly edgeKind: Uint8Array;
}

/** The object graph of one heap at one moment. */
export interface HeapGraph extends GraphColumns {
  /** The name of a node, as V8's snapshots give it; a core works out the contents of a string here, so it is meant for the few nodes that are shown. */
  nodeLabel(node: NodeIndex): string;
  /** The name of an edge: read from a column or worked out from the objects, so meant for the few edges that are shown. */
  edgeLabel(edge: EdgeIndex): EdgeLabel;
  readonly shapes: ShapeTable;
  readonly strings: StringTable;
}

/** A graph whose edge names are a column too: `edgeName` holds a number for element and hidden edges and a `StringIndex` for all others, as in V8's heap snapshots. */
export interface NamedColumns extends GraphColumns {
  readonly edgeName: Int32Array;
}

/** The graph of columns that include the names of edges. The columns are taken as they are; `verifyGraph` says whether they hold together. */
export function graphOfColumns(columns: NamedColumns, strings: StringTable, shapes: ShapeTable): HeapGraph {
  const { edgeKind, edgeName, nodeName } = columns;
  return {
    ...columns,
    strings,
    shapes,
    nodeLabel: (node) => strings.at(nodeName[node]!),
    edgeLabel: (edge) => {
      const kind = edgeKind[edge]! as EdgeKind;
      const name = edgeName[edge]!;
      return { kind, name: isNumbered(kind) ? name : strings.at(name) };
    },
  };
}

/** The node that an edge comes from, found by halving. For the few edges that are shown; whoever walks all edges knows their source. */
export function edgeSource(graph: GraphColumns, edge: EdgeIndex): NodeIndex {
  const { firstEdge } = graph;
  let low = 0;
  let high = graph.nodeCount;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (firstEdge[middle]! <= edge) low = middle;
    else high = middle;
  }
  return low;
}
