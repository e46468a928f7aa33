/** Random graphs: the fast algorithms against the obvious ones. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CoreleakError } from '../../src/errors.ts';
import { computeDistances, computeEdgeSet, hasEdge, NO_DISTANCE, SYSTEM_DISTANCE } from '../../src/graph/distances.ts';
import { computeDominatorTree } from '../../src/graph/dominator-tree.ts';
import { computeDominators } from '../../src/graph/dominators.ts';
import { EDGE_KIND_COUNT, EdgeKind, NodeKind } from '../../src/graph/heap-graph.ts';
import type { HeapGraph } from '../../src/graph/heap-graph.ts';
import { mergePaths } from '../../src/graph/merged-paths.ts';
import { computePathView, findRetainingPaths } from '../../src/graph/paths.ts';
import { computeGroupRetained, computeGroupsRetained } from '../../src/graph/retained.ts';
import { computeRetainers } from '../../src/graph/retainers.ts';
import { verifyGraph } from '../../src/graph/verify.ts';
import { allPaths, followsEssential, followsStrong, naiveDominators, randomGraph, randomHeap, reach } from '../support/naive-graph.ts';
import type { Follows } from '../support/naive-graph.ts';

const sparse = randomGraph(24, 1.6);
const dense = randomGraph(10, 4);
const anyGraph = fc.oneof(sparse, dense, randomHeap(30));

test('edge sets hold the edges that the rules name', () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      const rules: [Parameters<typeof computeEdgeSet>[1], Follows][] = [
        ['essential', followsEssential(graph)],
        ['strong', followsStrong(graph)],
        ['not-weak', (_, edge) => graph.edgeKind[edge] !== EdgeKind.Weak],
        ['all', () => true],
      ];
      for (const [rule, follows] of rules) {
        const set = computeEdgeSet(graph, rule);
        for (let node = 0; node < graph.nodeCount; node++) {
          for (let edge = graph.firstEdge[node]!; edge < graph.firstEdge[node + 1]!; edge++) expect(hasEdge(set, edge)).toBe(follows(node, edge));
        }
      }
      expect(reach(graph, [0], followsEssential(graph))).toEqual(reach(graph, [0], followsStrong(graph)));
    }),
    { numRuns: 1500 },
  );
});

test('dominators and retained sizes are those found by taking each node away', () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      const follows = followsEssential(graph);
      const naive = naiveDominators(graph, follows);
      for (const found of [computeDominators(graph, computeEdgeSet(graph, 'essential')), computeDominators(graph)]) {
        expect([...found.dominator]).toEqual(naive.dominator);
        expect([...found.retainedSize]).toEqual(naive.retainedSize);
        expect(found.reachableCount).toBe(reach(graph, [0], follows).size);
      }
    }),
    { numRuns: 4000 },
  );
});

test('dominators of larger graphs, deep and wide', () => {
  fc.assert(
    fc.property(fc.oneof(randomGraph(120, 1.2), randomGraph(120, 3), randomHeap(120)), (graph) => {
      const naive = naiveDominators(graph, followsEssential(graph));
      for (const found of [computeDominators(graph, computeEdgeSet(graph, 'essential')), computeDominators(graph)]) {
        expect([...found.dominator]).toEqual(naive.dominator);
        expect([...found.retainedSize]).toEqual(naive.retainedSize);
      }
    }),
    { numRuns: 150 },
  );
});

test('the dominator tree lists each node below its dominator', () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      const dominators = computeDominators(graph, computeEdgeSet(graph, 'essential'));
      const { first, child } = computeDominatorTree(dominators);
      const listed = new Map<number, number>();
      for (let node = 0; node < graph.nodeCount; node++) for (let row = first[node]!; row < first[node + 1]!; row++) listed.set(child[row]!, node);
      expect(listed.size).toBe(child.length);
      for (let node = 0; node < graph.nodeCount; node++) expect(listed.get(node) ?? -1).toBe(dominators.dominator[node]);
    }),
    { numRuns: 500 },
  );
});

test('retained sizes of groups count what no other member dominates', () => {
  const grouped = anyGraph.chain((graph) =>
    fc.tuple(fc.constant(graph), fc.array(fc.integer({ min: -1, max: 3 }), { minLength: graph.nodeCount, maxLength: graph.nodeCount })),
  );
  fc.assert(
    fc.property(grouped, ([graph, groups]) => {
      const dominators = computeDominators(graph, computeEdgeSet(graph, 'essential'));
      const sums = computeGroupRetained(computeDominatorTree(dominators), dominators, Int32Array.from(groups), 3);
      const expected = [0, 0, 0];
      for (let node = 0; node < graph.nodeCount; node++) {
        const group = groups[node]!;
        if (expected[group] === undefined || (node !== 0 && dominators.dominator[node] === -1)) continue;
        let above = dominators.dominator[node]!;
        while (above >= 0 && groups[above] !== group) above = dominators.dominator[above]!;
        if (above < 0) expected[group] += dominators.retainedSize[node]!;
      }
      expect([...sums]).toEqual(expected);
    }),
    { numRuns: 1500 },
  );
});

test('several groupings at once give what each gives alone', () => {
  const grouped = anyGraph.chain((graph) =>
    fc.tuple(
      fc.constant(graph),
      fc.array(fc.integer({ min: -2, max: 5 }), { minLength: graph.nodeCount, maxLength: graph.nodeCount }),
      fc.array(fc.integer({ min: -1, max: 2 }), { minLength: 4, maxLength: 4 }),
    ),
  );
  fc.assert(
    fc.property(grouped, ([graph, rows, table]) => {
      const dominators = computeDominators(graph);
      const tree = computeDominatorTree(dominators);
      const rowOf = Int32Array.from(rows);
      const direct = rows.map((row) => table[row] ?? -1);
      const all = computeGroupsRetained(tree, dominators, [
        { rowOf, groupCount: 4 },
        { rowOf, groupOfRow: Int32Array.from(table), groupCount: 2 },
        { rowOf, groupCount: 0 },
      ]);
      expect(all).toEqual([
        computeGroupRetained(tree, dominators, rowOf, 4),
        computeGroupRetained(tree, dominators, Int32Array.from(direct), 2),
        new Float64Array(0),
      ]);
    }),
    { numRuns: 1000 },
  );
});

/** Distances in the plainest way: levels from user globals, then from the root. */
function naiveDistances(graph: HeapGraph, follows: Follows): number[] {
  const distance = new Array<number>(graph.nodeCount).fill(NO_DISTANCE);
  const edgesOf = (node: number) => Array.from({ length: graph.firstEdge[node + 1]! - graph.firstEdge[node]! }, (_, i) => graph.firstEdge[node]! + i);
  const spread = (level: number[], at: number): void => {
    for (let away = at; level.length > 0; away++) {
      for (const node of level) distance[node] = away;
      level = [
        ...new Set(
          level.flatMap((node) =>
            edgesOf(node).flatMap((edge) => (follows(node, edge) && distance[graph.edgeTo[edge]!] === NO_DISTANCE ? [graph.edgeTo[edge]!] : [])),
          ),
        ),
      ];
    }
  };
  const users = edgesOf(0).flatMap((edge) => (follows(0, edge) && graph.nodeKind[graph.edgeTo[edge]!] !== NodeKind.Synthetic ? [graph.edgeTo[edge]!] : []));
  distance[0] = 0;
  spread([...new Set(users)], 1);
  spread([0], users.length > 0 ? SYSTEM_DISTANCE : 0);
  distance[0] = 0;
  return distance;
}

