/**
 * Which edges count, and how far a node is from the root.
 *
 * Dominators and retained sizes read one set of essential edges, filled once. Distances skip weak edges only. Both as in Chrome DevTools
 * (ChromeDevTools/devtools-frontend, front_end/entrypoints/heap_snapshot_worker/HeapSnapshot.ts, computeIsEssentialEdge and calculateDistances).
 */
import type { Control } from './control.ts';
import { makeTicker, TICK_MASK } from './control.ts';
import type { EdgeIndex, GraphColumns } from './heap-graph.ts';
import { EdgeKind, NodeKind, ROOT } from './heap-graph.ts';
import { sharedInt32, sharedUint32 } from './shared.ts';

/** A set of edges: bit `edge & 31` of word `edge >>> 5`. */
export type EdgeSet = Uint32Array;

/** Whether a set has an edge. */
export function hasEdge(set: EdgeSet, edge: EdgeIndex): boolean {
  return (set[edge >>> 5]! & (1 << (edge & 31))) !== 0;
}

/** Bit for each `EdgeKind` whose edges do not keep their target alive; but the root's own shortcuts do. */
export const WEAK_KINDS: number = (1 << EdgeKind.Weak) | (1 << EdgeKind.EphemeronTable) | (1 << EdgeKind.Shortcut);

/**
 * Which edges are followed.
 * - `essential`: those that count for dominance. Out are weak edges, edges of a node to itself, shortcut edges but for the root's own (where they mark the user's
 *   global objects), the edge from a WeakMap's table to a value (the one from the key stays), and edges from what no user global reaches to what one does.
 * - `strong`: the same, without the rule about user globals: every edge that keeps its target alive.
 * - `not-weak`: all but weak edges, for distances.
 * - `all`: all edges.
 *
 * One difference from DevTools, in what user globals reach: DevTools follows the table's edge to a WeakMap's value there, so that a value whose key no user global
 * reaches loses its last essential edge and is hung on the root. Here the key holds it. No rule makes a node unreachable that the strong edges reach.
 */
export type EdgeRule = 'essential' | 'strong' | 'not-weak' | 'all';

/**
 * Fills the set of the edges that a rule follows. Takes 1 bit an edge, and for `essential` 5 bytes a node while it works.
 * @throws {InterruptedError} when `control` says so
 */
export function computeEdgeSet(graph: GraphColumns, rule: EdgeRule, control?: Control): EdgeSet {
  const { nodeCount, edgeCount, firstEdge, edgeTo, edgeKind } = graph;
  const tick = makeTicker(control);
  const set = sharedUint32((edgeCount + 31) >>> 5);
  const isStrict = rule === 'essential' || rule === 'strong';
  for (let node = 0; node < nodeCount; node++) {
    if ((node & TICK_MASK) === 0) tick(0);
    const end = firstEdge[node + 1]!;
    for (let edge = firstEdge[node]!; edge < end; edge++) {
      const kind = edgeKind[edge]!;
      if (kind === EdgeKind.Weak && rule !== 'all') continue;
      if (isStrict && (kind === EdgeKind.EphemeronTable || edgeTo[edge] === node || (kind === EdgeKind.Shortcut && node !== ROOT))) continue;
      set[edge >>> 5]! |= 1 << (edge & 31);
    }
  }
  if (rule === 'essential') dropEdgesToUserObjects(graph, set, tick);
  tick(1);
  return set;
}

