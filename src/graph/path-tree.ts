/**
 * One retaining path of every node, the one that is easiest for a person to follow: a tree of cheapest paths from the root.
 *
 * Each edge costs 1, and more where it leads to what nobody writes down: hidden classes, code, V8's small helpers, the roots' own nodes. So a path through a user's
 * global or a module is taken before one through a handle, and one through a property before one through a hidden class. Edges that do not keep their target alive
 * are not followed. Costs are small whole numbers, so the queue is a ring of buckets (Dial, "Algorithm 360", CACM 12 (1969), https://doi.org/10.1145/363269.363610):
 * each edge is looked at once.
 */
import type { Control } from './control.ts';
import { makeTicker, TICK_MASK } from './control.ts';
import type { EdgeIndex, GraphColumns, NodeIndex } from './heap-graph.ts';
import { EdgeKind, NO_NODE, NODE_KIND_COUNT, NodeKind, ROOT } from './heap-graph.ts';
import { sharedInt32 } from './shared.ts';

/** The tree: for every node the last step of its path. */
export interface PathTree {
  /** The node before it; `NO_NODE` for the root and for what it does not reach. */
  readonly holder: Int32Array;
  /** The edge from there; `NO_EDGE` where there is no holder. */
  readonly edge: Int32Array;
}

/** Stands for "no such edge" inside `PathTree.edge`. */
const NO_EDGE = -1;

/** What an edge costs on top of 1 by the kind of node that it leads to. */
const COST_OF_KIND: Readonly<Partial<Record<NodeKind, number>>> = {
  [NodeKind.Synthetic]: 20,
  [NodeKind.Code]: 10,
  [NodeKind.ObjectShape]: 10,
  [NodeKind.Hidden]: 8,
  [NodeKind.Native]: 4,
};
/** A WeakMap's value is held by its key, but hardly anybody would look there first. */
const COST_OF_EPHEMERON = 4;
const MAX_COST = 32;
const FAR = 0x7fffffff;

const PIECE_BITS = 14;
const PIECE_MASK = (1 << PIECE_BITS) - 1;

/** A list of nodes in pieces that all buckets share: what is full of nodes now may be empty a moment later. */
class Bucket {
  readonly #free: Int32Array[];
  readonly #pieces: Int32Array[] = [];
  length = 0;

  constructor(free: Int32Array[]) {
    this.#free = free;
  }

  push(node: NodeIndex): void {
    const place = this.length++;
    if ((place & PIECE_MASK) === 0) this.#pieces.push(this.#free.pop() ?? new Int32Array(PIECE_MASK + 1));
    this.#pieces[place >>> PIECE_BITS]![place & PIECE_MASK] = node;
  }

  at(place: number): NodeIndex {
    return this.#pieces[place >>> PIECE_BITS]![place & PIECE_MASK]!;
  }

  clear(): void {
    this.#free.push(...this.#pieces);
    this.#pieces.length = 0;
    this.length = 0;
  }
}

/**
 * Finds the tree. Takes 8 bytes a node for the result, and 4 more and the queue (less than 8) while it works.
 * @throws {InterruptedError} when `control` says so
 */
export function computePathTree(graph: GraphColumns, control?: Control): PathTree {
  const { nodeCount, firstEdge, edgeTo, edgeKind, nodeKind } = graph;
  const tick = makeTicker(control);
  const lastHolder = sharedInt32(nodeCount).fill(NO_NODE);
  const lastEdge = sharedInt32(nodeCount).fill(NO_EDGE);
  if (nodeCount === 0) return { holder: lastHolder, edge: lastEdge };
  const extra = new Int32Array(NODE_KIND_COUNT);
  for (const [kind, cost] of Object.entries(COST_OF_KIND)) extra[Number(kind)] = cost;
  const cost = new Int32Array(nodeCount).fill(FAR);
  const free: Int32Array[] = [];
  const ring = Array.from({ length: MAX_COST }, () => new Bucket(free));
  cost[ROOT] = 0;
  ring[0]!.push(ROOT);
  let queued = 1;
  let done = 0;
  for (let at = 0; queued > 0; at++) {
    const bucket = ring[at % MAX_COST]!;
    // Every edge costs something, so nothing is added to the bucket at hand.
    for (let place = 0; place < bucket.length; place++) {
      const node = bucket.at(place);
      queued--;
      if (cost[node] !== at) continue;
      if ((done++ & TICK_MASK) === 0) tick(done / nodeCount);
      const end = firstEdge[node + 1]!;
      for (let edge = firstEdge[node]!; edge < end; edge++) {
        const kind = edgeKind[edge]!;
        if (kind === EdgeKind.Weak || kind === EdgeKind.EphemeronTable || (kind === EdgeKind.Shortcut && node !== ROOT)) continue;
        const to = edgeTo[edge]!;
        const next = at + 1 + extra[nodeKind[to]!]! + (kind === EdgeKind.Ephemeron ? COST_OF_EPHEMERON : 0);
        if (next >= cost[to]!) continue;
        cost[to] = next;
        lastHolder[to] = node;
        lastEdge[to] = edge;
        ring[next % MAX_COST]!.push(to);
        queued++;
      }
    }
    bucket.clear();
  }
  tick(1);
  return { holder: lastHolder, edge: lastEdge };
}

/** The edges of a node's path, from the root down; empty where there is none. */
export function pathEdges({ holder, edge }: PathTree, node: NodeIndex): EdgeIndex[] {
  const edges: EdgeIndex[] = [];
  for (let at = node; holder[at] !== NO_NODE; at = holder[at]!) edges.push(edge[at]!);
  return edges.reverse();
}
