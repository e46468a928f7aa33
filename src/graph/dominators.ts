/**
 * Immediate dominators and retained sizes, after Lengauer and Tarjan, "A fast algorithm for finding dominators in a flowgraph", ACM TOPLAS 1 (1979), 121-141,
 * https://doi.org/10.1145/357062.357071, with simple linking: O(edges x log nodes), whatever the graph looks like.
 *
 * Nodes are numbered from 1 in the order of a depth-first search, 0 stands for none. The search looks at each edge once and sorts it: an edge to a node below its
 * source in the search tree only lowers that node's semidominator, at once; the others are chained per target and are looked at again when the target's turn comes.
 * So no reverse index is needed. Each number has four words that stand together, since the second part of the algorithm jumps about:
 *
 *   UP    the parent in the search tree; later some ancestor, as paths are compressed
 *   BEST  before the number's turn: its chain of edges; from then on: the number with the least semidominator on the path to UP, UP not included
 *   SEMI  before: the least semidominator seen so far; from then on: that of BEST
 *   DOM   before: first of the bucket of numbers whose semidominator this is; then next in a bucket; then the dominator, or its negative u for "the one of u"
 */
import { Int32Column } from '../bytes/columns.ts';
import type { Control } from './control.ts';
import { makeTicker, TICK_MASK } from './control.ts';
import type { EdgeSet } from './distances.ts';
import { hasEdge } from './distances.ts';
import type { GraphColumns } from './heap-graph.ts';
import { NO_NODE, ROOT } from './heap-graph.ts';
import { sharedFloat64, sharedInt32 } from './shared.ts';

/** Who dominates whom, and what would be freed. */
export interface Dominators {
  /** The immediate dominator of every node; `NO_NODE` for the root and for nodes that the root does not reach. */
  readonly dominator: Int32Array;
  /** Bytes that would be freed if the node went: its own and those of all nodes it dominates. For a node that the root does not reach: its own. */
  readonly retainedSize: Float64Array;
  /** Nodes that the root reaches, itself included. */
  readonly reachableCount: number;
}

const UP = 0;
const BEST = 1;
const SEMI = 2;
const DOM = 3;

/** What the search leaves for the second part. */
interface Search {
  readonly count: number;
  /** Node of each number. */
  readonly nodeOf: Int32Array;
  /** Four words a number. */
  readonly words: Int32Array;
  /** Edges that do not lead down the search tree: two words each, the source's number and the next edge with the same target. Row 0 is empty. */
  readonly chain: Int32Array;
  /** Numbers of the root's children in the search tree, rising: the subtree of each reaches up to the next. */
  readonly tops: Int32Column;
  /** For each of them, 1 if an edge from elsewhere leads into its subtree (to it alone does not count), so that it may not dominate all of it. */
  readonly isEntered: Int32Column;
}

/** Notes that an edge from elsewhere leads to a number below one of the root's children. */
function enter(tops: Int32Column, isEntered: Int32Column, number: number): void {
  let low = 0;
  let high = tops.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (tops.items[middle]! <= number) low = middle;
    else high = middle;
  }
  if (tops.items[low] !== number) isEntered.items[low] = 1;
}

/** Numbers the nodes that the root reaches. `numberOf` is filled; `scratch` is a word for each number. */
function search(graph: GraphColumns, essential: EdgeSet, numberOf: Int32Array, scratch: Int32Array, tick: (share: number) => void): Search {
  const { nodeCount, edgeCount, firstEdge, edgeTo } = graph;
  const nodeOf = new Int32Array(nodeCount + 1);
  const words = new Int32Array((nodeCount + 1) * 4);
  // As long as it may have to be; the system gives memory only to the part that is written.
  const chain = new Int32Array((edgeCount + 1) * 2);
  const tops = new Int32Column();
  const isEntered = new Int32Column();
  let chained = 0;
  let top = 0;
  let count = 1;
  let current = 1;
  numberOf[ROOT] = 1;
  nodeOf[1] = ROOT;
  let edge = firstEdge[ROOT]!;
  let end = firstEdge[ROOT + 1]!;
  for (;;) {
    while (edge < end) {
      if (!hasEdge(essential, edge)) {
        edge++;
        continue;
      }
      const to = edgeTo[edge++]!;
      const number = numberOf[to]!;
      if (number === 0) {
        scratch[current] = edge;
        numberOf[to] = ++count;
        nodeOf[count] = to;
        words[count * 4 + UP] = current;
        words[count * 4 + SEMI] = current;
        if (current === 1) {
          top = count;
          tops.push(top);
          isEntered.push(0);
        }
        current = count;
        edge = firstEdge[to]!;
        end = firstEdge[to + 1]!;
        if ((count & TICK_MASK) === 0) tick((0.5 * count) / nodeCount);
      } else if (number > current) {
        if (words[number * 4 + SEMI]! > current) words[number * 4 + SEMI] = current;
        if (current === 1) enter(tops, isEntered, number);
      } else if (number > 1 && number < current) {
        chained++;
        chain[chained * 2] = current;
        chain[chained * 2 + 1] = words[number * 4 + BEST]!;
        words[number * 4 + BEST] = chained;
        if (number < top) enter(tops, isEntered, number);
      }
    }
    current = words[current * 4 + UP]!;
    if (current === 0) break;
    edge = scratch[current]!;
    end = firstEdge[nodeOf[current]! + 1]!;
  }
  return { count, nodeOf, words, chain, tops, isEntered };
}

