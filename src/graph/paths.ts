/** How a node is held: its shortest retaining paths, each from the root down. */
import type { Control } from './control.ts';
import type { Distances, EdgeSet } from './distances.ts';
import { computeDistances, computeEdgeSet, hasEdge, NO_DISTANCE } from './distances.ts';
import type { EdgeIndex, GraphColumns, NodeIndex } from './heap-graph.ts';
import { NodeKind, ROOT } from './heap-graph.ts';
import type { Retainers } from './retainers.ts';

/** All that looking for paths needs, made once for a graph. */
export interface PathView {
  readonly graph: GraphColumns;
  readonly retainers: Retainers;
  /** The edges that a path may take. */
  readonly followed: EdgeSet;
  /** Distances over those edges. */
  readonly distances: Distances;
}

/**
 * Makes ready to look for paths. A path takes the edges that keep their target alive; with `weak`, all edges.
 * Takes 4 bytes a node for the result, and 4 more while it works.
 * @throws {InterruptedError} when `control` says so
 */
export function computePathView(graph: GraphColumns, retainers: Retainers, options: { readonly weak?: boolean } = {}, control?: Control): PathView {
  const followed = computeEdgeSet(graph, options.weak === true ? 'all' : 'strong', control);
  return { graph, retainers, followed, distances: computeDistances(graph, followed, control) };
}

/** One way in which a node is held. `edges[i]` leads from `nodes[i]` to `nodes[i + 1]`; `nodes` starts with the root and ends with the node in question. */
export interface RetainingPath {
  readonly nodes: Int32Array;
  readonly edges: Uint32Array;
  /** Number of edges, with `SYSTEM_DISTANCE` more where the path does not start at a user's global. Paths are ordered by it. */
  readonly distance: number;
}

/** The shortest retaining paths of a node. */
export interface RetainingPaths {
  /** Shortest first; no two with the same nodes. Empty where the root does not reach the node. */
  readonly paths: readonly RetainingPath[];
  /** Whether no path left out is shorter than one that is listed, and none is left out if fewer are listed than were asked for. False only where a bound was met. */
  readonly complete: boolean;
}

/** Bounds of a search for paths. */
export interface PathOptions {
  /** Most paths; 5 if not given. */
  readonly count?: number;
  /** Most partial paths that the search makes; 100,000 if not given. The shortest path is found whatever the bound. */
  readonly maxTries?: number;
  /** Most holders of one node that are tried, the nearest to the root first; 1,000 if not given. */
  readonly maxHolders?: number;
}

/** What the edge from a holder to a node adds to a path's distance. */
function edgeCost({ graph, distances }: PathView, holder: NodeIndex, node: NodeIndex): number {
  return holder === ROOT && graph.nodeKind[node] === NodeKind.Synthetic ? 1 + distances.systemCost : 1;
}

/** Row, in `retainers`, of the first edge of a shortest path upwards; of equals the first. -1 for the root and for what it does not reach. */
export function nearestRetainer(view: PathView, node: NodeIndex): number {
  const { retainers, followed } = view;
  const { distance } = view.distances;
  if (node === ROOT || distance[node] === NO_DISTANCE) return -1;
  const end = retainers.first[node + 1]!;
  for (let row = retainers.first[node]!; row < end; row++) {
    const holder = retainers.node[row]!;
    const away = distance[holder]!;
    if (away !== NO_DISTANCE && away + edgeCost(view, holder, node) === distance[node] && hasEdge(followed, retainers.edge[row]!)) return row;
  }
  return -1;
}

function shortestPath(view: PathView, node: NodeIndex): RetainingPath {
  const nodes = [node];
  const edges: EdgeIndex[] = [];
  for (let at = node; at !== ROOT;) {
    const row = nearestRetainer(view, at);
    at = view.retainers.node[row]!;
    nodes.push(at);
    edges.push(view.retainers.edge[row]!);
  }
  return { nodes: Int32Array.from(nodes.reverse()), edges: Uint32Array.from(edges.reverse()), distance: view.distances.distance[node]! };
}

/**
 * The partial paths of one search: each is a node, the edge from it to the partial path it continues, and what that costs. Ordered as a heap by the least distance a
 * full path can have; then the longer first, so that a search goes straight up; then by age. Bounded by `maxTries`, so plain arrays do.
 */
class PartialPaths {
  readonly node: NodeIndex[] = [];
  readonly edge: EdgeIndex[] = [];
  /** The partial path that this one continues; -1 for the start. */
  readonly below: number[] = [];
  readonly cost: number[] = [];
  readonly length: number[] = [];
  /** The least distance from the root of all nodes of the partial path. */
  readonly nearest: number[] = [];
  readonly #bound: number[] = [];
  readonly #heap: number[] = [];
  /** Rows and nodes looked at so far, to bound the time. */
  work = 0;

