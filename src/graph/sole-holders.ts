/** Nodes that a single node holds: that one dominates them, and no algorithm is needed to say so. */
import { TICK_MASK } from './control.ts';
import type { EdgeSet } from './distances.ts';
import { hasEdge, WEAK_KINDS } from './distances.ts';
import type { GraphColumns, NodeIndex } from './heap-graph.ts';
import { EdgeKind, NO_NODE, ROOT } from './heap-graph.ts';

/** Stands for "more than one" in a column of sole holders. */
export const SEVERAL = -2;

/**
 * Finds the node that holds each node alone: `NO_NODE` where no edge leads, `SEVERAL` where more than one does, be it from one node. Edges of a node to itself do not
 * count, nor do those of a node that the same holder holds alone (where it comes later in the order of nodes): V8's snapshots lead to an array's elements from the
 * array and from its store. Each node that is held alone has an edge from its holder. One linear pass over the edges.
 * @param followed the edges that count; if not given, those of the rule `strong`
 * @param holder filled with `NO_NODE`
 */
export function findSoleHolders(graph: GraphColumns, followed: EdgeSet | undefined, holder: Int32Array, tick: (share: number) => void): void {
  const { nodeCount, firstEdge, edgeTo, edgeKind } = graph;
  // Nodes some of whose edges do not count because of what holds them.
  const isStore = new Uint32Array((nodeCount + 31) >>> 5);
  let edge = 0;
  for (let node = 0; node < nodeCount; node++) {
    if ((node & TICK_MASK) === 0) tick(node / nodeCount);
    const last = firstEdge[node + 1]!;
    // The root's shortcuts count.
    const out = node === ROOT ? WEAK_KINDS & ~(1 << EdgeKind.Shortcut) : WEAK_KINDS;
    for (; edge < last; edge++) {
      if (followed === undefined ? ((out >>> edgeKind[edge]!) & 1) !== 0 : !hasEdge(followed, edge)) continue;
      const to = edgeTo[edge]!;
      const known = holder[to]!;
      if (known === SEVERAL || to === node) continue;
      if (known === NO_NODE) holder[to] = node;
      // Nobody's edge makes the root live, and what it holds may be the user's by way of the store alone: its edges all count.
      else if (holder[node] === known && known !== ROOT && node !== ROOT && known !== node) isStore[node >>> 5]! |= 1 << (node & 31);
      else {
        holder[to] = SEVERAL;
        if (hasEdge(isStore, to)) holdBySeveral(graph, holder, isStore, to, known);
      }
    }
  }
}

/** What a store and its holder both hold is held by several once the store is no longer held by that one alone. */
function holdBySeveral({ firstEdge, edgeTo }: GraphColumns, holder: Int32Array, isStore: Uint32Array, store: NodeIndex, before: NodeIndex): void {
  const stores = [store];
  for (let at = stores.pop(); at !== undefined; at = stores.pop()) {
    isStore[at >>> 5]! &= ~(1 << (at & 31));
    const end = firstEdge[at + 1]!;
    for (let edge = firstEdge[at]!; edge < end; edge++) {
      const to = edgeTo[edge]!;
      if (holder[to] !== before) continue;
      holder[to] = SEVERAL;
      if (hasEdge(isStore, to)) stores.push(to);
    }
  }
}
