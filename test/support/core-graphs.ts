/** The object graph of a core beside that of V8's own snapshot of the same moment, in terms that both share: groups of nodes, named ways, dominators. */
import { computeDominatorTree } from '../../src/graph/dominator-tree.ts';
import type { DominatorTree } from '../../src/graph/dominator-tree.ts';
import { computeEdgeSet } from '../../src/graph/distances.ts';
import { computeDominators } from '../../src/graph/dominators.ts';
import type { Dominators } from '../../src/graph/dominators.ts';
import { EdgeKind, NodeKind } from '../../src/graph/heap-graph.ts';
import type { HeapGraph } from '../../src/graph/heap-graph.ts';
import { computeGroupRetained } from '../../src/graph/retained.ts';
import { openTarget } from '../../src/target/target.ts';
import { extractGraph } from '../../src/v8/extract-graph.ts';
import type { CoreGraph } from '../../src/v8/extract-graph.ts';
import { takeCensus } from '../../src/v8/heap-census.ts';
import type { CensusResult } from '../../src/v8/heap-census.ts';
import { addressOfRef } from '../../src/v8/heap-memory.ts';
import { findMapOf } from '../../src/v8/heap.ts';
import { planHeap } from '../../src/v8/read-heap.ts';
import { isReadOnlyPage } from '../../src/v8/spaces.ts';
import { stringLength } from '../../src/v8/strings.ts';
import { readGraph } from './snapshot-oracles.ts';

/** Groups of Chrome DevTools' summary that are not called what their nodes are called. */
const GROUP_OF_KIND: Readonly<Partial<Record<number, string>>> = {
  [NodeKind.Hidden]: '(system)',
  [NodeKind.Array]: '(array)',
  [NodeKind.String]: '(string)',
  [NodeKind.Code]: '(code)',
  [NodeKind.Closure]: '(closure)',
  [NodeKind.RegExp]: '(regexp)',
  [NodeKind.Number]: '(number)',
  [NodeKind.ConsString]: '(concatenated string)',
  [NodeKind.SlicedString]: '(sliced string)',
  [NodeKind.Symbol]: '(symbol)',
  [NodeKind.BigInt]: '(bigint)',
  [NodeKind.ObjectShape]: '(object shape)',
};

const EDGE_KINDS = Object.fromEntries(Object.entries(EdgeKind).map(([name, kind]) => [kind, name.toLowerCase()]));

/** One graph with what follows from it, its nodes grouped as DevTools group them. */
export class GroupedGraph {
  readonly graph: HeapGraph;
  readonly dominators: Dominators;
  readonly tree: DominatorTree;
  /** By node, the row of its group in `groups`; -1 for nodes that stand for no memory. */
  readonly groupOf: Int32Array;
  readonly groups: string[] = [];
  readonly #rows = new Map<string, number>();

  /** @param sizes own bytes of the nodes, where they are to be other than the graph's */
  constructor(graph: HeapGraph, sizes: Float64Array = graph.nodeShallowSize) {
    this.graph = { ...graph, nodeShallowSize: sizes };
    this.dominators = computeDominators(this.graph, computeEdgeSet(this.graph, 'essential'));
    this.tree = computeDominatorTree(this.dominators);
    this.groupOf = new Int32Array(graph.nodeCount).fill(-1);
    for (let node = 0; node < graph.nodeCount; node++) {
      if (graph.nodeKind[node] === NodeKind.Synthetic) continue;
      const name = this.groupName(node);
      let row = this.#rows.get(name);
      if (row === undefined) {
        row = this.groups.push(name) - 1;
        this.#rows.set(name, row);
      }
      this.groupOf[node] = row;
    }
  }

  groupName(node: number): string {
    const { graph } = this;
    if (graph.nodeKind[node] === NodeKind.Synthetic) return '(root)';
    return GROUP_OF_KIND[graph.nodeKind[node]!] ?? graph.strings.at(graph.nodeName[node]!);
  }

  /** Nodes of one group. */
  *nodesOf(group: string): Iterable<number> {
    const row = this.#rows.get(group);
    if (row !== undefined) for (let node = this.groupOf.indexOf(row); node >= 0; node = this.groupOf.indexOf(row, node + 1)) yield node;
  }

  /** Bytes that the nodes of each group retain together; several groups count as one when `merge` gives them one name. */
  retained(merge: (group: string) => string = (group) => group): Map<string, number> {
    const names = [...new Set(this.groups.map(merge))];
    const rowOf = Int32Array.from(this.groups, (group) => names.indexOf(merge(group)));
    const column = this.groupOf.map((row) => (row < 0 ? -1 : rowOf[row]!));
    const bytes = computeGroupRetained(this.tree, this.dominators, column, names.length);
    return new Map(names.map((name, row) => [name, bytes[row]!]));
  }

