import { describe, expect, test } from 'vitest';
import { InterruptedError } from '../../../src/errors.ts';
import { computeDistances, computeEdgeSet, NO_DISTANCE, SYSTEM_DISTANCE } from '../../../src/graph/distances.ts';
import { computeDominatorTree, findAccumulationPoint, largestChildren } from '../../../src/graph/dominator-tree.ts';
import { computeDominators } from '../../../src/graph/dominators.ts';
import type { HeapGraph } from '../../../src/graph/heap-graph.ts';
import { computeRetainers } from '../../../src/graph/retainers.ts';
import { computeGroupRetained } from '../../../src/graph/retained.ts';
import { graphFromText } from '../../support/graph-from-text.ts';
import type { DrawnGraph } from '../../support/graph-from-text.ts';

function dominatorsOf(graph: HeapGraph) {
  return computeDominators(graph, computeEdgeSet(graph, 'essential'));
}

/** `name: dominator retained` of every node below the root. */
function told({ graph, nameOf }: DrawnGraph): string[] {
  const { dominator, retainedSize } = dominatorsOf(graph);
  return Array.from({ length: graph.nodeCount - 1 }, (_, i) => i + 1).map((node) => {
    const above = dominator[node]!;
    return `${nameOf(node)}: ${above < 0 ? 'none' : nameOf(above)} ${retainedSize[node]!}`;
  });
}