/** Takes the edges out of a set that lead from what no user global reaches to what one does, the root's own edges excepted. */
function dropEdgesToUserObjects(graph: GraphColumns, set: EdgeSet, tick: (share: number) => void): void {
  const { nodeCount, firstEdge, edgeTo, edgeKind } = graph;
  const rootEnd = nodeCount === 0 ? 0 : firstEdge[ROOT + 1]!;
  const isUsers = new Uint8Array(nodeCount);
  const queue = new Int32Array(nodeCount);
  let queued = 0;
  for (let edge = 0; edge < rootEnd; edge++) {
    const to = edgeTo[edge]!;
    if (edgeKind[edge] !== EdgeKind.Shortcut || isUsers[to] === 1 || !hasEdge(set, edge)) continue;
    isUsers[to] = 1;
    queue[queued++] = to;
  }
  if (queued === 0) return;
  for (let at = 0; at < queued; at++) {
    if ((at & TICK_MASK) === 0) tick(0.2 + (0.5 * at) / nodeCount);
    const node = queue[at]!;
    const end = firstEdge[node + 1]!;
    for (let edge = firstEdge[node]!; edge < end; edge++) {
      if (!hasEdge(set, edge)) continue;
      const to = edgeTo[edge]!;
      if (isUsers[to] === 1) continue;
      isUsers[to] = 1;
      queue[queued++] = to;
    }
  }
  for (let node = 0; node < nodeCount; node++) {
    if ((node & TICK_MASK) === 0) tick(0.7 + (0.3 * node) / nodeCount);
    if (node === ROOT || isUsers[node] === 1) continue;
    const end = firstEdge[node + 1]!;
    for (let edge = firstEdge[node]!; edge < end; edge++) {
      if (isUsers[edgeTo[edge]!] === 1) set[edge >>> 5]! &= ~(1 << (edge & 31));
    }
  }
}

/** Stands for "the root does not reach this node" inside a column of distances. */
export const NO_DISTANCE = -1;

/** Distances from here on belong to nodes that no user global reaches; DevTools' own number (baseSystemDistance). */
export const SYSTEM_DISTANCE = 100_000_000;

/** How far every node is from the root. */
export interface Distances {
  /** Fewest edges from the root; `SYSTEM_DISTANCE` more where they lead through what is not the user's; `NO_DISTANCE` where there are none. */
  readonly distance: Int32Array;
  /** What an edge from the root to a synthetic node costs on top of 1: `SYSTEM_DISTANCE`, or 0 in a graph where the root holds only synthetic nodes. */
  readonly systemCost: number;
}

/**
 * Distances from the root over a set of edges, breadth first: first from the user's globals, which are the nodes below the root that are not synthetic, then from
 * the root for the rest. The root's own distance is 0 (DevTools gives it `SYSTEM_DISTANCE`). Takes 4 bytes a node besides the result while it works.
 * @param followed as `computeEdgeSet` fills it; DevTools' distances follow `not-weak`
 * @throws {InterruptedError} when `control` says so
 */
export function computeDistances(graph: GraphColumns, followed: EdgeSet, control?: Control): Distances {
  const { nodeCount, firstEdge, edgeTo, nodeKind } = graph;
  const tick = makeTicker(control);
  const distance = sharedInt32(nodeCount).fill(NO_DISTANCE);
  const queue = new Int32Array(nodeCount);
  let queued = 0;
  let done = 0;
  if (nodeCount === 0) return { distance, systemCost: 0 };

  const spread = (): void => {
    while (done < queued) {
      if ((done & TICK_MASK) === 0) tick(done / nodeCount);
      const node = queue[done++]!;
      const next = distance[node]! + 1;
      const end = firstEdge[node + 1]!;
      for (let edge = firstEdge[node]!; edge < end; edge++) {
        const to = edgeTo[edge]!;
        if (distance[to] !== NO_DISTANCE || !hasEdge(followed, edge)) continue;
        distance[to] = next;
        queue[queued++] = to;
      }
    }
  };

  distance[ROOT] = 0;
  const rootEnd = firstEdge[ROOT + 1]!;
  for (let edge = 0; edge < rootEnd; edge++) {
    const to = edgeTo[edge]!;
    if (nodeKind[to] === NodeKind.Synthetic || distance[to] !== NO_DISTANCE || !hasEdge(followed, edge)) continue;
    distance[to] = 1;
    queue[queued++] = to;
  }
  const systemCost = queued > 0 ? SYSTEM_DISTANCE : 0;
  spread();
  distance[ROOT] = systemCost;
  queue[queued++] = ROOT;
  spread();
  distance[ROOT] = 0;
  tick(1);
  return { distance, systemCost };
}