  /** `kind name -> group` of an edge; elements and hidden slots have no names. */
  wayOf(edge: number): string {
    const { kind, name } = this.graph.edgeLabel(edge);
    const called = kind === EdgeKind.Element || kind === EdgeKind.Hidden ? '' : ` ${name}`;
    return `${EDGE_KINDS[kind] ?? '?'}${called} -> ${this.groupName(this.graph.edgeTo[edge]!)}`;
  }

  /** How many edges there are of each way out of the nodes of a group. */
  waysOut(nodes: Iterable<number>): Map<string, number> {
    const { firstEdge } = this.graph;
    const ways = new Map<string, number>();
    for (const node of nodes) {
      for (let edge = firstEdge[node]!; edge < firstEdge[node + 1]!; edge++) {
        const way = this.wayOf(edge);
        ways.set(way, (ways.get(way) ?? 0) + 1);
      }
    }
    return ways;
  }

  /** How many nodes of a group hang on each kind of immediate dominator: its group, and how it refers to them if it does so itself. */
  holders(nodes: Iterable<number>): Map<string, number> {
    const { firstEdge, edgeTo, edgeKind } = this.graph;
    const { dominator } = this.dominators;
    const wanted = new Set(nodes);
    const ways = new Map<number, string>();
    for (const holder of new Set([...wanted].map((node) => dominator[node]!))) {
      if (holder < 0) continue;
      for (let edge = firstEdge[holder]!; edge < firstEdge[holder + 1]!; edge++) {
        const node = edgeTo[edge]!;
        if (dominator[node] !== holder || !wanted.has(node) || edgeKind[edge] === EdgeKind.Weak) continue;
        const { kind, name } = this.graph.edgeLabel(edge);
        const way = kind === EdgeKind.Element || kind === EdgeKind.Internal ? (EDGE_KINDS[kind] ?? '?') : `${EDGE_KINDS[kind] ?? '?'} ${name}`;
        const known = ways.get(node);
        if (known === undefined || way < known) ways.set(node, way);
      }
    }
    const found = new Map<string, number>();
    for (const node of wanted) {
      const holder = dominator[node]!;
      const text = holder < 0 ? 'nothing' : `${this.groupName(holder)}, ${ways.get(node) ?? 'by others'}`;
      found.set(text, (found.get(text) ?? 0) + 1);
    }
    return found;
  }
}

/** A core read to the end. */
export interface ReadCore {
  readonly result: CensusResult;
  readonly core: CoreGraph;
}

/** Reads a core and makes its graph. */
export async function readCore(path: string, binary: string): Promise<ReadCore> {
  const result = await takeCensus(planHeap(openTarget(path, { binary })));
  return { result, core: await extractGraph(result) };
}

/**
 * The two graphs of one moment. Sizes of the core's are told as V8 of that version tells them: since 13.x an external string's own size includes its text, wherever it lies;
 * before, nobody counts it.
 */
export function compareGraphs({ result, core }: ReadCore, snapshot: string): { readonly ours: GroupedGraph; readonly theirs: GroupedGraph } {
  const { graph } = core;
  const sizes = Float64Array.from(graph.nodeShallowSize);
  const { view, plan } = result.heap;
  const TEXT = 'system / ExternalStringData';
  for (let node = 0; node < graph.nodeCount; node++) {
    if (graph.nodeKind[node] === NodeKind.External && graph.strings.at(graph.nodeName[node]!) === TEXT) sizes[node] = 0;
  }
  const V13_6 = 4;
  if (plan.layout.column >= V13_6) {
    const readOnly = plan.parts.pages.filter((page) => isReadOnlyPage(page, plan.layout));
    for (const [node, key] of graph.nodeKey.entries()) if (readOnly.some(({ base, size }) => key > base && key < base + size)) sizes[node] = 0;
    const ONE_BYTE = 8;
    for (const ref of new Set(result.marked.results.flatMap(({ externalStrings }) => [...externalStrings]))) {
      const address = addressOfRef(plan.parts, ref);
      const node = core.findNode(address + 1);
      const type = findMapOf(view, address)?.instanceType;
      if (node !== undefined && type !== undefined) sizes[node]! += (stringLength(view, address) ?? 0) * ((type & ONE_BYTE) === 0 ? 2 : 1);
    }
  }
  const theirs = readGraph(snapshot);
  const V11_3 = 2;
  return { ours: new GroupedGraph(graph, sizes), theirs: new GroupedGraph(plan.layout.column < V11_3 ? withoutNative(theirs) : theirs) };
}

/**
 * The graph of a snapshot of Node 16 or 18 as if its root did not refer to Node's own C++ objects, which those versions hang there: in a core they are one kind of root
 * among others, so that what they and the user's globals share hangs on the globals.
 */
function withoutNative(graph: HeapGraph): HeapGraph {
  const edgeKind = Uint8Array.from(graph.edgeKind);
  for (let edge = 0; edge < graph.firstEdge[1]!; edge++) if (graph.nodeLabel(graph.edgeTo[edge]!).startsWith('Node / ')) edgeKind[edge] = EdgeKind.Weak;
  return { ...graph, edgeKind };
}
