/** How a whole group of nodes is held: their shortest retaining paths, merged by holder from the bottom up. */
import type { EdgeIndex, EdgeLabel, HeapGraph, NodeIndex } from './heap-graph.ts';
import { EdgeKind, NodeKind, ROOT } from './heap-graph.ts';
import type { PathView } from './paths.ts';
import { nearestRetainer } from './paths.ts';

/** Holders of one kind and name, and how much of the group is held through them. */
export interface MergedHolder {
  /** The holder through which most of the group is held; of equals the one with the lowest index. */
  readonly holder: NodeIndex;
  /** Different holders of this kind and name. */
  readonly holderCount: number;
  /** Members of the group, of those looked at, that are held through them. */
  readonly instances: number;
  /** The same as a share of all members looked at that the root reaches. */
  readonly share: number;
  /** One of the edges, from `holder`. */
  readonly edge: EdgeIndex;
  readonly edgeKind: EdgeKind;
  /** The name that all edges looked at have; undefined where they differ (elements of an array: each its own index). */
  readonly label: EdgeLabel | undefined;
}

/** One step up: the holders that most of the group is held through, and the next largest that are not followed. */
export interface MergedStep extends MergedHolder {
  readonly others: readonly MergedHolder[];
  /** Kinds of holders at this step that are not in `others`. */
  readonly otherCount: number;
}

/** The merged path of a group of nodes, from the group upwards. */
export interface MergedPath {
  /** Members looked at. */
  readonly sampled: number;
  /** Members looked at that the root reaches: what shares are taken of. */
  readonly held: number;
  readonly steps: readonly MergedStep[];
  /** Whether the last step's holder is the root. */
  readonly reachesRoot: boolean;
}

/** Bounds of a merged path. */
export interface MergeOptions {
  /** Most members looked at, evenly spread over the group; 10,000 if not given. */
  readonly sample?: number;
  /** Most steps up; 100 if not given. */
  readonly maxSteps?: number;
  /** Most other kinds of holders that a step lists; 3 if not given. */
  readonly maxOthers?: number;
  /** The walk ends where the followed holders keep less than this share; 0.01 if not given. */
  readonly minShare?: number;
}

/** Edges of one kind of holder whose names are compared. */
const LABELS_COMPARED = 16;

/** Different nodes, with how many members of the group are held through each. Both columns are parallel. */
interface Front {
  readonly nodes: Int32Array;
  readonly weights: Float64Array;
}

/** Nodes whose name is their own value: they are grouped by kind alone. */
function isNamedByValue(kind: number): boolean {
  return (
    kind === NodeKind.String ||
    kind === NodeKind.ConsString ||
    kind === NodeKind.SlicedString ||
    kind === NodeKind.Number ||
    kind === NodeKind.BigInt ||
    kind === NodeKind.Symbol ||
    kind === NodeKind.RegExp
  );
}

/** The members looked at that the root reaches, each once; the root itself is no member. */
function firstFront(view: PathView, instances: Int32Array, sample: number): { readonly front: Front; readonly sampled: number } {
  const sampled = Math.min(instances.length, Math.max(0, Math.floor(sample)));
  const nodes = new Int32Array(sampled);
  let held = 0;
  for (let i = 0; i < sampled; i++) {
    const node = instances[Math.floor((i * instances.length) / sampled)]!;
    if (nearestRetainer(view, node) >= 0) nodes[held++] = node;
  }
  const sorted = nodes.subarray(0, held).sort();
  const front = mergeEqual(sorted, new Float64Array(held));
  front.weights.fill(1);
  return { front, sampled };
}

/** Merges equal nodes, which stand together, and adds up their weights. */
function mergeEqual(nodes: Int32Array, weights: Float64Array): Front {
  let count = 0;
  for (let i = 0; i < nodes.length; i++) {
    if (count > 0 && nodes[count - 1] === nodes[i]) {
      weights[count - 1]! += weights[i]!;
    } else {
      nodes[count] = nodes[i]!;
      weights[count++] = weights[i]!;
    }
  }
  return { nodes: nodes.subarray(0, count), weights: weights.subarray(0, count) };
}

/** Rows `begin` to `end` of a level: holders of one kind, name and shape, through edges of one kind. */
interface Run {
  readonly begin: number;
  readonly end: number;
  readonly weight: number;
}

/** One step up from a front: for each of its nodes the nearest holder, in runs of alike holders. */
class Level {
  readonly #graph: HeapGraph;
  readonly #holders: Int32Array;
  readonly #edges: Uint32Array;
  readonly #weights: Float64Array;
  /** Rows in the order of their runs, and within a run in the order of holders. */
  readonly #order: Uint32Array;
  /** Heaviest first. */
  readonly runs: readonly Run[];

