/**
 * Where a heap piles up: one object that keeps very many alike ones alive (an array, a Map, a list of timers), or a chain in which each keeps the next (a linked
 * list, promises). Found along the dominator tree, as Eclipse MAT finds its leak suspects: a node that retains much, while none of its many children does.
 */
import type { HeapGraph, NodeIndex } from '../graph/heap-graph.ts';
import { NO_NODE, NodeKind, ROOT } from '../graph/heap-graph.ts';
import { isBetween, isContext } from '../graph/graph-paths.ts';
import type { HeldHeap } from './held-groups.ts';
import { NO_GROUP, NodeGroups } from './held-groups.ts';
import { THRESHOLDS } from './score.ts';

/** One group of alike objects in one place. */
export interface Accumulation {
  /** What piles up. */
  readonly group: number;
  /** The node that keeps them all alive: nothing of them would be left without it. */
  readonly owner: NodeIndex;
  /** The object that most of them are held by, as far as there is one: it may not be the owner, where others hold them too. */
  readonly holder: NodeIndex | undefined;
  /** Owners of the same class that were put together. */
  readonly owners: number;
  /** Objects of the group in this place. */
  readonly count: number;
  /** What these objects retain. */
  readonly bytes: number;
  /** Whether each keeps the next one alive. */
  readonly isChain: boolean;
  /** Some of them, spread evenly. */
  readonly samples: readonly NodeIndex[];
  /** What else comes with each of them, by group: how many on average. */
  readonly contents: ReadonlyMap<number, number>;
}

/** Children that are looked at for who holds them and what is below them. */
const SAMPLES = 48;
/** Nodes below one sample that are looked at. */
const CONTENT_NODES = 400;
/** Steps down through helpers to the object that stands for a child. */
const UNWRAP_STEPS = 4;
/** Steps up that a chain's links may be apart. */
const LINK_STEPS = 6;
/** Steps up to an object that a person would call the holder. */
const HOLDER_STEPS = 12;

/** Nodes, and children of one node, that are looked at in one step of the work. */
const STEP_NODES = 1 << 20;
const STEP_CHILDREN = 1 << 17;

/** Children of one node by group. */
type Tallies = Map<number, { count: number; bytes: number; samples: NodeIndex[] }>;

/** The nearest node from a node upwards that a person would name. */
function visibleFrom(graph: HeapGraph, node: NodeIndex, above: Int32Array): NodeIndex {
  let at = node;
  for (let step = 0; step < HOLDER_STEPS && at > ROOT && isBetween(graph, at); step++) {
    const next = above[at]!;
    if (next <= ROOT || graph.nodeKind[next] === NodeKind.Synthetic) return at;
    at = next;
  }
  return at;
}

/** The most frequent of some keys, and its share. */
function mostOf(keys: readonly number[]): { readonly key: number; readonly share: number } | undefined {
  const counts = new Map<number, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  let best: [number, number] | undefined;
  for (const entry of counts) if (best === undefined || entry[1] > best[1]) best = entry;
  return best && { key: best[0], share: best[1] / keys.length };
}

class Finder {
  readonly #heap: HeldHeap;
  readonly #groups: NodeGroups;
  readonly #total: number;

  constructor(heap: HeldHeap, groups: NodeGroups) {
    this.#heap = heap;
    this.#groups = groups;
    this.#total = Math.max(1, heap.dominators.retainedSize[ROOT] ?? 1);
  }

