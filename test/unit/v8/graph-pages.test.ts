import { describe, expect, it } from 'vitest';
import { EdgeKind, NO_SHAPE, NodeKind } from '../../../src/graph/heap-graph.ts';
import { PageGraph } from '../../../src/v8/graph-pages.ts';
import type { GraphRequest } from '../../../src/v8/graph-pages.ts';
import { refOfAddress } from '../../../src/v8/heap-memory.ts';
import { FakeGraph } from '../../support/fake-graph.ts';
import { FakeHeap, ref } from '../../support/fake-v8-heap.ts';

/** Reads the one page of a fake heap into columns, with `first` nodes before its own and as many edges. */
function read(fake: FakeGraph, named: Readonly<Record<number, string>>, functions: readonly number[], first: number) {
  const { walk, setup, nodes } = fake;
  const count = first + nodes.length;
  const names = Object.values(named);
  const rows = Object.entries(named)
    .map(([address, name]) => ({ ref: refOfAddress(walk.parts, Number(address)), name: names.indexOf(name) }))
    .sort((a, b) => a.ref - b.ref);
  const columns = {
    nodeKind: new Uint8Array(count),
    nodeName: new Int32Array(count),
    nodeShape: new Int32Array(count),
    nodeShallowSize: new Float64Array(count),
    nodeKey: new Float64Array(count),
    firstEdge: new Uint32Array(count + 1),
  };
  const request: GraphRequest = {
    next: new Int32Array(1),
    edges: { ...setup, rank: setup.rank.map((node) => node + first), firstStoreNode: setup.firstStoreNode + first, extras: { ...setup.extras, to: setup.extras.to.map((node) => node + first) } },
    maps: {
      ref: Int32Array.from([-1, ...rows.map((row) => row.ref)]),
      kind: Uint8Array.from([NodeKind.Hidden, ...rows.map(() => NodeKind.Object)]),
      name: Int32Array.from([0, ...rows.map((row) => row.name)]),
      shape: Int32Array.from([NO_SHAPE, ...rows.map((_, i) => i)]),
    },
    functions: { shared: Int32Array.from(functions.map((each) => refOfAddress(walk.parts, each)).sort((a, b) => a - b)), name: Int32Array.from(functions, (_, i) => 100 + i), row: Int32Array.from(functions, (_, i) => i) },
    jsFunctionShared: fake.layout.at.jsFunctionShared,
    nodes: columns,
    pageNode: Int32Array.from([first, count]),
    pageEdges: new Int32Array(1),
  };
  const pages = new PageGraph(walk, request);
  pages.readPage(0);
  const answer = pages.finish();
  const edgeCount = first + request.pageEdges[0]!;
  const edgeTo = new Int32Array(edgeCount).fill(-1);
  const edgeKind = new Uint8Array(edgeCount);
  pages.place({ pageFirstEdge: Float64Array.of(first), edgeTo, edgeKind });
  return { ...columns, edgeTo, edgeKind, answer, nodeOf: (address: number) => first + nodes.indexOf(address), mapOf: (address: number) => names[rows.findIndex((row) => row.ref === refOfAddress(walk.parts, address))] };
}

describe('PageGraph', () => {
  const FIRST = 7;

  it('fills in key, size, kind, name and shape of each object, and its edges in their place', () => {
    const heap = new FakeHeap();
    const target = heap.object();
    const holder = heap.object([[heap.string('held'), ref(target)], [heap.string('again'), ref(target)]]);
    const mapOf = (object: number): number => heap.readPointer(object)! - 1;
    const fake = new FakeGraph(heap);
    const made = read(fake, { [mapOf(holder)]: 'Holder' }, [], FIRST);
    const node = made.nodeOf(holder);
    expect(made.nodeKey[node]).toBe(holder + 1);
    expect(made.nodeShallowSize[node]).toBe(40);
    expect([made.nodeKind[node], made.nodeName[node], made.nodeShape[node]]).toEqual([NodeKind.Object, 0, 0]);
    expect([made.nodeKind[made.nodeOf(target)], made.nodeShape[made.nodeOf(target)]]).toEqual([NodeKind.Hidden, NO_SHAPE]);
    const own = [...made.edgeTo.subarray(made.firstEdge[node], made.firstEdge[node + 1])];
    expect(own.filter((to) => to === made.nodeOf(target))).toHaveLength(2);
    expect(own).toContain(made.nodeOf(mapOf(holder)));
    expect(made.firstEdge[FIRST]).toBe(FIRST);
    expect(made.edgeTo.subarray(FIRST)).not.toContain(-1);
    // Each node's edges are those that the reader finds for it.
    for (const [i, address] of fake.nodes.entries()) {
      const next = i + 1 < fake.nodes.length ? made.firstEdge[FIRST + i + 1]! : made.edgeTo.length;
      const found = [...made.edgeTo.subarray(made.firstEdge[FIRST + i], next)].map((to) => fake.nodes[to - FIRST]);
      const all = fake.allEdgesOf(address).map(({ to }) => to);
      expect(found, `edges of ${address.toString(16)}`).toEqual(all);
    }
  });

  it('names closures after their definitions, and lists them', () => {
    const heap = new FakeHeap();
    const [one, two] = [heap.shared(ref(heap.string('one'))), heap.shared(ref(heap.string('two')))] as [number, number];
    const closures = [one, two, one].map((shared) => heap.function(shared));
    const made = read(new FakeGraph(heap), {}, [one, two], FIRST);
    expect(closures.map((each) => made.nodeName[made.nodeOf(each)])).toEqual([100, 101, 100]);
    expect([...made.answer.closures]).toEqual(closures.flatMap((each, i) => [made.nodeOf(each), i % 2]));
  });

  it('puts the edges that stand in no slot behind the others of their object', () => {
    const heap = new FakeHeap();
    const [key, value] = [heap.object(), heap.object()];
    const STORE = 0x6000_0000;
    const fake = new FakeGraph(heap, {
      stores: [STORE],
      extras: [
        { from: key, to: value, kind: EdgeKind.Ephemeron },
        { from: value, to: STORE, kind: EdgeKind.Internal },
        { from: key, to: STORE, kind: EdgeKind.Internal },
      ],
    });
    const made = read(fake, {}, [], FIRST);
    const edgesOf = (address: number): [number, number][] => {
      const node = made.nodeOf(address);
      return [...made.edgeTo.keys()].slice(made.firstEdge[node], made.firstEdge[node + 1]).map((edge) => [made.edgeKind[edge]!, made.edgeTo[edge]!]);
    };
    expect(edgesOf(key).slice(-2)).toEqual([
      [EdgeKind.Ephemeron, made.nodeOf(value)],
      [EdgeKind.Internal, made.nodeOf(STORE)],
    ]);
    expect(edgesOf(value).at(-1)).toEqual([EdgeKind.Internal, made.nodeOf(STORE)]);
  });
});
