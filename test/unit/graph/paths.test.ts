import { describe, expect, test } from 'vitest';
import { SYSTEM_DISTANCE } from '../../../src/graph/distances.ts';
import { EdgeKind, edgeSource } from '../../../src/graph/heap-graph.ts';
import type { HeapGraph } from '../../../src/graph/heap-graph.ts';
import { mergePaths } from '../../../src/graph/merged-paths.ts';
import type { MergedHolder, MergedStep } from '../../../src/graph/merged-paths.ts';
import { computePathView, findRetainingPaths } from '../../../src/graph/paths.ts';
import type { PathOptions, RetainingPath } from '../../../src/graph/paths.ts';
import { computeRetainers } from '../../../src/graph/retainers.ts';
import { graphFromText } from '../../support/graph-from-text.ts';

/** Each edge of a path leads from its node to the next. */
function expectJoined(graph: HeapGraph, { nodes, edges }: RetainingPath): void {
  expect(edges.length).toBe(nodes.length - 1);
  edges.forEach((edge, i) => {
    expect(graph.edgeTo[edge]).toBe(nodes[i + 1]);
    expect(edgeSource(graph, edge)).toBe(nodes[i]);
  });
}

interface Told {
  readonly paths: string[];
  readonly complete: boolean;
  readonly distances: number[];
}

function pathsOf(text: string, name: string, options: PathOptions & { readonly weak?: boolean } = {}): Told {
  const { graph, node, nameOf } = graphFromText(text);
  const view = computePathView(graph, computeRetainers(graph), options);
  const { paths, complete } = findRetainingPaths(view, node(name), options);
  for (const path of paths) expectJoined(graph, path);
  return { paths: paths.map(({ nodes }) => Array.from(nodes, nameOf).join(' ')), complete, distances: paths.map(({ distance }) => distance) };
}

describe('findRetainingPaths', () => {
  test('lists paths from the shortest on, without weak edges', () => {
    const text = 'root -> a -> b -> t; root -> c -> t; root ~> t; a -> t; b -> a';
    expect(pathsOf(text, 't')).toEqual({ paths: ['root a t', 'root c t', 'root a b t'], complete: true, distances: [2, 2, 3] });
    expect(pathsOf(text, 't', { count: 1 }).paths).toEqual(['root a t']);
    expect(pathsOf(text, 't', { weak: true, count: 1 }).paths).toEqual(['root t']);
  });

  test('puts paths from user globals first', () => {
    const { paths, distances } = pathsOf('root => global -> x -> y -> t; root -> @roots -> t', 't');
    expect(paths).toEqual(['root global x y t', 'root roots t']);
    expect(distances).toEqual([4, SYSTEM_DISTANCE + 2]);
  });

  test('takes the key of a WeakMap for the holder of a value, and several edges of one holder for one', () => {
    expect(pathsOf('root -> map -> table #> v; root -> o -> key +> v; key -> v', 'v').paths).toEqual(['root o key v']);
  });

  test('the root, and what it does not reach', () => {
    expect(pathsOf('root -> a; b -> a', 'root').paths).toEqual(['root']);
    expect(pathsOf('root -> a; b -> a', 'b')).toEqual({ paths: [], complete: true, distances: [] });
    expect(pathsOf('root -> a', 'a', { count: 0 }).paths).toEqual([]);
  });

  test('keeps to its bounds and says so, and finds the shortest all the same', () => {
    const holders = Array.from({ length: 200 }, (_, i) => `root -> p${i} -> q${i} -> t`).join(';');
    const text = `${holders}; root -> near -> t`;
    expect(pathsOf(text, 't', { count: 3, maxHolders: 10 })).toMatchObject({ paths: ['root near t', 'root p0 q0 t', 'root p1 q1 t'], complete: true });
    expect(pathsOf(text, 't', { count: 20, maxHolders: 10 })).toMatchObject({ paths: { length: 10 }, complete: false });
    expect(pathsOf(text, 't', { count: 3, maxTries: 20 })).toMatchObject({ paths: ['root near t'], complete: false });
    expect(pathsOf('root -> a -> b -> c -> d -> t', 't', { maxTries: 2 })).toMatchObject({ paths: ['root a b c d t'], complete: false });
  });
});

describe('mergePaths', () => {
  const merged = (text: string, names: RegExp, options = {}) => {
    const drawn = graphFromText(text);
    const view = computePathView(drawn.graph, computeRetainers(drawn.graph));
    const members = Int32Array.from(Array.from({ length: drawn.graph.nodeCount }, (_, node) => node).filter((node) => names.test(drawn.nameOf(node))));
    return { drawn, path: mergePaths(drawn.graph, view, members, options) };
  };

  test('says what share is held by which holder', () => {
    const elements = Array.from({ length: 98 }, (_, i) => `list []> i${i}:Item`).join(';');
    const { drawn, path } = merged(`root => global -> list:Array; ${elements}; global -> a:Other -> i98:Item; global -> b:Other -> i99:Item`, /^i\d/);
    expect(path).toMatchObject({ sampled: 100, held: 100, reachesRoot: true });
    const told = ({ holder, holderCount, instances, share, label }: MergedStep) => [drawn.nameOf(holder), holderCount, instances, share, label?.name];
    expect(path.steps.map(told)).toEqual([
      ['list', 1, 98, 0.98, undefined],
      ['global', 1, 98, 0.98, 'list'],
      ['root', 1, 98, 0.98, 'global'],
    ]);
    const other: Partial<MergedHolder> = { holderCount: 2, instances: 2, share: 0.02, edgeKind: EdgeKind.Property };
    expect(path.steps[0]).toMatchObject({ edgeKind: EdgeKind.Element, otherCount: 0, others: [other] });
  });

  test('merges holders that are alike, one above each member', () => {
    const entries = Array.from({ length: 50 }, (_, i) => `list []> e${i}:Entry; e${i} -> i${i}:Item`).join(';');
    const { drawn, path } = merged(`root -> list:Array; ${entries}`, /^i\d/);
    expect(path.steps.map(({ holder, holderCount, share }) => [drawn.nameOf(holder), holderCount, share])).toEqual([
      ['e0', 50, 1],
      ['list', 1, 1],
      ['root', 1, 1],
    ]);
  });

  test('looks at a sample spread over the group, and leaves out what the root does not reach', () => {
    const { path } = merged(`root -> list:Array; ${Array.from({ length: 50 }, (_, i) => `list []> i${i}:Item; i1${i} -> list`).join(';')}`, /^i\d/, {
      sample: 10,
    });
    expect(path.sampled).toBe(10);
    expect(path.held).toBeLessThanOrEqual(10);
    expect(path.steps[0]!.instances).toBe(path.held);
    expect(merged('root -> a; b -> a', /^b$/).path).toEqual({ sampled: 1, held: 0, steps: [], reachesRoot: false });
    expect(merged('root -> a', /^none$/).path).toEqual({ sampled: 0, held: 0, steps: [], reachesRoot: false });
  });

  test('ends after its steps', () => {
    const { path } = merged('root -> a -> b -> c -> d -> t', /^t$/, { maxSteps: 2 });
    expect([path.steps.length, path.reachesRoot]).toEqual([2, false]);
  });
});
