/**
 * Graphs as V8 heaps look: objects in the order of their addresses, parts next to the object that holds them, the hidden class first among the edges, a starting heap
 * that is a tangle, and below a user global what a program keeps. Sizes are made up, the numbers of edges are those of Node 22.
 */
const PROPERTY = 2;
const ELEMENT = 1;
const INTERNAL = 3;
const SHORTCUT = 5;
const WEAK = 6;
const OBJECT = 3;
const SYNTHETIC = 9;

/** Marsaglia's xorshift: the same numbers in every run. */
function randomNumbers(seed) {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

class Columns {
  constructor(nodes, edges) {
    const shared = (type, length) => new type(new SharedArrayBuffer(length * type.BYTES_PER_ELEMENT));
    this.nodeKind = shared(Uint8Array, nodes).fill(OBJECT);
    this.nodeShallowSize = shared(Float64Array, nodes);
    this.firstEdge = shared(Uint32Array, nodes + 1);
    this.edgeTo = shared(Int32Array, edges);
    this.edgeKind = shared(Uint8Array, edges);
    this.nodes = 0;
    this.edges = 0;
  }

  /** Starts the next node; its edges follow. */
  node(size, kind = OBJECT) {
    this.nodeShallowSize[this.nodes] = size;
    this.nodeKind[this.nodes] = kind;
    this.firstEdge[this.nodes + 1] = this.edges;
    return this.nodes++;
  }

  edge(to, kind = PROPERTY) {
    this.edgeTo[this.edges] = to;
    this.edgeKind[this.edges++] = kind;
    this.firstEdge[this.nodes] = this.edges;
  }

  finish() {
    const { nodes, edges } = this;
    if (nodes > this.nodeKind.length || edges > this.edgeTo.length) throw new RangeError(`${nodes} nodes and ${edges} edges do not fit`);
    return {
      nodeCount: nodes,
      edgeCount: edges,
      nodeKind: this.nodeKind.subarray(0, nodes),
      nodeName: new Int32Array(0),
      nodeShape: new Int32Array(nodes).fill(-1),
      nodeShallowSize: this.nodeShallowSize.subarray(0, nodes),
      nodeKey: new Float64Array(0),
      keyKind: 'address',
      firstEdge: this.firstEdge.subarray(0, nodes + 1),
      edgeTo: this.edgeTo.subarray(0, edges),
      edgeKind: this.edgeKind.subarray(0, edges),
    };
  }
}

const START = 60_000;
const MAPS = 2000;

/**
 * Root, user global, root lists, hidden classes, then a starting heap of objects that refer to each other at random, mostly nearby. `START` nodes.
 * Node 1 is the user global, 2 "(GC roots)", 3 "(Strong roots)", 4 "(Global handles)"; hidden classes follow; the last node of the start holds what `fill` adds.
 */
function start(columns, random) {
  columns.node(0, SYNTHETIC);
  columns.edge(1, SHORTCUT);
  columns.edge(2, ELEMENT);
  columns.node(100);
  for (let i = 0; i < 60; i++) columns.edge(4 + MAPS + random(START - MAPS - 4));
  columns.edge(START - 1);
  columns.node(0, SYNTHETIC);
  columns.edge(3, ELEMENT);
  columns.edge(4, ELEMENT);
  columns.node(0, SYNTHETIC);
  for (let map = 5; map < 5 + MAPS; map++) columns.edge(map, ELEMENT);
  columns.node(0, SYNTHETIC);
  for (let i = 0; i < 3000; i++) columns.edge(5 + MAPS + random(START - MAPS - 5), i % 3 === 0 ? WEAK : ELEMENT);
  for (let map = 5; map < 5 + MAPS; map++) {
    columns.node(80);
    columns.edge(5, INTERNAL);
    columns.edge(5 + MAPS + random(START - MAPS - 5));
    columns.edge(5 + MAPS + random(START - MAPS - 5), map % 2 === 0 ? WEAK : INTERNAL);
  }
  while (columns.nodes < START - 1) {
    const at = columns.node(16 + random(100));
    columns.edge(5 + random(MAPS), INTERNAL);
    for (let i = random(5); i >= 0; i--) columns.edge(random(4) === 0 ? 5 + random(START - 5) : Math.min(START - 1, at + 1 + random(20)));
  }
  columns.node(32);
  columns.edge(5, INTERNAL);
  columns.edge(START, INTERNAL);
}

const map = (i) => 5 + i;
const constant = (i) => 5 + MAPS + 100 + i;

/** An array of records: each an instance with a string, a number and a literal that may have a list. 5.5 nodes and 14.25 edges a record. */
function records(nodes) {
  const count = Math.floor((nodes - START) / 5.5);
  const columns = new Columns(nodes + 100, count * 15 + START * 8);
  const random = randomNumbers(1);
  start(columns, random);
  columns.node(count * 8 + 16);
  columns.edge(map(1), INTERNAL);
  let next = START + 1;
  for (let i = 0; i < count; i++) {
    columns.edge(next, ELEMENT);
    next += i % 4 !== 0 ? 6 : 4;
  }
  for (let i = 0; i < count; i++) {
    const at = columns.node(80);
    columns.edge(map(2), INTERNAL);
    columns.edge(constant(1));
    columns.edge(constant(2));
    columns.edge(at + 1);
    columns.edge(at + 2);
    columns.edge(at + 3);
    columns.node(24);
    columns.edge(map(3), INTERNAL);
    columns.node(16);
    columns.edge(map(4), INTERNAL);
    columns.node(56);
    columns.edge(map(5), INTERNAL);
    columns.edge(constant(3));
    if (i % 4 !== 0) {
      columns.edge(at + 4);
      columns.node(32);
      columns.edge(map(6), INTERNAL);
      columns.edge(at + 5, INTERNAL);
      columns.node(24);
      columns.edge(map(1), INTERNAL);
    }
  }
  return columns.finish();
}

/** Sessions of a server: closures over a context, listeners that hold the session again, a list that links them both ways, a map from name to session. */
function sessions(nodes) {
  const count = Math.floor((nodes - START) / 8);
  const columns = new Columns(nodes + 100, count * 27 + START * 8);
  const random = randomNumbers(2);
  start(columns, random);
  columns.node(count * 24 + 16);
  columns.edge(map(1), INTERNAL);
  for (let i = 0; i < count; i++) {
    const at = START + 1 + i * 8;
    columns.edge(at + 1, ELEMENT);
    columns.edge(at, ELEMENT);
  }
  for (let i = 0; i < count; i++) {
    const at = columns.nodes;
    // Session, name, context, two closures over it, array of listeners with its elements, a literal shared with a session at random.
    columns.node(64);
    columns.edge(map(2), INTERNAL);
    columns.edge(at + 1);
    columns.edge(at + 5);
    columns.edge(at + 7);
    if (i > 0) columns.edge(at - 8);
    if (i + 1 < count) columns.edge(at + 8);
    columns.node(32);
    columns.edge(map(3), INTERNAL);
    columns.node(40);
    columns.edge(map(7), INTERNAL);
    columns.edge(at);
    columns.edge(constant(5));
    for (let j = 3; j < 5; j++) {
      columns.node(64);
      columns.edge(map(8), INTERNAL);
      columns.edge(at + 2, INTERNAL);
      columns.edge(constant(5 + j), INTERNAL);
    }
    columns.node(32);
    columns.edge(map(6), INTERNAL);
    columns.edge(at + 6, INTERNAL);
    columns.node(32);
    columns.edge(map(1), INTERNAL);
    columns.edge(at + 3, ELEMENT);
    columns.edge(at + 4, ELEMENT);
    columns.node(40);
    columns.edge(map(5), INTERNAL);
    columns.edge(START + 1 + random(count) * 8 + 7);
  }
  return columns.finish();
}

/** No structure at all: edges at random, 2.5 a node. The worst that may come. */
function tangle(nodes) {
  const columns = new Columns(nodes, nodes * 3);
  const random = randomNumbers(3);
  columns.node(0, SYNTHETIC);
  for (let i = 0; i < 1000; i++) columns.edge(1 + random(nodes - 1));
  while (columns.nodes < nodes) {
    columns.node(16 + random(100));
    for (let i = 1 + random(4); i > 0; i--) columns.edge(random(nodes));
  }
  return columns.finish();
}

export const HEAPS = { records, sessions, tangle };
