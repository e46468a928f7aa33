import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bufferSource } from '../../../src/bytes/byte-source.ts';
import { InterruptedError } from '../../../src/errors.ts';
import { HeapGraphBuilder } from '../../../src/graph/builder.ts';
import { EdgeKind, graphOfColumns, NodeKind } from '../../../src/graph/heap-graph.ts';
import type { HeapGraph } from '../../../src/graph/heap-graph.ts';
import { verifyGraph } from '../../../src/graph/verify.ts';
import { parseSnapshot } from '../../../src/snapshot/parse.ts';
import type { StringLimits } from '../../../src/snapshot/string-rows.ts';
import { stringTable } from '../../../src/snapshot/strings.ts';
import type { WriteOptions } from '../../../src/snapshot/write.ts';
import { writeSnapshot } from '../../../src/snapshot/write.ts';
import { randomGraph } from '../../support/naive-graph.ts';
import { SMALL_HEAP, writeSnapshot as drawSnapshot } from '../../support/snapshot-writer.ts';

const noShapes = { length: 0, at: () => ({ constructorName: '', properties: [] }) };

async function written(graph: HeapGraph, options: WriteOptions): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const { bytes, nodes, edges } = await writeSnapshot(
    graph,
    (piece) => {
      pieces.push(Buffer.from(piece));
      return Promise.resolve();
    },
    options,
  );
  const whole = Buffer.concat(pieces);
  expect({ bytes, nodes, edges }).toEqual({ bytes: whole.length, nodes: graph.nodeCount, edges: graph.edgeCount });
  return whole;
}

function read(bytes: Uint8Array): HeapGraph {
  const { graph, strings } = parseSnapshot(bufferSource('back', bytes));
  return graphOfColumns(graph, stringTable(strings), noShapes);
}

/** All of a graph that a file keeps, with names as text. */
function contentsOf(graph: HeapGraph): unknown {
  return {
    kinds: Array.from(graph.nodeKind),
    sizes: Array.from(graph.nodeShallowSize),
    keys: Array.from(graph.nodeKey),
    firstEdge: Array.from(graph.firstEdge),
    edgeTo: Array.from(graph.edgeTo),
    names: Array.from(graph.nodeKind, (_, node) => graph.nodeLabel(node)),
    labels: Array.from(graph.edgeKind, (_, edge) => graph.edgeLabel(edge)),
  };
}

/** A heap as a core gives it: addresses for keys, names worked out on demand, memory outside of the heap, a WeakMap of two entries with one value. */
function coreGraph(): HeapGraph {
  const builder = new HeapGraphBuilder('address');
  const add = (kind: NodeKind, name: string, shallowSize: number): number => builder.addNode({ kind, name, shallowSize, key: 0x7f0000000001 + shallowSize * 8 });
  const root = add(NodeKind.Synthetic, '', 0);
  const global = add(NodeKind.Object, 'global', 24);
  const table = add(NodeKind.Array, '', 96);
  const keys = [add(NodeKind.Object, 'Key', 32), add(NodeKind.Object, 'Key', 33)];
  const value = add(NodeKind.String, 'my password', 40);
  const store = add(NodeKind.External, 'system / JSArrayBufferData', 2 ** 33);
  const map = add(NodeKind.Hidden, 'system / Map', 80);
  const descriptors = add(NodeKind.Hidden, 'system / DescriptorArray', 64);
  const name = add(NodeKind.String, 'secretName', 20);
  builder.addEdge(root, global, EdgeKind.Shortcut, 'global');
  builder.addEdge(global, table, EdgeKind.Property, 'cache');
  builder.addEdge(global, store, EdgeKind.Internal, 'backing_store');
  builder.addEdge(global, map, EdgeKind.Internal, 'map');
  builder.addEdge(map, descriptors, EdgeKind.Internal, 'descriptors');
  builder.addEdge(descriptors, name, EdgeKind.Internal, '3');
  builder.addEdge(descriptors, value, EdgeKind.Internal, '2');
  for (const [at, key] of keys.entries()) {
    builder.addEdge(global, key, EdgeKind.Element, at);
    builder.addEdge(table, key, EdgeKind.Weak, String(2 * at));
    builder.addEdge(key, value, EdgeKind.Ephemeron, 'value');
    builder.addEdge(table, value, EdgeKind.EphemeronTable, 'value');
  }
  const graph = builder.finish();
  // What a core has are functions, not columns of names.
  return { ...graph, edgeName: undefined } as HeapGraph;
}