  constructor(graph: HeapGraph, view: PathView, { nodes, weights }: Front) {
    this.#graph = graph;
    this.#weights = weights;
    this.#holders = new Int32Array(nodes.length);
    this.#edges = new Uint32Array(nodes.length);
    this.#order = new Uint32Array(nodes.length);
    for (let i = 0; i < nodes.length; i++) {
      const row = nearestRetainer(view, nodes[i]!);
      this.#holders[i] = view.retainers.node[row]!;
      this.#edges[i] = view.retainers.edge[row]!;
      this.#order[i] = i;
    }
    this.#order.sort((a, b) => this.#compareRuns(a, b) || this.#holders[a]! - this.#holders[b]! || a - b);
    const runs: Run[] = [];
    for (let begin = 0; begin < nodes.length;) {
      let end = begin;
      let weight = 0;
      for (; end < nodes.length && this.#compareRuns(this.#order[begin]!, this.#order[end]!) === 0; end++) weight += weights[this.#order[end]!]!;
      runs.push({ begin, end, weight });
      begin = end;
    }
    this.runs = runs.sort((a, b) => b.weight - a.weight || a.begin - b.begin);
  }

  #compareRuns(a: number, b: number): number {
    const { nodeKind, nodeName, nodeShape, edgeKind } = this.#graph;
    const left = this.#holders[a]!;
    const right = this.#holders[b]!;
    if (left === ROOT || right === ROOT) return left - right;
    const kind = nodeKind[left]!;
    const byKind = kind - nodeKind[right]! || edgeKind[this.#edges[a]!]! - edgeKind[this.#edges[b]!]!;
    if (byKind !== 0 || isNamedByValue(kind)) return byKind;
    return nodeName[left]! - nodeName[right]! || nodeShape[left]! - nodeShape[right]!;
  }

  /** The holders of a run, each once, with their weights. */
  front({ begin, end }: Run): Front {
    const nodes = new Int32Array(end - begin);
    const weights = new Float64Array(end - begin);
    for (let i = begin; i < end; i++) {
      nodes[i - begin] = this.#holders[this.#order[i]!]!;
      weights[i - begin] = this.#weights[this.#order[i]!]!;
    }
    return mergeEqual(nodes, weights);
  }

  describe(run: Run, held: number): MergedHolder {
    const { nodes, weights } = this.front(run);
    let heaviest = 0;
    for (let i = 1; i < nodes.length; i++) if (weights[i]! > weights[heaviest]!) heaviest = i;
    const holder = nodes[heaviest]!;
    let at = run.begin;
    while (this.#holders[this.#order[at]!] !== holder) at++;
    const edge = this.#edges[this.#order[at]!]!;
    const edgeKind = this.#graph.edgeKind[edge]! as EdgeKind;
    return { holder, holderCount: nodes.length, instances: run.weight, share: run.weight / held, edge, edgeKind, label: this.#commonLabel(run) };
  }

  #commonLabel({ begin, end }: Run): EdgeLabel | undefined {
    const compared = Math.min(end - begin, LABELS_COMPARED);
    let common: EdgeLabel | undefined;
    for (let i = 0; i < compared; i++) {
      const place = begin + Math.floor((i * (end - begin)) / compared);
      const label = this.#graph.edgeLabel(this.#edges[this.#order[place]!]!);
      if (common !== undefined && common.name !== label.name) return undefined;
      common = label;
    }
    return common;
  }
}

/**
 * Walks up from a group of nodes along their shortest retaining paths, merging at each step the holders that are of one kind, name and shape and hold through edges of
 * one kind, and follows the merged holders that most of the group is held through, up to the root.
 * @param instances the group; duplicates count once
 */
export function mergePaths(graph: HeapGraph, view: PathView, instances: Int32Array, options: MergeOptions = {}): MergedPath {
  const { sample = 10_000, maxSteps = 100, maxOthers = 3, minShare = 0.01 } = options;
  const first = firstFront(view, instances, sample);
  const held = first.front.nodes.length;
  const steps: MergedStep[] = [];
  let { front } = first;
  while (steps.length < maxSteps && front.nodes.length > 0 && front.nodes[0] !== ROOT) {
    const level = new Level(graph, view, front);
    const [largest, ...rest] = level.runs;
    if (largest === undefined || largest.weight / held < minShare) break;
    const others = rest.slice(0, maxOthers).map((run) => level.describe(run, held));
    steps.push({ ...level.describe(largest, held), others, otherCount: rest.length - others.length });
    front = level.front(largest);
  }
  return { sampled: first.sampled, held, steps, reachesRoot: front.nodes[0] === ROOT };
}