/** Compresses the path from a number up to the last one above `limit`, so that its BEST and SEMI speak for all of it. */
function compress(words: Int32Array, stack: Int32Array, number: number, limit: number): void {
  let depth = 0;
  let top = number;
  let up = words[top * 4 + UP]!;
  while (up > limit) {
    stack[depth++] = top;
    top = up;
    up = words[top * 4 + UP]!;
  }
  if (depth === 0) return;
  let best = words[top * 4 + BEST]!;
  let semi = words[top * 4 + SEMI]!;
  while (depth > 0) {
    const at = stack[--depth]! * 4;
    words[at + UP] = up;
    if (semi < words[at + SEMI]!) {
      words[at + BEST] = best;
      words[at + SEMI] = semi;
    } else {
      best = words[at + BEST]!;
      semi = words[at + SEMI]!;
    }
  }
}

/** Leaves the number of the immediate dominator in DOM of every number but the root's. */
function dominate({ count, words, chain, tops, isEntered }: Search, stack: Int32Array, tick: (share: number) => void): void {
  let top = tops.length - 1;
  for (let number = count; number > 1; number--) {
    if ((number & TICK_MASK) === 0) tick(0.5 + 0.4 * (1 - number / count));
    const at = number * 4;
    for (let member = words[at + DOM]!; member !== 0;) {
      const next = words[member * 4 + DOM]!;
      compress(words, stack, member, number);
      words[member * 4 + DOM] = words[member * 4 + SEMI]! < number ? -words[member * 4 + BEST]! : number;
      member = next;
    }
    // No semidominator is above a node that dominates: most edges to what everything refers to need no look.
    while (number < tops.items[top]!) top--;
    const floor = isEntered.items[top] === 1 ? 1 : tops.items[top]!;
    let semi = words[at + SEMI]!;
    for (let link = words[at + BEST]!; link !== 0 && semi > floor; link = chain[link * 2 + 1]!) {
      const source = chain[link * 2]!;
      if (words[source * 4 + UP]! > number) compress(words, stack, source, number);
      if (words[source * 4 + SEMI]! < semi) semi = words[source * 4 + SEMI]!;
    }
    words[at + BEST] = number;
    words[at + SEMI] = semi;
    if (semi === words[at + UP]) {
      words[at + DOM] = semi;
    } else {
      words[at + DOM] = words[semi * 4 + DOM]!;
      words[semi * 4 + DOM] = number;
    }
  }
  for (let member = words[4 + DOM]!; member !== 0;) {
    const next = words[member * 4 + DOM]!;
    words[member * 4 + DOM] = 1;
    member = next;
  }
  for (let number = 2; number <= count; number++) {
    const dominator = words[number * 4 + DOM]!;
    if (dominator < 0) words[number * 4 + DOM] = words[-dominator * 4 + DOM]!;
  }
}

/**
 * Finds the immediate dominator and the retained size of every node.
 *
 * Takes 12 bytes a node for the result, and while it works 20 more a node and 8 for every edge that does not lead down the search tree (never more than the edges
 * beyond those that first reach a node).
 * @param essential the edges that count: `computeEdgeSet(graph, 'essential')`
 * @throws {InterruptedError} when `control` says so
 */
export function computeDominators(graph: GraphColumns, essential: EdgeSet, control?: Control): Dominators {
  const { nodeCount, nodeShallowSize } = graph;
  const retainedSize = sharedFloat64(nodeCount);
  const dominator = sharedInt32(nodeCount);
  if (nodeCount === 0) return { dominator, retainedSize, reachableCount: 0 };
  const tick = makeTicker(control);
  // The columns of the result serve as scratch until they are filled: numbers of nodes, and the stack.
  const scratch = new Int32Array(retainedSize.buffer);
  const found = search(graph, essential, dominator, scratch, tick);
  dominate(found, scratch, tick);

  const { count, nodeOf, words } = found;
  for (let node = 0; node < nodeCount; node++) {
    retainedSize[node] = nodeShallowSize[node]!;
    if (dominator[node] === 0) dominator[node] = NO_NODE;
  }
  // Sizes are summed in the order of the search, where a dominator is near: in the place of UP and BEST.
  const sums = new Float64Array(words.buffer);
  for (let number = 1; number <= count; number++) {
    const node = nodeOf[number]!;
    sums[number * 2] = retainedSize[node]!;
    dominator[node] = nodeOf[words[number * 4 + DOM]!]!;
  }
  dominator[ROOT] = NO_NODE;
  for (let number = count; number > 0; number--) {
    if ((number & TICK_MASK) === 0) tick(0.95 + 0.05 * (1 - number / count));
    const sum = sums[number * 2]!;
    retainedSize[nodeOf[number]!] = sum;
    if (number > 1) sums[words[number * 4 + DOM]! * 2]! += sum;
  }
  tick(1);
  return { dominator, retainedSize, reachableCount: count };
}