describe('writeSnapshot', () => {
  it.each([16, 20, 26] as const)('gives back what was read from the format of Node %s', async (format) => {
    const graph = read(drawSnapshot(SMALL_HEAP, format));
    const bytes = await written(graph, { strings: true });
    expect(contentsOf(read(bytes))).toEqual(contentsOf(graph));
    expect(bytes.every((byte) => byte < 0x80)).toBe(true);
    expect(JSON.parse(bytes.toString('latin1'))).toMatchObject({ snapshot: { node_count: graph.nodeCount, trace_function_count: 0, extra_native_bytes: 0 }, samples: [] });
  });

  it('gives back any graph, whatever its names are', async () => {
    const name = fc.string({ unit: 'binary', maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(randomGraph(30, 4), fc.array(name, { minLength: 1, maxLength: 8 }), async (plain, names) => {
        const graph: HeapGraph = {
          ...plain,
          nodeLabel: (node) => names[node % names.length]!,
          edgeLabel: (edge) => {
            const label = plain.edgeLabel(edge);
            return typeof label.name === 'number' ? label : { ...label, name: names[edge % names.length]! };
          },
        };
        const back = read(await written(graph, { strings: true }));
        expect(verifyGraph(back).filter((problem) => problem.kind !== 'unreachable')).toEqual([]);
        const without = (each: HeapGraph): unknown => {
          const { labels, keys, ...rest } = contentsOf(each) as { labels: { kind: EdgeKind; name: unknown }[]; keys: unknown };
          const isPair = (kind: EdgeKind): boolean => kind === EdgeKind.Ephemeron || kind === EdgeKind.EphemeronTable;
          return { ...rest, labels: labels.map(({ kind, name: text }) => (isPair(kind) ? { kind } : { kind, name: text })), ids: Array.isArray(keys) };
        };
        expect(without(back)).toEqual(without(graph));
        expect(Array.from(back.nodeKey)).toEqual(Array.from(back.nodeKey, (_, node) => 2 * node + 1));
      }),
      { numRuns: 150 },
    );
  });

  it('writes a heap of a core: small odd ids, memory outside of the heap as native, the pairs of a WeakMap by their keys', async () => {
    const graph = coreGraph();
    const back = read(await written(graph, { strings: true }));
    expect(Array.from(back.nodeKey)).toEqual(Array.from(graph.nodeKey, (_, node) => 2 * node + 1));
    expect(Array.from(back.nodeShallowSize)).toEqual(Array.from(graph.nodeShallowSize));
    expect(Array.from(back.edgeKind)).toEqual(Array.from(graph.edgeKind));
    const store = Array.from(graph.nodeKind).indexOf(NodeKind.External);
    expect([back.nodeKind[store], back.nodeLabel(store)]).toEqual([NodeKind.Native, 'system / JSArrayBufferData']);
    const pairs = Array.from(back.edgeKind, (kind, edge) => (kind >= EdgeKind.Ephemeron ? String(back.edgeLabel(edge).name) : '')).filter((text) => text !== '');
    // Each name is that of two edges.
    expect([...new Set(pairs)].sort()).toEqual([
      '1 / part of key (Key @7) -> value (my password @11) pair in WeakMap (table @5)',
      '2 / part of key (Key @9) -> value (my password @11) pair in WeakMap (table @5)',
    ]);
    expect(pairs.length).toBe(4);
  });

  it('leaves out what is in strings unless asked, and keeps the names of properties', async () => {
    const core = (await written(coreGraph(), { strings: false })).toString('latin1');
    expect(core).not.toContain('my password');
    expect(core).toContain('value ((string of 11 characters) @11)');
    expect(core).toContain('secretName');

    const graph = read(drawSnapshot(SMALL_HEAP));
    const back = read(await written(graph, { strings: false }));
    const names = Array.from(back.nodeKind, (_, node) => back.nodeLabel(node));
    expect(names).toContain('(string of 21 characters)');
    expect(names.filter((text) => text.includes('é'))).toEqual([]);
    // `id` and `text` are property names of the hidden class, and so are the strings that hold them.
    expect(names).toEqual(Array.from(graph.nodeKind, (_, node) => (graph.nodeLabel(node).includes('é') ? '(string of 21 characters)' : graph.nodeLabel(node))));
  });

  it('leaves out the keys of Map entries, which a property may be called like', async () => {
    const builder = new HeapGraphBuilder('address');
    for (let node = 0; node < 3; node++) builder.addNode({ kind: NodeKind.Object, name: 'Object', shallowSize: 8 });
    builder.addEdge(0, 1, EdgeKind.Internal, '["my password"]');
    builder.addEdge(0, 2, EdgeKind.Property, '["my password"]');
    const fromCore = builder.finish();
    const fromSnapshot = read(await written(fromCore, { strings: true }));
    for (const graph of [fromCore, fromSnapshot]) {
      const names = (back: HeapGraph): unknown[] => [0, 1].map((edge) => back.edgeLabel(edge).name);
      expect(names(read(await written(graph, { strings: false })))).toEqual(['value', '["my password"]']);
      expect(names(read(await written(graph, { strings: true })))).toEqual(['["my password"]', '["my password"]']);
    }
  });

  it('replaces the names of numbers, patterns and the parts of strings', async () => {
    const builder = new HeapGraphBuilder('address');
    builder.addNode({ kind: NodeKind.Synthetic, name: '', shallowSize: 0 });
    const kinds = [NodeKind.ConsString, NodeKind.SlicedString, NodeKind.RegExp, NodeKind.Number, NodeKind.BigInt, NodeKind.String];
    for (const kind of kinds) builder.addNode({ kind, name: kind === NodeKind.String ? 'x'.repeat(5000) : 'secret', shallowSize: 8 });
    const graph = builder.finish();
    const back = read(await written(graph, { strings: false }));
    expect(kinds.map((_, at) => back.nodeLabel(at + 1))).toEqual([
      ...['(concatenated string)', '(sliced string)', '(regexp)', 'heap number', 'bigint'],
      '(string of 1024 or more characters)',
    ]);
    // With contents, names are as long as V8 has them.
    expect(read(await written(graph, { strings: true })).nodeLabel(kinds.length)).toBe('x'.repeat(1024));
  });

  it('keeps to its limits of memory and still names everything', async () => {
    const builder = new HeapGraphBuilder('address');
    for (let node = 0; node < 2000; node++) builder.addNode({ kind: NodeKind.Object, name: `name "${node % 700}" \u{1f600}`, shallowSize: 8 });
    for (let node = 1; node < 2000; node++) builder.addEdge(node >> 1, node, EdgeKind.Property, `p${node % 90}`);
    const graph = builder.finish();
    const limits: StringLimits = { maxKnown: 64, maxKnownUnits: 500, maxHeldBytes: 3000 };
    for (const each of [limits, { ...limits, maxHeldBytes: 0 }]) {
      const bytes = await written(graph, { strings: true, limits: each });
      expect({ ...(contentsOf(read(bytes)) as object), keys: [] }).toEqual({ ...(contentsOf(graph) as object), keys: [] });
    }
    const { strings } = JSON.parse((await written(graph, { strings: true })).toString('latin1')) as { strings: string[] };
    expect(strings.length).toBe(1 + 700 + 90);
  });

  it('writes where closures were made', async () => {
    const builder = new HeapGraphBuilder('address');
    builder.addNode({ kind: NodeKind.Synthetic, name: '', shallowSize: 0 });
    for (let node = 1; node < 4; node++) builder.addNode({ kind: NodeKind.Closure, name: 'f', shallowSize: 8 });
    const places = [undefined, { script: 'a.js', line: 1, column: 1 }, undefined, { script: 'b.js', line: 10, column: 5 }];
    const { places: back } = parseSnapshot(bufferSource('back', await written(builder.finish(), { strings: false, placeOf: (node) => places[node] })));
    expect(Array.from(back)).toEqual([1, 1, 0, 0, 3, 2, 9, 4]);
  });

  it('waits for the sink, passes its error on, and stops when told to', async () => {
    const builder = new HeapGraphBuilder('address');
    for (let node = 0; node < 60_000; node++) builder.addNode({ kind: NodeKind.Object, name: 'Object', shallowSize: 8 });
    const graph = builder.finish();
    let open = 0;
    let pieces = 0;
    await writeSnapshot(
      graph,
      async () => {
        expect(++open).toBe(1);
        pieces++;
        await new Promise((resolve) => setImmediate(resolve));
        open--;
      },
      { strings: false },
    );
    expect(pieces).toBeGreaterThan(3);
    await expect(writeSnapshot(graph, () => Promise.reject(new Error('disk full')), { strings: false })).rejects.toThrow('disk full');
    let after = 0;
    const stopped = writeSnapshot(graph, () => Promise.resolve(after++).then(() => undefined), { strings: false, control: { isCancelled: () => after === 2 } });
    await expect(stopped).rejects.toThrow(InterruptedError);
    expect(after).toBe(2);
  });
});