describe('computeDominators', () => {
  test('gives what two hold together to the node above both', () => {
    expect(told(graphFromText('root -> a(1) -> b(10) -> d(100); a -> c(20) -> d; d -> e(1000)'))).toEqual([
      'a: root 1131',
      'b: a 10',
      'd: a 1100',
      'c: a 20',
      'e: d 1000',
    ]);
  });

  test('solves the flowgraph of the paper by Lengauer and Tarjan (figure 1)', () => {
    const drawn =
      graphFromText(`root -> A(1); root -> B(1); root -> C(1); A -> D(1); B -> A; B -> D; B -> E(1); C -> F(1); C -> G(1); D -> L(1); E -> H(1); F -> I(1);
      G -> I; G -> J(1); H -> E; H -> K(1); I -> K; J -> I; K -> I; K -> root; L -> H`);
    const expected = { A: 'root', B: 'root', C: 'root', D: 'root', E: 'root', F: 'C', G: 'C', H: 'root', I: 'root', J: 'G', K: 'root', L: 'D' };
    const { dominator } = dominatorsOf(drawn.graph);
    for (const [node, above] of Object.entries(expected)) expect(`${node} ${drawn.nameOf(dominator[drawn.node(node)]!)}`).toBe(`${node} ${above}`);
  });

  test('leaves out weak edges, edges of a node to itself, and shortcuts but for those of the root', () => {
    expect(told(graphFromText('root -> a(1) -> b(10); root ~> b; b -> b; root -> c(3) => b'))).toEqual(['a: root 11', 'b: a 10', 'c: root 3']);
    expect(told(graphFromText('root => a(1) -> b(10)'))).toEqual(['a: root 11', 'b: a 10']);
  });

  test('lets the key of a WeakMap hold the value, not the table', () => {
    const drawn = graphFromText('root -> map(1) -> table(2); root -> owner(4) -> key(8) +> value(100); table #> value; table ~> key');
    expect(told(drawn)).toEqual(['map: root 3', 'table: map 2', 'owner: root 112', 'key: owner 108', 'value: key 100']);
  });

  test('leaves out what holds the objects of user globals from elsewhere', () => {
    const drawn = graphFromText('root => global(1) -> kept(2) -> item(100); root -> @roots -> @handles -> item; handles -> own(7)');
    expect(told(drawn)).toEqual(['global: root 103', 'kept: global 102', 'item: kept 100', 'roots: root 7', 'handles: roots 7', 'own: handles 7']);
    // Without a user global all edges count.
    expect(told(graphFromText('root -> global(1) -> kept(2) -> item(100); root -> @roots -> @handles -> item'))[2]).toBe('item: root 100');
  });

  test('a value whose key no user global reaches stays below its key', () => {
    const drawn = graphFromText('root => global(1) -> table(2); root -> @handles -> key(4) +> value(8); table #> value');
    expect(told(drawn)).toEqual(['global: root 3', 'table: global 2', 'handles: root 12', 'key: handles 12', 'value: key 8']);
  });

  test('gives nodes that the root does not reach no dominator and their own size', () => {
    const drawn = graphFromText('root -> a(1); b(2) -> c(3) -> b; c -> a; a ~> b');
    expect(told(drawn)).toEqual(['a: root 1', 'b: none 2', 'c: none 3']);
    expect(dominatorsOf(drawn.graph).reachableCount).toBe(2);
    const tree = computeDominatorTree(dominatorsOf(drawn.graph));
    expect([...tree.child]).toEqual([1]);
  });

  test('a graph of a root alone', () => {
    const { dominator, retainedSize, reachableCount } = dominatorsOf(graphFromText('root(5)').graph);
    expect([[...dominator], [...retainedSize], reachableCount]).toEqual([[-1], [5], 1]);
  });

  test('long lists whose items are held elsewhere too take no longer than others', () => {
    const length = 50_000;
    const { graph } = graphFromText('root');
    // Drawn by hand: the text form would be slow here. Node 1 + 2i is a link, 2 + 2i its item; the last node holds all items.
    const nodeCount = 2 * length + 2;
    const last = nodeCount - 1;
    const edges: [number, number][] = [];
    for (let i = 0; i < length; i++) {
      edges.push([i === 0 ? 0 : 2 * i - 1, 2 * i + 1], [2 * i + 1, 2 * i + 2]);
    }
    edges.push([0, last]);
    for (let i = 0; i < length; i++) edges.push([last, 2 * i + 2]);
    edges.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
    const firstEdge = new Uint32Array(nodeCount + 1);
    for (const [from] of edges) firstEdge[from + 1]!++;
    for (let i = 0; i < nodeCount; i++) firstEdge[i + 1]! += firstEdge[i]!;
    const big = {
      ...graph,
      nodeCount,
      edgeCount: edges.length,
      nodeKind: new Uint8Array(nodeCount),
      nodeShallowSize: new Float64Array(nodeCount).fill(1),
      firstEdge,
      edgeTo: Int32Array.from(edges, ([, to]) => to),
      edgeKind: new Uint8Array(edges.length).fill(2),
    };
    const start = performance.now();
    const { dominator, retainedSize } = dominatorsOf(big);
    expect(performance.now() - start).toBeLessThan(2000);
    expect(retainedSize[1]).toBe(length);
    expect(retainedSize[0]).toBe(nodeCount);
    expect(dominator[2 * length]).toBe(0);
    expect(dominator[2 * length - 1]).toBe(2 * length - 3);
  });

  test('sorts by what user globals reach without a set of edges as with one', () => {
    for (const text of [
      // A node without a number, held by the root, that refers to what is the user's.
      'root => global(1) -> kept(2); root -> handle(4) -> kept',
      // The user's global holds the root, and so all there is.
      'root => global(1) -> inner(2) -> root; inner -> kept(4); root -> handle(8) -> kept',
      'root => root; root => global(1) -> kept(2); root -> handle(4) -> kept',
      'root => global(1) -> kept(2) -> item(4); root -> kept; root -> handle(8) -> item',
    ]) {
      const { graph } = graphFromText(text);
      expect(computeDominators(graph)).toEqual(dominatorsOf(graph));
    }
  });

  describe('a million nodes', () => {
    const count = 1_000_000;
    /** Nodes with the edges that a function names for each, all of one byte. */
    const drawn = (edgesOf: (node: number) => readonly number[]) => {
      const { graph } = graphFromText('root');
      const firstEdge = new Uint32Array(count + 1);
      const edgeTo = new Int32Array(count * 3);
      let edgeCount = 0;
      for (let node = 0; node < count; node++) {
        for (const to of edgesOf(node)) edgeTo[edgeCount++] = to;
        firstEdge[node + 1] = edgeCount;
      }
      return {
        ...graph,
        nodeCount: count,
        edgeCount,
        nodeKind: new Uint8Array(count),
        nodeShallowSize: new Float64Array(count).fill(1),
        firstEdge,
        edgeTo: edgeTo.subarray(0, edgeCount),
        edgeKind: new Uint8Array(edgeCount).fill(2),
      };
    };
    const last = count - 1;
    /** How many nodes are not dominated by the one that a function names, or do not retain what it names. */
    const wrong = (graph: ReturnType<typeof drawn>, expected: (node: number) => readonly [number, number]) => {
      const { dominator, retainedSize, reachableCount } = computeDominators(graph);
      expect(reachableCount).toBe(count);
      let bad = 0;
      for (let node = 1; node < count; node++) {
        const [above, size] = expected(node);
        if (dominator[node] !== above || retainedSize[node] !== size) bad++;
      }
      return bad;
    };

    test('in a list, the last one first or last in memory', () => {
      expect(wrong(drawn((node) => (node < last ? [node + 1] : [])), (node) => [node - 1, count - node])).toBe(0);
      const backwards = drawn((node) => (node === 0 ? [last] : node > 1 ? [node - 1] : []));
      expect(wrong(backwards, (node) => [node === last ? 0 : node + 1, node])).toBe(0);
    });

    test('in a list linked both ways, open or closed to a ring, all of one class', () => {
      // Node 1 is the class.
      const both = drawn((node) => (node === 0 ? [2] : node === 1 ? [] : node === 2 ? [1, 3] : node < last ? [1, node + 1, node - 1] : [1, node - 1]));
      expect(wrong(both, (node) => (node === 1 ? [2, 1] : [node === 2 ? 0 : node - 1, count - node + (node === 2 ? 1 : 0)]))).toBe(0);
      const ring = drawn((node) => (node === 0 ? [2] : node === 1 ? [] : [1, node < last ? node + 1 : 2, node > 2 ? node - 1 : last]));
      expect(wrong(ring, (node) => (node === 1 ? [2, 1] : node === 2 ? [0, count - 1] : [2, 1]))).toBe(0);
    });

    test('in one array, of one class, held in pairs', () => {
      const every = Array.from({ length: count - 3 }, (_, i) => i + 3);
      const star = drawn((node) => (node === 1 ? [] : node < 2 ? [1, 2] : node === 2 ? [1] : [1, node ^ 1]));
      const before = star.firstEdge[2]!;
      const edgeTo = new Int32Array(star.edgeCount + every.length);
      edgeTo.set(star.edgeTo.subarray(0, before));
      edgeTo.set(every, before);
      edgeTo.set(star.edgeTo.subarray(before), before + every.length);
      for (let node = 3; node <= count; node++) star.firstEdge[node]! += every.length;
      const whole = { ...star, edgeTo, edgeCount: edgeTo.length, edgeKind: new Uint8Array(edgeTo.length).fill(2) };
      expect(wrong(whole, (node) => (node === 1 ? [0, 1] : node === 2 ? [0, count - 2] : [2, 1]))).toBe(0);
    });
  });

  test('tells its progress and stops when asked', () => {
    const { graph } = graphFromText('root -> a(1) -> b(2)');
    const shares: number[] = [];
    const essential = computeEdgeSet(graph, 'essential');
    computeDominators(graph, essential, { onProgress: (share) => void shares.push(share) });
    expect(shares.at(-1)).toBe(1);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    const stopped = { isCancelled: () => true };
    expect(() => computeDominators(graph, essential, stopped)).toThrow(InterruptedError);
    expect(() => computeDominators(graph, undefined, stopped)).toThrow(InterruptedError);
    expect(() => computeEdgeSet(graph, 'essential', stopped)).toThrow(InterruptedError);
    expect(() => computeRetainers(graph, stopped)).toThrow(InterruptedError);
    expect(() => computeDistances(graph, essential, stopped)).toThrow(InterruptedError);
    const dominators = computeDominators(graph, essential);
    expect(() => computeGroupRetained(computeDominatorTree(dominators), dominators, new Int32Array(3), 1, stopped)).toThrow(InterruptedError);
  });
});

