/**
 * Immediate dominators and retained sizes, after Lengauer and Tarjan, "A fast algorithm for finding dominators in a flowgraph", ACM TOPLAS 1 (1979), 121-141,
 * https://doi.org/10.1145/357062.357071, with simple linking: O(edges x log nodes), whatever the graph looks like.
 *
 * Most nodes of a heap have one holder, which dominates them. A depth-first search walks through them like through all others, but gives a number only to nodes that
 * several hold, and to what is above those in the search tree, at the moment when the first of them is found. Whoever has no number is the top of a tree that no edge
 * enters but at its top and that no new node hangs on: an edge from there says of its target just what an edge from the nearest numbered node above would say, and its
 * bytes are summed up when the search leaves it. What is left for the algorithm proper is often a small part.
 *
 * Numbers count from 1 in the order of the search, 0 stands for none. The search looks at each edge once and sorts it: an edge to a node below its source in the search
 * tree only lowers that node's semidominator, at once; the others are chained per target and are looked at again when the target's turn comes, but for those that say
 * nothing new: of two sources one above the other in the search tree the lower one says all. So no reverse index is needed. Each number has four words that stand
 * together, since the second part of the algorithm jumps about:
 *
 *   UP    the parent in the search tree; later some ancestor, as paths are compressed
 *   BEST  before the number's turn: its chain of edges; from then on: the number with the least semidominator on the path to UP, UP not included
 *   SEMI  before: the least semidominator seen so far; from then on: that of BEST
 *   DOM   during the search: 1 while the search is below; then the first of the bucket of numbers whose semidominator this is; then the next in a bucket; then the
 *         dominator, or its negative u for "the one of u"
 */
import { Int32Column } from '../bytes/columns.ts';
import type { Control } from './control.ts';
import { makeTicker, TICK_MASK } from './control.ts';
import type { EdgeSet } from './distances.ts';
import { hasEdge, WEAK_KINDS } from './distances.ts';
import type { GraphColumns } from './heap-graph.ts';
import { EdgeKind, NO_NODE, ROOT } from './heap-graph.ts';
import { sharedFloat64, sharedInt32 } from './shared.ts';
import { findSoleHolders, SEVERAL } from './sole-holders.ts';

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
interface Numbered {
  /** Largest number. */
  count: number;
  /** Nodes found, with and without a number. */
  reached: number;
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
function enter({ tops, isEntered }: Numbered, number: number): void {
  let low = 0;
  let high = tops.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (tops.items[middle]! <= number) low = middle;
    else high = middle;
  }
  if (tops.items[low] !== number) isEntered.items[low] = 1;
}

/** Which of the root's edges a search follows. Users' globals come first: what is found then is what they reach. */
const Part = { All: 0, Users: 1, Rest: 2 } as const;
type Part = (typeof Part)[keyof typeof Part];

/** In the column of states, a number is kept as a negative below `SEVERAL`, and -1 stays "no node". */
const STATE_OF_ZERO = -2;

/**
 * Numbers what the root reaches.
 *
 * Edges from what no user global reaches to what one does are passed over if the root's edges are searched in two parts.
 * @param state sole holders, as `findSoleHolders` leaves them; nodes with several get the state of their number
 * @param retainedSize negative for all nodes; those that are found get their own bytes and those of what has no number below them
 */
class Search {
  readonly #graph: GraphColumns;
  readonly #followed: EdgeSet | undefined;
  readonly #state: Int32Array;
  readonly #retainedSize: Float64Array;
  readonly #stack: Uint32Array;
  readonly #tick: (share: number) => void;
  #chained = 0;
  /** Whether an edge leads back to the root, so that user globals reach all that the root reaches. */
  #isRootHeld = false;
  readonly found: Numbered;

