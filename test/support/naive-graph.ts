/** The slow, obvious way to answer what src/graph answers fast, and random graphs to ask both about. */
import fc from 'fast-check';
import { HeapGraphBuilder } from '../../src/graph/builder.ts';
import { EdgeKind, isNumbered, NodeKind } from '../../src/graph/heap-graph.ts';
import type { EdgeIndex, HeapGraph, NodeIndex } from '../../src/graph/heap-graph.ts';

/** Whether an edge from `from` is followed. */
export type Follows = (from: NodeIndex, edge: EdgeIndex) => boolean;

/** The nodes that can be reached from some without ever entering `without`. */
export function reach(graph: HeapGraph, starts: readonly NodeIndex[], follows: Follows, without = -1): Set<NodeIndex> {
  const seen = new Set(starts.filter((node) => node !== without));
  for (const node of seen) {
    for (let edge = graph.firstEdge[node]!; edge < graph.firstEdge[node + 1]!; edge++) {
      if (graph.edgeTo[edge] !== without && follows(node, edge)) seen.add(graph.edgeTo[edge]!);
    }
  }
  return seen;
}

/** What the strong edges are, said in the plainest way. */
export function followsStrong(graph: HeapGraph): Follows {
  return (from, edge) => {
    const kind = graph.edgeKind[edge];
    if (graph.edgeTo[edge] === from) return false;
    return kind !== EdgeKind.Weak && kind !== EdgeKind.EphemeronTable && (kind !== EdgeKind.Shortcut || from === 0);
  };
}

/** What the essential edges are, said in the plainest way. */
export function followsEssential(graph: HeapGraph): Follows {
  const strong = followsStrong(graph);
  const globals: NodeIndex[] = [];
  for (let edge = 0; edge < graph.firstEdge[1]!; edge++) if (graph.edgeKind[edge] === EdgeKind.Shortcut && strong(0, edge)) globals.push(graph.edgeTo[edge]!);
  const users = reach(graph, globals, strong);
  return (from, edge) => strong(from, edge) && (from === 0 || users.has(from) || !users.has(graph.edgeTo[edge]!));
}

/** Immediate dominators and retained sizes by taking each node away and looking what is gone. */
export function naiveDominators(graph: HeapGraph, follows: Follows): { dominator: number[]; retainedSize: number[] } {
  const all = reach(graph, [0], follows);
  const dominated = Array.from({ length: graph.nodeCount }, (_, node) => {
    if (!all.has(node)) return new Set([node]);
    const left = reach(graph, [0], follows, node);
    return new Set([...all].filter((other) => !left.has(other)));
  });
  const retainedSize = dominated.map((nodes) => [...nodes].reduce((sum, node) => sum + graph.nodeShallowSize[node]!, 0));
  // The immediate dominator is the one that dominates least, of all that dominate the node.
  const dominator = Array.from({ length: graph.nodeCount }, (_, node) => {
    let nearest = -1;
    if (!all.has(node)) return nearest;
    for (const other of all) {
      if (other !== node && dominated[other]!.has(node) && (nearest < 0 || dominated[other]!.size < dominated[nearest]!.size)) nearest = other;
    }
    return nearest;
  });
  return { dominator, retainedSize };
}

/** All loop-free ways from the root to a node, as lists of nodes. */
export function allPaths(graph: HeapGraph, target: NodeIndex, follows: Follows): number[][] {
  const found = new Map<string, number[]>();
  const walk = (path: number[]): void => {
    const node = path[path.length - 1]!;
    if (node === target) {
      found.set(path.join(), path);
      return;
    }
    for (let edge = graph.firstEdge[node]!; edge < graph.firstEdge[node + 1]!; edge++) {
      const to = graph.edgeTo[edge]!;
      if (!path.includes(to) && follows(node, edge)) walk([...path, to]);
    }
  };
  walk([0]);
  return [...found.values()];
}

/** Edges of a random graph lean on kinds that have rules of their own. */
const edgeKind = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(EdgeKind.Property, EdgeKind.Element, EdgeKind.Internal, EdgeKind.Context, EdgeKind.Hidden, EdgeKind.Ephemeron) },
  { weight: 1, arbitrary: fc.constant(EdgeKind.Weak) },
  { weight: 1, arbitrary: fc.constant(EdgeKind.EphemeronTable) },
  { weight: 1, arbitrary: fc.constant(EdgeKind.Shortcut) },
);

/** Graphs with self edges, doubled edges, cycles, and nodes that nothing reaches. */
export function randomGraph(maxNodes: number, edgesPerNode: number): fc.Arbitrary<HeapGraph> {
  return fc.integer({ min: 1, max: maxNodes }).chain((count) =>
    fc
      .record({
        sizes: fc.array(fc.nat(1000), { minLength: count, maxLength: count }),
        synthetic: fc.array(fc.nat(3), { minLength: count, maxLength: count }),
        edges: fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1), edgeKind), { maxLength: Math.ceil(count * edgesPerNode), size: 'max' }),
      })
      .map(({ sizes, synthetic, edges }) => {
        const builder = new HeapGraphBuilder('address');
        sizes.forEach((shallowSize, node) => {
          const isSynthetic = node === 0 || synthetic[node] === 0;
          builder.addNode({ kind: isSynthetic ? NodeKind.Synthetic : NodeKind.Object, name: `n${node}`, shallowSize });
        });
        edges.forEach(([from, to, kind], i) => builder.addEdge(from, to, kind, isNumbered(kind) ? i : `e${i}`));
        return builder.finish();
      }),
  );
}

/**
 * Graphs as heaps are: a tree of holders, edges to the few nodes that everything refers to (hidden classes), some that lead back up or across, and a root that holds
 * a user global, a tree of its own lists, or both.
 */
export function randomHeap(maxNodes: number): fc.Arbitrary<HeapGraph> {
  return fc.integer({ min: 8, max: maxNodes }).chain((count) =>
    fc
      .record({
        holders: fc.array(fc.nat(), { minLength: count, maxLength: count }),
        near: fc.boolean(),
        shared: fc.array(fc.nat(6), { minLength: count, maxLength: count }),
        extra: fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1), edgeKind), { maxLength: Math.ceil(count / 4) }),
        top: fc.constantFrom(EdgeKind.Shortcut, EdgeKind.Property),
      })
      .map(({ holders, near, shared, extra, top }) => {
        const builder = new HeapGraphBuilder('address');
        for (let node = 0; node < count; node++) {
          builder.addNode({ kind: node === 0 ? NodeKind.Synthetic : NodeKind.Object, name: `n${node}`, shallowSize: node + 1 });
        }
        builder.addEdge(0, 1, top, 'global');
        builder.addEdge(0, 2, EdgeKind.Element, 1);
        const above = [0, 0, 0];
        for (let node = 3; node < count; node++) {
          const at = Math.max(1, near ? node - 1 - (holders[node]! % 3) : holders[node]! % node);
          above.push(at);
          builder.addEdge(at, node, EdgeKind.Property, 'child');
          // Held by what holds its holder too, as an array's elements are.
          if (shared[node]! > 3) builder.addEdge(above[at]!, node, EdgeKind.Element, node);
          else if (shared[node]! > 0) builder.addEdge(node, 2 + shared[node]!, EdgeKind.Internal, 'map');
        }
        extra.forEach(([from, to, kind], i) => builder.addEdge(from, to, kind, isNumbered(kind) ? i : `e${i}`));
        return builder.finish();
      }),
  );
}
