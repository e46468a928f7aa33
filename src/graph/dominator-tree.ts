/** The dominator tree from the top down: what a node keeps alive, and where it piles up. */
import type { Dominators } from './dominators.ts';
import type { NodeIndex } from './heap-graph.ts';
import { NO_NODE } from './heap-graph.ts';
import { sharedInt32, sharedUint32 } from './shared.ts';

/** The nodes that each node dominates immediately: those of node `n` are the rows `first[n]` to `first[n + 1]` of `child`, the end not included, in order of index. */
export interface DominatorTree {
  /** `nodeCount + 1` rows. */
  readonly first: Uint32Array;
  /** One row for each node that has a dominator. */
  readonly child: Int32Array;
}

/** Turns the column of dominators round. Takes 8 bytes a node, all of it the result. */
export function computeDominatorTree({ dominator, reachableCount }: Dominators): DominatorTree {
  const nodeCount = dominator.length;
  const first = sharedUint32(nodeCount + 2);
  const child = sharedInt32(Math.max(0, reachableCount - 1));
  for (let node = 0; node < nodeCount; node++) {
    const above = dominator[node]!;
    if (above !== NO_NODE) first[above + 2]!++;
  }
  for (let node = 2; node < nodeCount + 2; node++) first[node]! += first[node - 1]!;
  for (let node = 0; node < nodeCount; node++) {
    const above = dominator[node]!;
    if (above !== NO_NODE) child[first[above + 1]!++] = node;
  }
  return { first: first.subarray(0, nodeCount + 1), child };
}

/** The largest nodes that a node dominates immediately, by retained size, largest first; of equals the one with the lower index first. */
export function largestChildren(tree: DominatorTree, retainedSize: Float64Array, node: NodeIndex, count: number): NodeIndex[] {
  const { first, child } = tree;
  const largest: NodeIndex[] = [];
  const end = first[node + 1]!;
  for (let row = first[node]!; row < end; row++) {
    const candidate = child[row]!;
    const size = retainedSize[candidate]!;
    if (largest.length === count && (count === 0 || retainedSize[largest[count - 1]!]! >= size)) continue;
    let place = largest.length === count ? count - 1 : largest.length;
    for (; place > 0 && retainedSize[largest[place - 1]!]! < size; place--) largest[place] = largest[place - 1]!;
    largest[place] = candidate;
  }
  return largest;
}

/** Where what a node retains piles up. */
export interface AccumulationPoint {
  /** The last node that still keeps the asked share: what is below it is spread over many. */
  readonly node: NodeIndex;
  /** The nodes from the one below the start to the point itself; only the last `chainCap` of them. Empty where the start is the point. */
  readonly chain: readonly NodeIndex[];
  /** True length of the chain. */
  readonly depth: number;
  /** The most that one node below the point retains, as a share of what the start retains. */
  readonly largestChildShare: number;
}

/** When to stop on the way down. */
export interface AccumulationOptions {
  /** Share of the start's retained size that the next node must still keep; 0.8 if not given. Above 0.5 at most one node can. */
  readonly keptShare?: number;
  /** Most nodes that `chain` lists; 100 if not given. */
  readonly chainCap?: number;
}

/**
 * Follows the dominator tree down from a node as long as a single child keeps most of what the node retains, and stops where it splits.
 * Shares are taken of the start, not of the node before: down a linked list every element keeps almost all of what the one before it keeps, and the end of the list
 * would explain nothing.
 */
export function findAccumulationPoint(tree: DominatorTree, retainedSize: Float64Array, start: NodeIndex, options: AccumulationOptions = {}): AccumulationPoint {
  const { keptShare = 0.8, chainCap = 100 } = options;
  const whole = retainedSize[start]!;
  const recent: NodeIndex[] = [];
  let node = start;
  let depth = 0;
  for (;;) {
    const largest = largestChildren(tree, retainedSize, node, 1)[0];
    const share = largest === undefined || whole === 0 ? 0 : retainedSize[largest]! / whole;
    if (largest === undefined || whole === 0 || share < keptShare) {
      const oldest = depth % chainCap;
      const chain = depth <= chainCap ? recent : [...recent.slice(oldest), ...recent.slice(0, oldest)];
      return { node, chain, depth, largestChildShare: share };
    }
    node = largest;
    if (chainCap > 0) recent[depth % chainCap] = node;
    depth++;
  }
}