test('distances are those of a plain breadth-first search', () => {
  fc.assert(
    fc.property(anyGraph, (graph) => {
      expect([...computeDistances(graph, computeEdgeSet(graph, 'not-weak')).distance]).toEqual(
        naiveDistances(graph, (_, edge) => graph.edgeKind[edge] !== EdgeKind.Weak),
      );
    }),
    { numRuns: 1500 },
  );
});

test('paths are the shortest of all there are', () => {
  fc.assert(
    fc.property(fc.oneof(randomGraph(8, 2.5), randomGraph(12, 1.5)), fc.nat(), fc.integer({ min: 1, max: 12 }), (graph, pick, count) => {
      const target = pick % graph.nodeCount;
      const view = computePathView(graph, computeRetainers(graph));
      const { paths, complete } = findRetainingPaths(view, target, { count, maxTries: 1_000_000 });
      const costOf = (nodes: readonly number[]) =>
        nodes.length - 1 + (nodes.length > 1 && graph.nodeKind[nodes[1]!] === NodeKind.Synthetic ? view.distances.systemCost : 0);
      const every = allPaths(graph, target, followsStrong(graph));
      const known = new Set(every.map((path) => path.join()));
      expect(complete).toBe(true);
      expect(paths.map(({ distance }) => distance)).toEqual(
        every
          .map(costOf)
          .sort((a, b) => a - b)
          .slice(0, count),
      );
      expect(new Set(paths.map(({ nodes }) => nodes.join())).size).toBe(paths.length);
      for (const { nodes, distance } of paths) {
        expect(known.has(nodes.join())).toBe(true);
        expect(costOf([...nodes])).toBe(distance);
      }
      expect(findRetainingPaths(view, target, { count, maxTries: 1_000_000 }).paths).toEqual(paths);
    }),
    { numRuns: 1500 },
  );
});