  /** The node that stands for a child: the child, or what it holds where it is only a helper. */
  #standIn(child: NodeIndex): { readonly node: NodeIndex; readonly group: number } {
    const { graph, tree, dominators } = this.#heap;
    let node = child;
    for (let step = 0; step < UNWRAP_STEPS; step++) {
      const group = this.#groups.groupOf(node);
      if (group !== NO_GROUP) return { node: child, group };
      if (!isBetween(graph, node) && !isContext(graph, node)) break;
      let largest = NO_NODE;
      for (let row = tree.first[node]!; row < tree.first[node + 1]!; row++) {
        const below = tree.child[row]!;
        if (largest === NO_NODE || dominators.retainedSize[below]! > dominators.retainedSize[largest]!) largest = below;
      }
      if (largest === NO_NODE) break;
      node = largest;
    }
    return { node: child, group: NO_GROUP };
  }

  /** All nodes with many alike children. Yields now and then, so that the work can be stopped. */
  *fans(): Generator<void, Accumulation[]> {
    const { graph, tree, dominators } = this.#heap;
    const found: Accumulation[] = [];
    const scattered = new Map<string, { group: number; parts: { owner: NodeIndex; count: number; bytes: number; samples: NodeIndex[] }[] }>();
    for (let owner = this.#nextWithChildren(0); owner < graph.nodeCount; owner = this.#nextWithChildren(owner + 1)) {
      if (tree.first[owner + 1]! - tree.first[owner]! < THRESHOLDS.scatteredChildren) {
        // Only as far as one step looks.
        yield;
        continue;
      }
      for (const [group, tally] of yield* this.#tally(owner)) {
        const isMany = tally.count >= THRESHOLDS.children;
        const isLarge = tally.count >= THRESHOLDS.largeChildren && tally.bytes >= THRESHOLDS.largeShare * this.#total;
        if (isMany || isLarge) found.push(this.#make(group, [{ owner, ...tally }], false));
        else if (tally.count >= THRESHOLDS.scatteredChildren && owner !== ROOT) {
          const above = this.#groups.groupOf(visibleFrom(graph, owner, dominators.dominator));
          const key = `${above} ${group}`;
          const entry = scattered.get(key) ?? { group, parts: [] };
          entry.parts.push({ owner, ...tally });
          scattered.set(key, entry);
        }
      }
    }
    for (const { group, parts } of scattered.values()) {
      const count = parts.reduce((sum, part) => sum + part.count, 0);
      const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
      if (parts.length > 1 && count >= THRESHOLDS.children && bytes >= THRESHOLDS.retainedShare * this.#total) found.push(this.#make(group, parts, false));
    }
    return found;
  }

  /** The first node from `from` on that has many children, or where a step ends. */
  #nextWithChildren(from: NodeIndex): NodeIndex {
    const { graph, tree } = this.#heap;
    const end = Math.min(graph.nodeCount, from + STEP_NODES);
    for (let node = from; node < end; node++) if (tree.first[node + 1]! - tree.first[node]! >= THRESHOLDS.scatteredChildren) return node;
    return end;
  }

  /** Children of an owner by group. */
  *#tally(owner: NodeIndex): Generator<void, Tallies> {
    const { tree } = this.#heap;
    const tallies: Tallies = new Map();
    const end = tree.first[owner + 1]!;
    for (let row = tree.first[owner]!; row < end; row += STEP_CHILDREN) {
      this.#tallyRows(tallies, row, Math.min(end, row + STEP_CHILDREN));
      if (row + STEP_CHILDREN < end) yield;
    }
    return tallies;
  }

  #tallyRows(tallies: Tallies, from: number, end: number): void {
    const { tree, dominators } = this.#heap;
    for (let row = from; row < end; row++) {
      const { node, group } = this.#standIn(tree.child[row]!);
      if (group === NO_GROUP) continue;
      let tally = tallies.get(group);
      if (tally === undefined) tallies.set(group, (tally = { count: 0, bytes: 0, samples: [] }));
      tally.count++;
      tally.bytes += dominators.retainedSize[node]!;
      // Keeps a thinning sample: every one at first, then every second, fourth, ...
      const step = 2 ** Math.max(0, Math.ceil(Math.log2(tally.count / SAMPLES)));
      if ((tally.count - 1) % step === 0) {
        tally.samples.push(node);
        if (tally.samples.length > 2 * SAMPLES) tally.samples = tally.samples.filter((_, at) => at % 2 === 0);
      }
    }
  }

  #make(group: number, parts: readonly { owner: NodeIndex; count: number; bytes: number; samples: readonly NodeIndex[] }[], isChain: boolean): Accumulation {
    const { graph, dominators, pathTree } = this.#heap;
    const largest = parts.reduce((most, part) => (part.bytes > most.bytes ? part : most));
    const owner = visibleFrom(graph, largest.owner, dominators.dominator);
    const { samples } = largest;
    const holders = samples.map((node) => {
      const holder = pathTree.holder[node]!;
      return holder <= ROOT ? ROOT : visibleFrom(graph, holder, pathTree.holder);
    });
    const most = mostOf(holders);
    const isOne = most !== undefined && most.share >= THRESHOLDS.holderShare && most.key !== ROOT;
    // In a list each leads to the next: the list is what holds them, though one alone refers to each.
    const linked = holders.filter((node) => this.#groups.groupOf(node) === group).length;
    const isList = isChain || linked >= holders.length * THRESHOLDS.holderShare;
    const isOwned = isList && owner !== ROOT && graph.nodeKind[owner] !== NodeKind.Synthetic;
    return {
      group,
      owner,
      holder: isOne && !isChain ? most.key : isOwned ? owner : undefined,
      owners: parts.length,
      count: parts.reduce((sum, part) => sum + part.count, 0),
      bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
      isChain,
      samples,
      contents: this.#contents(samples, isChain ? group : NO_GROUP),
    };
  }

  /** What comes with each sample, on average: the groups in the part of the dominator tree below it, but for nodes of the group `without`: the links of a chain. */
  #contents(samples: readonly NodeIndex[], without: number): Map<number, number> {
    const { tree, dominators } = this.#heap;
    const counts = new Map<number, number>();
    const queue: NodeIndex[] = [];
    for (const sample of samples) {
      queue.length = 0;
      queue.push(sample);
      for (let at = 0; at < queue.length && at < CONTENT_NODES; at++) {
        const node = queue[at]!;
        if (at > 0) {
          const group = this.#groups.groupOf(node);
          if (group !== NO_GROUP && group === without) continue;
          if (group !== NO_GROUP) counts.set(group, (counts.get(group) ?? 0) + 1);
        }
        const end = tree.first[node + 1]!;
        for (let row = tree.first[node]!; row < end && queue.length < 2 * CONTENT_NODES; row++) {
          const child = tree.child[row]!;
          if (without !== NO_GROUP || dominators.retainedSize[child]! < THRESHOLDS.largeShare * this.#total) queue.push(child);
        }
      }
    }
    for (const [group, count] of counts) counts.set(group, count / samples.length);
    return counts;
  }

  /** Chains in which each object keeps the next one of its group alive. */
  chains(): Accumulation[] {
    const { graph, tree, dominators } = this.#heap;
    const { retainedSize, dominator } = dominators;
    const least = THRESHOLDS.chainShare * this.#total;
    // The place of each node in its chain, counted from 1, and the first node of that chain.
    const places = new Int32Array(graph.nodeCount);
    const heads = new Int32Array(graph.nodeCount);
    const chains = new Map<NodeIndex, { group: number; length: number; last: NodeIndex }>();
    const stack: NodeIndex[] = [ROOT];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      const group = this.#groups.groupOf(node);
      if (group !== NO_GROUP) {
        places[node] = 1;
        heads[node] = node;
        let above = dominator[node]!;
        for (let step = 0; step < LINK_STEPS && above > ROOT; step++, above = dominator[above]!) {
          if (places[above] === 0 || this.#groups.groupOf(above) !== group) continue;
          places[node] = places[above]! + 1;
          heads[node] = heads[above]!;
          break;
        }
        const length = places[node]!;
        const head = heads[node]!;
        if (length >= THRESHOLDS.chainLinks && length > (chains.get(head)?.length ?? 0)) chains.set(head, { group, length, last: node });
      }
      const end = tree.first[node + 1]!;
      for (let row = tree.first[node]!; row < end; row++) if (retainedSize[tree.child[row]!]! >= least) stack.push(tree.child[row]!);
    }
    const found: Accumulation[] = [];
    for (const [head, { group, length, last }] of chains) {
      const samples: NodeIndex[] = [];
      const step = Math.max(1, Math.floor(length / SAMPLES));
      let seen = 0;
      for (let at = last; at > ROOT; at = dominator[at]!) {
        if (this.#groups.groupOf(at) === group && seen++ % step === 0) samples.push(at);
        if (at === head) break;
      }
      if (samples.at(-1) !== head) samples.push(head);
      const rest = this.#restOfChain(last, group);
      const owner = dominator[head]!;
      found.push(this.#make(group, [{ owner: owner <= ROOT ? head : owner, count: length + rest, bytes: retainedSize[head]!, samples: samples.reverse() }], true));
    }
    return found;
  }

  /** Links below the part of a chain that was walked, down its largest children. */
  #restOfChain(last: NodeIndex, group: number): number {
    const { tree, dominators } = this.#heap;
    let count = 0;
    for (let node = last; ;) {
      let largest = NO_NODE;
      for (let row = tree.first[node]!; row < tree.first[node + 1]!; row++) {
        const child = tree.child[row]!;
        if (largest === NO_NODE || dominators.retainedSize[child]! > dominators.retainedSize[largest]!) largest = child;
      }
      if (largest === NO_NODE) return count;
      node = largest;
      if (this.#groups.groupOf(node) === group) count++;
    }
  }
}

/** Finds all accumulations of a heap, the largest first. Yields every few milliseconds, for callers that have to look up from their work. */
export function* accumulationSteps(heap: HeldHeap, groups: NodeGroups = new NodeGroups(heap)): Generator<void, Accumulation[]> {
  const finder = new Finder(heap, groups);
  const chains = finder.chains();
  yield;
  return [...chains, ...(yield* finder.fans())].sort((a, b) => b.bytes - a.bytes || b.count - a.count || a.owner - b.owner);
}

/** The same in one go. */
export function findAccumulations(heap: HeldHeap, groups: NodeGroups): Accumulation[] {
  const steps = accumulationSteps(heap, groups);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
