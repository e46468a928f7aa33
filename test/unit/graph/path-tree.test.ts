import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeapGraphBuilder } from '../../../src/graph/builder.ts';
import { InterruptedError } from '../../../src/errors.ts';
import type { HeapGraph } from '../../../src/graph/heap-graph.ts';
import { EdgeKind, edgeSource, NodeKind, ROOT } from '../../../src/graph/heap-graph.ts';
import { computePathTree, pathEdges } from '../../../src/graph/path-tree.ts';

const COST: Readonly<Record<number, number>> = { [NodeKind.Synthetic]: 20, [NodeKind.Code]: 10, [NodeKind.ObjectShape]: 10, [NodeKind.Hidden]: 8, [NodeKind.Native]: 4 };

/** What an edge costs; Infinity where it holds nothing. */
function costOf(graph: HeapGraph, edge: number): number {
  const kind = graph.edgeKind[edge];
  const from = edgeSource(graph, edge);
  if (kind === EdgeKind.Weak || kind === EdgeKind.EphemeronTable || (kind === EdgeKind.Shortcut && from !== ROOT)) return Infinity;
  return 1 + (COST[graph.nodeKind[graph.edgeTo[edge]!]!] ?? 0) + (kind === EdgeKind.Ephemeron ? 4 : 0);
}

/** The cheapest costs, the slow way: every edge again and again until nothing changes. */
function naiveCosts(graph: HeapGraph): number[] {
  const costs = Array.from({ length: graph.nodeCount }, (_, node) => (node === ROOT ? 0 : Infinity));
  for (let changed = true; changed;) {
    changed = false;
    for (let edge = 0; edge < graph.edgeCount; edge++) {
      const cost = costs[edgeSource(graph, edge)]! + costOf(graph, edge);
      const to = graph.edgeTo[edge]!;
      if (cost < costs[to]!) {
        costs[to] = cost;
        changed = true;
      }
    }
  }
  return costs;
}

function random(kinds: readonly number[], edges: readonly (readonly [number, number, number])[]): HeapGraph {
  const builder = new HeapGraphBuilder('snapshot-id');
  for (const kind of kinds) builder.addNode({ kind: kind as NodeKind, name: 'n', shallowSize: 1 });
  for (const [from, to, kind] of edges)
    builder.addEdge(from % kinds.length, to % kinds.length, kind as EdgeKind, kind === EdgeKind.Element || kind === EdgeKind.Hidden ? 1 : 'e');
  return builder.finish();
}

describe('computePathTree', () => {
  it('finds the cheapest path of every node', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 1, maxLength: 25 }),
        fc.array(fc.tuple(fc.nat(24), fc.nat(24), fc.integer({ min: 0, max: 8 })), { maxLength: 80 }),
        (kinds, edges) => {
          const graph = random(kinds, edges);
          const tree = computePathTree(graph);
          for (const [node, cost] of naiveCosts(graph).entries()) {
            const path = pathEdges(tree, node);
            if (node === ROOT || cost === Infinity) {
              expect(path).toEqual([]);
              continue;
            }
            expect(path.reduce((sum, edge) => sum + costOf(graph, edge), 0)).toBe(cost);
            expect(edgeSource(graph, path[0]!)).toBe(ROOT);
            for (const [at, edge] of path.entries()) expect(graph.edgeTo[edge]).toBe(at + 1 < path.length ? edgeSource(graph, path[at + 1]!) : node);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('takes a property before a hidden class, and stops when it is told to', () => {
    const graph = random([NodeKind.Synthetic, NodeKind.ObjectShape, NodeKind.Object, NodeKind.Object, NodeKind.String], [
      [0, 1, EdgeKind.Internal],
      [1, 4, EdgeKind.Internal],
      [0, 2, EdgeKind.Property],
      [2, 3, EdgeKind.Property],
      [3, 4, EdgeKind.Property],
    ]);
    expect(pathEdges(computePathTree(graph), 4).map((edge) => graph.edgeTo[edge])).toEqual([2, 3, 4]);
    expect(() => computePathTree(graph, { isCancelled: () => true })).toThrow(InterruptedError);
  });
});