test('a bounded search that calls itself complete is', () => {
  const bounds = fc.record({
    count: fc.integer({ min: 1, max: 6 }),
    maxHolders: fc.integer({ min: 1, max: 3 }),
    maxTries: fc.oneof(fc.nat(30), fc.constant(1_000_000)),
  });
  fc.assert(
    fc.property(fc.oneof(randomGraph(8, 2.5), randomGraph(12, 1.5)), fc.nat(), bounds, (graph, pick, options) => {
      const target = pick % graph.nodeCount;
      const view = computePathView(graph, computeRetainers(graph));
      const found = findRetainingPaths(view, target, options).paths.map(({ distance }) => distance);
      const every = findRetainingPaths(view, target, { count: options.count, maxTries: 1_000_000 }).paths.map(({ distance }) => distance);
      expect(found).toEqual([...found].sort((a, b) => a - b));
      if (findRetainingPaths(view, target, options).complete) expect(found).toEqual(every);
    }),
    { numRuns: 1500 },
  );
});

test('bounded searches still find a shortest path, and merged paths end', () => {
  fc.assert(
    fc.property(anyGraph, fc.nat(6), fc.integer({ min: 1, max: 3 }), (graph, maxTries, maxHolders) => {
      const view = computePathView(graph, computeRetainers(graph));
      for (let node = 0; node < graph.nodeCount; node++) {
        const { paths } = findRetainingPaths(view, node, { maxTries, maxHolders });
        expect(paths[0]?.distance ?? NO_DISTANCE).toBe(view.distances.distance[node]);
      }
      const members = Int32Array.from({ length: graph.nodeCount }, (_, node) => node);
      const { steps, held } = mergePaths(graph, view, members, { minShare: 0 });
      expect(held).toBe(reach(graph, [0], followsStrong(graph)).size - 1);
      if (held > 0) expect(steps.length).toBeGreaterThan(0);
      for (const step of steps) expect(step.share).toBeLessThanOrEqual(1);
      const first = steps[0];
      if (first !== undefined && first.otherCount === 0) expect([first, ...first.others].reduce((sum, { instances }) => sum + instances, 0)).toBe(held);
    }),
    { numRuns: 1000 },
  );
});

test('columns that lie are found out, or do no harm', () => {
  const lies = fc.array(
    fc.record({ column: fc.constantFrom('firstEdge', 'edgeTo', 'edgeKind', 'nodeKind'), at: fc.nat(), value: fc.oneof(fc.nat(40), fc.integer()) }),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(anyGraph, lies, (graph, changes) => {
      for (const { column, at, value } of changes) {
        const values = graph[column as 'firstEdge'];
        if (values.length > 0) values[at % values.length] = value;
      }
      const problems = verifyGraph(graph);
      for (const { count, rows } of problems) expect(rows.length).toBe(Math.min(count, 20));
      if (problems.some(({ kind }) => kind !== 'unreachable')) return;
      expect(graph.edgeKind.every((kind) => kind < EDGE_KIND_COUNT)).toBe(true);
      try {
        const { dominator } = computeDominators(graph, computeEdgeSet(graph, 'essential'));
        expect([...dominator]).toEqual(naiveDominators(graph, followsEssential(graph)).dominator);
        computePathView(graph, computeRetainers(graph));
      } catch (error) {
        expect(error).toBeInstanceOf(CoreleakError);
      }
    }),
    { numRuns: 1000 },
  );
});