describe('computeRetainers', () => {
  test('lists holders in the order of their edges, weak ones included', () => {
    const { graph } = graphFromText('root -> a; root -> b; a -> b; a ~> b; b -> b');
    const { first, node, edge } = computeRetainers(graph);
    expect([...first]).toEqual([0, 0, 1, 5]);
    expect([...node]).toEqual([0, 0, 1, 1, 2]);
    expect([...edge]).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('computeDistances', () => {
  test('counts from user globals first, then from the root, over edges that are not weak', () => {
    const { graph, node } = graphFromText('root => global -> a -> b; root -> @roots -> b; roots -> c; c ~> d; table #> v; a -> table');
    const { distance, systemCost } = computeDistances(graph, computeEdgeSet(graph, 'not-weak'));
    const of = (name: string) => distance[node(name)];
    expect(systemCost).toBe(SYSTEM_DISTANCE);
    expect([of('root'), of('global'), of('a'), of('b'), of('v')]).toEqual([0, 1, 2, 3, 4]);
    expect([of('roots'), of('c'), of('d')]).toEqual([SYSTEM_DISTANCE + 1, SYSTEM_DISTANCE + 2, NO_DISTANCE]);
  });

  test('a root that holds only synthetic nodes is itself where users start', () => {
    const { graph, node } = graphFromText('root -> @roots -> a');
    const { distance, systemCost } = computeDistances(graph, computeEdgeSet(graph, 'not-weak'));
    expect([systemCost, distance[node('roots')], distance[node('a')]]).toEqual([0, 1, 2]);
  });
});

describe('computeGroupRetained', () => {
  test('counts once what one instance holds of another', () => {
    const drawn = graphFromText('root -> a:L(1) -> b:L(2) -> c:L(4); root -> d:L(8) -> e:M(16) -> f:L(32); root -> g:M(64)');
    const dominators = dominatorsOf(drawn.graph);
    const sums = computeGroupRetained(computeDominatorTree(dominators), dominators, drawn.graph.nodeShape, drawn.graph.shapes.length);
    expect([...sums]).toEqual([7 + 56, 48 + 64]);
  });

  test('leaves out what the root does not reach', () => {
    const drawn = graphFromText('root -> a:L(1); b:L(2) -> a');
    const dominators = dominatorsOf(drawn.graph);
    expect([...computeGroupRetained(computeDominatorTree(dominators), dominators, drawn.graph.nodeShape, 1)]).toEqual([1]);
  });
});

describe('findAccumulationPoint', () => {
  const treeOf = (text: string) => {
    const drawn = graphFromText(text);
    const dominators = dominatorsOf(drawn.graph);
    return { ...drawn, tree: computeDominatorTree(dominators), retainedSize: dominators.retainedSize };
  };

  test('goes down to where the bytes spread', () => {
    const { tree, retainedSize, node } = treeOf('root -> a(1) -> b(1) -> c(1) -> d(50); c -> e(40); c -> f(30); a -> g(2)');
    expect(findAccumulationPoint(tree, retainedSize, node('a'))).toEqual({
      node: node('c'),
      chain: [node('b'), node('c')],
      depth: 2,
      largestChildShare: 50 / 125,
    });
    expect(findAccumulationPoint(tree, retainedSize, node('d'))).toEqual({ node: node('d'), chain: [], depth: 0, largestChildShare: 0 });
    expect(largestChildren(tree, retainedSize, node('c'), 2)).toEqual([node('d'), node('e')]);
    expect(largestChildren(tree, retainedSize, node('c'), 0)).toEqual([]);
  });

  test('does not wander down a list, and lists the last of a long chain', () => {
    const { tree, retainedSize, node } = treeOf('root -> a(10) -> b(10) -> c(10) -> d(10) -> e(10)');
    expect(findAccumulationPoint(tree, retainedSize, node('a')).node).toBe(node('b'));
    expect(findAccumulationPoint(tree, retainedSize, node('a'), { keptShare: 0.1, chainCap: 3 })).toMatchObject({
      node: node('e'),
      chain: [node('c'), node('d'), node('e')],
      depth: 4,
    });
  });

  test('of equals the one with the lower index comes first', () => {
    const { tree, retainedSize, node } = treeOf('root -> a(1); root -> b(1); root -> c(2)');
    expect(largestChildren(tree, retainedSize, 0, 3)).toEqual([node('c'), node('a'), node('b')]);
  });
});