  constructor(graph: GraphColumns, followed: EdgeSet | undefined, state: Int32Array, retainedSize: Float64Array, tick: (share: number) => void) {
    const { nodeCount, edgeCount } = graph;
    this.#graph = graph;
    this.#followed = followed;
    this.#state = state;
    this.#retainedSize = retainedSize;
    this.#tick = tick;
    // All as long as they may have to be; the system gives memory only to the parts that are written.
    this.#stack = new Uint32Array(nodeCount + 1);
    this.found = {
      count: 1,
      reached: 1,
      nodeOf: new Int32Array(nodeCount + 1),
      words: new Int32Array((nodeCount + 1) * 4),
      chain: new Int32Array((edgeCount + 1) * 2),
      tops: new Int32Column(),
      isEntered: new Int32Column(),
    };
    this.found.nodeOf[1] = ROOT;
    state[ROOT] = STATE_OF_ZERO - 1;
    retainedSize[ROOT] = graph.nodeShallowSize[ROOT]!;
  }

  run(part: Part): void {
    const { nodeCount, nodeShallowSize, firstEdge, edgeTo, edgeKind } = this.#graph;
    const followed = this.#followed;
    const state = this.#state;
    const retainedSize = this.#retainedSize;
    const stack = this.#stack;
    const tick = this.#tick;
    const found = this.found;
    const { nodeOf, words, chain, tops, isEntered } = found;
    // From what no user global reaches no edge counts to numbers up to here, which are the users'.
    const users = part === Part.Rest && !this.#isRootHeld ? found.count : 0;
    let isRootHeld = false;
    const rootEnd = firstEdge[ROOT + 1]!;
    let { count, reached } = found;
    let chained = this.#chained;
    let top = 0;
    // The node that the search is at, how deep that is, and the nearest one above that has a number (or the node itself).
    let node = ROOT;
    let depth = 0;
    let number = 1;
    let numberDepth = 0;
    let edge = firstEdge[ROOT]!;
    let end = rootEnd;
    words[4 + DOM] = 1;
    for (;;) {
      while (edge < end) {
        const to = edgeTo[edge]!;
        if (followed !== undefined) {
          if (!hasEdge(followed, edge++)) continue;
        } else {
          const kind = edgeKind[edge++]!;
          if (((WEAK_KINDS >>> kind) & 1) !== 0 && (depth > 0 || kind !== EdgeKind.Shortcut)) continue;
          if (depth === 0 && part !== Part.All && (kind === EdgeKind.Shortcut) !== (part === Part.Users)) continue;
        }
        const known = state[to]!;
        if (known < SEVERAL) {
          const target = STATE_OF_ZERO - known;
          if (target === 1 && depth > 0) isRootHeld = true;
          if (target <= users && depth > 0) continue;
          if (target > number) {
            if (words[target * 4 + SEMI]! > number) words[target * 4 + SEMI] = number;
            if (number === 1) enter(found, target);
          } else if (target < number && target > 1) {
            const last = words[target * 4 + BEST]!;
            const source = chain[last * 2]!;
            if (source !== number) {
              if (last !== 0 && words[source * 4 + DOM] === 1) chain[last * 2] = number;
              else {
                chained++;
                chain[chained * 2] = number;
                chain[chained * 2 + 1] = last;
                words[target * 4 + BEST] = chained;
              }
              if (target < top) enter(found, target);
            }
          }
          continue;
        }
        // Held by another, and what leads there from here does not count; or an edge of a node to itself.
        if (known !== SEVERAL && known !== node) continue;
        if ((reached++ & TICK_MASK) === 0) tick(reached / nodeCount);
        let below = firstEdge[to]!;
        const belowEnd = firstEdge[to + 1]!;
        if (known !== SEVERAL) {
          // Most of what has one holder tells nothing new: then there is no need to go there.
          if (followed === undefined) {
            for (; below < belowEnd; below++) {
              if (((WEAK_KINDS >>> edgeKind[below]!) & 1) !== 0) continue;
              const stateBelow = state[edgeTo[below]!]!;
              if (stateBelow >= 0 && stateBelow !== to) continue;
              const target = STATE_OF_ZERO - stateBelow;
              if (target <= 1 || (target !== number && (target > number || target <= users || chain[words[target * 4 + BEST]! * 2] !== number))) break;
            }
          }
          const size = nodeShallowSize[to]!;
          retainedSize[to] = size;
          if (below === belowEnd) {
            retainedSize[node]! += size;
            continue;
          }
          stack[depth++] = edge;
        } else {
          stack[depth++] = edge;
          retainedSize[to] = nodeShallowSize[to]!;
          // All nodes on the way here get numbers, from the lowest one without up.
          const path = depth - 1 - numberDepth;
          if (number === 1) {
            top = count + 1;
            tops.push(top);
            isEntered.push(0);
          }
          let above = node;
          for (let next = count + path; next > count; next--) {
            const up = next === count + 1 ? number : next - 1;
            nodeOf[next] = above;
            words[next * 4 + UP] = up;
            words[next * 4 + SEMI] = up;
            words[next * 4 + DOM] = 1;
            above = state[above]!;
          }
          if (path > 0) number = count + path;
          count += path + 1;
          nodeOf[count] = to;
          words[count * 4 + UP] = number;
          words[count * 4 + SEMI] = number;
          words[count * 4 + DOM] = 1;
          number = count;
          numberDepth = depth;
          state[to] = STATE_OF_ZERO - number;
        }
        node = to;
        edge = below;
        end = belowEnd;
      }
      if (depth === 0) break;
      if (depth > numberDepth) {
        const size = retainedSize[node]!;
        // Without a number, it has one holder, and the search came from there.
        node = state[node]!;
        retainedSize[node]! += size;
      } else {
        words[number * 4 + DOM] = 0;
        number = words[number * 4 + UP]!;
        node = nodeOf[number]!;
        numberDepth--;
      }
      edge = stack[--depth]!;
      end = firstEdge[node + 1]!;
    }
    words[4 + DOM] = 0;
    found.count = count;
    found.reached = reached;
    this.#chained = chained;
    this.#isRootHeld = isRootHeld;
  }
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
function dominate({ count, words, chain, tops, isEntered }: Numbered, stack: Int32Array, tick: (share: number) => void): void {
  let top = tops.length - 1;
  for (let number = count; number > 1; number--) {
    if ((number & TICK_MASK) === 0) tick(0.6 + 0.35 * (1 - number / count));
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
 * Takes 12 bytes a node for the result. While it works, 4 more for each node that the search is deep, 20 for each that has a number (see above), and 8 for each edge
 * that is chained: never more than 24 a node and 8 an edge, and far less in heaps as programs make them.
 * @param essential the edges that count; if not given, those of the rule `essential` (`computeEdgeSet`), without a set being made
 * @throws {InterruptedError} when `control` says so
 */
export function computeDominators(graph: GraphColumns, essential?: EdgeSet, control?: Control): Dominators {
  const { nodeCount, nodeShallowSize } = graph;
  const retainedSize = sharedFloat64(nodeCount).fill(-1);
  const dominator = sharedInt32(nodeCount).fill(NO_NODE);
  if (nodeCount === 0) return { dominator, retainedSize, reachableCount: 0 };
  const tick = makeTicker(control);
  findSoleHolders(graph, essential, dominator, (share) => {
    tick(0.2 * share);
  });
  const search = new Search(graph, essential, dominator, retainedSize, (share) => {
    tick(0.2 + 0.4 * share);
  });
  if (essential !== undefined) search.run(Part.All);
  else {
    search.run(Part.Users);
    search.run(Part.Rest);
  }
  const { found } = search;
  dominate(found, new Int32Array(found.count + 1), tick);

  const { count, reached, nodeOf, words } = found;
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
  if (reached < nodeCount) {
    for (let node = 0; node < nodeCount; node++) {
      if (retainedSize[node]! >= 0) continue;
      retainedSize[node] = nodeShallowSize[node]!;
      dominator[node] = NO_NODE;
    }
  }
  tick(1);
  return { dominator, retainedSize, reachableCount: reached };
}