  add(node: NodeIndex, edge: EdgeIndex, below: number, cost: number, distance: number): void {
    const id = this.node.push(node) - 1;
    this.edge.push(edge);
    this.below.push(below);
    this.cost.push(cost);
    this.length.push(below < 0 ? 0 : this.length[below]! + 1);
    this.nearest.push(below < 0 ? distance : Math.min(distance, this.nearest[below]!));
    this.#bound.push(cost + distance);
    const heap = this.#heap;
    let place = heap.push(id) - 1;
    while (place > 0) {
      const up = (place - 1) >>> 1;
      if (!this.#isBefore(id, heap[up]!)) break;
      heap[place] = heap[up]!;
      place = up;
    }
    heap[place] = id;
  }

  /** Takes out the partial path that comes first; -1 if there is none. */
  take(): number {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return -1;
    if (heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let down = place * 2 + 1;
      if (down >= heap.length) break;
      if (down + 1 < heap.length && this.#isBefore(heap[down + 1]!, heap[down]!)) down++;
      if (!this.#isBefore(heap[down]!, last)) break;
      heap[place] = heap[down]!;
      place = down;
    }
    heap[place] = last;
    return first;
  }

  #isBefore(a: number, b: number): boolean {
    const byBound = this.#bound[a]! - this.#bound[b]!;
    if (byBound !== 0) return byBound < 0;
    const byLength = this.length[b]! - this.length[a]!;
    return byLength !== 0 ? byLength < 0 : a < b;
  }

  has(id: number, node: NodeIndex): boolean {
    for (let at = id; at >= 0; at = this.below[at]!) {
      this.work++;
      if (this.node[at] === node) return true;
    }
    return false;
  }

  toPath(id: number): RetainingPath {
    const length = this.length[id]!;
    const nodes = new Int32Array(length + 1);
    const edges = new Uint32Array(length);
    let at = id;
    for (let place = 0; place <= length; place++) {
      nodes[place] = this.node[at]!;
      if (place < length) edges[place] = this.edge[at]!;
      at = this.below[at]!;
    }
    return { nodes, edges, distance: this.cost[id]! };
  }
}

/** Most rows and nodes that one search looks at: well under a second of them. */
const MAX_WORK = 30_000_000;

/** Levels of distance that `distanceLimit` tells apart. */
const LEVELS = 64;

/** The least distance of the paths through a holder that is `away` from the root; Infinity if the root does not reach it. */
function distanceVia(view: PathView, holder: NodeIndex, node: NodeIndex): number {
  const away = view.distances.distance[holder]!;
  return away === NO_DISTANCE ? Infinity : away + edgeCost(view, holder, node);
}

/** The largest distance through a holder of a node that is still tried, so that about the nearest `maxHolders` are; Infinity if they all are. */
function distanceLimit(view: PathView, node: NodeIndex, maxHolders: number): number {
  const { retainers } = view;
  const begin = retainers.first[node]!;
  const end = retainers.first[node + 1]!;
  if (end - begin <= maxHolders) return Infinity;
  let least = Infinity;
  for (let row = begin; row < end; row++) least = Math.min(least, distanceVia(view, retainers.node[row]!, node));
  if (least === Infinity) return Infinity;
  const counts = new Uint32Array(LEVELS);
  for (let row = begin; row < end; row++) {
    const above = distanceVia(view, retainers.node[row]!, node) - least;
    if (above < LEVELS) counts[above]!++;
  }
  let level = 0;
  for (let held = counts[0]!; level + 1 < LEVELS && held < maxHolders; held += counts[level]!) level++;
  return least + level;
}

/**
 * Adds one partial path for each holder of the last node of a partial path, the nearest ones first if not all are tried.
 * Returns the least distance of a path through a holder that a bound left out; Infinity if there is none.
 */
function extend(view: PathView, partial: PartialPaths, id: number, maxTries: number, maxHolders: number): number {
  const { retainers, followed } = view;
  const node = partial.node[id]!;
  const nearest = partial.nearest[id]!;
  const cost = partial.cost[id]!;
  const limit = distanceLimit(view, node, maxHolders);
  const begin = retainers.first[node]!;
  const end = retainers.first[node + 1]!;
  let added = 0;
  for (const isLast of limit === Infinity ? [false] : [false, true]) {
    partial.work += end - begin;
    let previous = -1;
    for (let row = begin; row < end; row++) {
      const holder = retainers.node[row]!;
      const via = distanceVia(view, holder, node);
      if (holder === previous || via === Infinity || (isLast ? via !== limit : via >= limit) || !hasEdge(followed, retainers.edge[row]!)) continue;
      const away = view.distances.distance[holder]!;
      // A node nearer to the root than all of the path cannot be on it.
      if (away >= nearest && partial.has(id, holder)) continue;
      if (partial.node.length >= maxTries || partial.work > MAX_WORK) return 0;
      if (added === maxHolders) return cost + limit;
      previous = holder;
      added++;
      partial.add(holder, retainers.edge[row]!, id, cost + edgeCost(view, holder, node), away);
    }
  }
  return cost + limit + 1;
}

/**
 * Finds the shortest retaining paths of a node: paths without loops from the root to it, those that start at a user's global before those that do not. Several edges
 * from one holder to the same node count as one, the first. The same graph gives the same paths in the same order.
 *
 * Best first from the node upwards, with the distance from the root as the estimate: exact, so each path comes out without detours.
 */
export function findRetainingPaths(view: PathView, node: NodeIndex, options: PathOptions = {}): RetainingPaths {
  const { count = 5, maxTries = 100_000, maxHolders = 1000 } = options;
  const { distance } = view.distances;
  if (count <= 0 || distance[node] === NO_DISTANCE) return { paths: [], complete: true };
  const partial = new PartialPaths();
  const paths: RetainingPath[] = [];
  let leftOut = Infinity;
  partial.add(node, 0, -1, 0, distance[node]!);
  while (paths.length < count) {
    const id = partial.work > MAX_WORK ? -1 : partial.take();
    if (id < 0) break;
    if (partial.node[id] === ROOT) paths.push(partial.toPath(id));
    else leftOut = Math.min(leftOut, extend(view, partial, id, maxTries, maxHolders));
  }
  if (partial.work > MAX_WORK) leftOut = 0;
  // A bound may have cut off just the shortest.
  if (paths[0]?.distance !== distance[node]) paths.unshift(shortestPath(view, node));
  const last = paths[count - 1];
  return { paths: paths.slice(0, count), complete: leftOut === Infinity || (last !== undefined && last.distance <= leftOut) };
}
