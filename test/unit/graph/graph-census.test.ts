import { describe, expect, it } from 'vitest';
import { bufferSource } from '../../../src/bytes/byte-source.ts';
import { InterruptedError } from '../../../src/errors.ts';
import type { HeapCensus } from '../../../src/graph/census.ts';
import { addRetained, computeRetained, constructorsOfShapes } from '../../../src/graph/census-retained.ts';
import { takeGraphCensus } from '../../../src/graph/graph-census.ts';
import { parseSnapshot } from '../../../src/snapshot/parse.ts';
import { stringTable } from '../../../src/snapshot/strings.ts';
import { SMALL_HEAP, writeSnapshot } from '../../support/snapshot-writer.ts';
import type { DrawnEdge, DrawnNode, DrawnSnapshot } from '../../support/snapshot-writer.ts';

function censusOf(drawn: DrawnSnapshot): HeapCensus {
  const { graph, strings, places } = parseSnapshot(bufferSource('x', writeSnapshot(drawn)));
  const { census, nodeShape, closureNode, closureFunction } = takeGraphCensus({ graph, strings: stringTable(strings), places });
  const { shapes, constructors, functions } = census;
  const retained = computeRetained({
    graph: { ...graph, nodeShape },
    shapeCount: shapes.length,
    constructorOfShape: constructorsOfShapes(census),
    constructorCount: constructors.length,
    closureNode,
    closureFunction,
    functionCount: functions.length,
  });
  return addRetained(census, retained);
}

/** A graph with these nodes behind the root, which holds the first of them. */
const held = (...nodes: DrawnNode[]): DrawnSnapshot => ({
  nodes: [{ type: 'synthetic', name: '', size: 0, edges: [{ type: 'property', name: 'held', to: 1 }] }, ...nodes],
});
const string: DrawnNode = { type: 'string', name: 's', size: 16 };
const times = (count: number, make: (i: number) => DrawnEdge): DrawnEdge[] => Array.from({ length: count }, (_, i) => make(i));

describe('takeGraphCensus', () => {
  const census = censusOf(SMALL_HEAP);

  it('groups objects by constructor and by the names of their hidden class, in order', () => {
    const row = census.shapes.find((shape) => shape.constructorName === 'Session');
    expect(row).toMatchObject({ properties: ['id', 'text'], propertyCount: 2, kind: 'object', origin: 'application', instances: 1, unreachable: 0, representative: 7 });
    // The object, its string, its hidden class and the array of names with both names.
    expect(row).toMatchObject({ shallowBytes: 40, retainedBytes: 40 + 32 + 72 + 64 + 16 + 16 });
  });

  it('names what is no JavaScript object by its type', () => {
    expect(census.constructors.map((row) => row.name).sort()).toEqual(['(closure)', '(code)', '(string)', '(system)', 'Session', 'global', 'system / JSArrayBufferData']);
    expect(census.constructors.find((row) => row.name === '(string)')).toMatchObject({ instances: 3, shallowBytes: 64, kind: 'string', origin: 'internal' });
  });

  it('places functions in their scripts, counted from 1', () => {
    expect(census.functions).toEqual([
      { name: 'onData', script: '/app/server.js', line: 10, column: 5, origin: 'application', instances: 1, shallowBytes: 56, retainedBytes: 220, representative: 13 },
    ]);
  });

  it('keeps memory outside of the heap apart', () => {
    expect(census).toMatchObject({ objects: 10, externalBytes: 1000, isolates: [], spaces: [] });
    expect(census.bytes).toBe(SMALL_HEAP.nodes.reduce((sum, node) => sum + node.size, 0) - 1000);
  });

  it('gives a class that others grew from fewer names, and no fewer than its instances have', () => {
    const map = (descriptors: number, parent?: number): DrawnEdge[] => [
      { type: 'internal', name: 'descriptors', to: descriptors },
      ...(parent === undefined ? [] : [{ type: 'internal', name: 'back_pointer', to: parent }]),
    ];
    const { shapes } = censusOf(
      held(
        { type: 'object', name: 'Young', size: 8, edges: [{ type: 'internal', name: 'map', to: 3 }, { type: 'property', name: 'other', to: 2 }] },
        { type: 'object', name: 'Old', size: 8, edges: [{ type: 'internal', name: 'map', to: 4 }] },
        { type: 'hidden', name: 'system / Map', size: 8, edges: map(5) },
        { type: 'hidden', name: 'system / Map', size: 8, edges: map(5, 3) },
        { type: 'hidden', name: 'system / DescriptorArray', size: 8, edges: ['a', 'b'].map((_, i) => ({ type: 'internal', name: String(3 * i), to: 6 + i })) },
        { type: 'string', name: 'a', size: 8 },
        { type: 'string', name: 'b', size: 8 },
      ),
    );
    expect(shapes.find((row) => row.constructorName === 'Young')?.properties).toEqual(['a']);
    expect(shapes.find((row) => row.constructorName === 'Old')?.properties).toEqual(['a', 'b']);
  });

  it('reads the names of an object in dictionary mode from its table', () => {
    const { shapes } = censusOf(
      held(
        { type: 'object', name: 'Object', size: 8, edges: [{ type: 'internal', name: 'properties', to: 2 }] },
        { type: 'array', name: '(object properties)', size: 80, edges: [{ type: 'internal', name: '9', to: 3 }, { type: 'internal', name: '6', to: 4 }, { type: 'internal', name: '7', to: 3 }] },
        string,
        { type: 'string', name: 'a', size: 8 },
      ),
    );
    expect(shapes.find((row) => row.constructorName === 'Object')).toMatchObject({ properties: ['a', 's'], propertyCount: 2, origin: 'application' });
  });

  it.each<[string, DrawnNode[], object]>([
    [
      'an Array of objects',
      [{ type: 'object', name: 'Array', size: 32, edges: [{ type: 'internal', name: 'elements', to: 2 }, ...times(1500, (i) => ({ type: 'element', name: i, to: 3 }))] }, { type: 'array', name: '', size: 16_016 }],
      { kind: 'array', constructorName: 'Array', entries: 1500, bytes: 16_048, valueName: '(string)', valueShare: 1 },
    ],
    [
      'a Map of small integers',
      [{ type: 'object', name: 'Cache', size: 32, edges: [{ type: 'internal', name: 'table', to: 2 }] }, { type: 'array', name: '', size: 57_384, edges: times(1200, (i) => ({ type: 'internal', name: String(1027 + 3 * i), to: 3 })) }],
      { kind: 'map', constructorName: 'Cache', entries: 1200, bytes: 57_416, valueName: '(number)', valueShare: 1 },
    ],
    [
      'a Map whose keys are small integers',
      [{ type: 'object', name: 'Map', size: 32, edges: [{ type: 'internal', name: 'table', to: 2 }] }, { type: 'array', name: '', size: 57_384, edges: times(1200, (i) => ({ type: 'internal', name: String(1028 + 3 * i), to: 3 })) }],
      { kind: 'map', entries: 1200, valueName: '(string)', valueShare: 1 },
    ],
    [
      'a Set',
      [{ type: 'object', name: 'Set', size: 32, edges: [{ type: 'internal', name: 'table', to: 2 }] }, { type: 'array', name: '', size: 41_000, edges: times(1200, (i) => ({ type: 'internal', name: String(1027 + 2 * i), to: 3 })) }],
      { kind: 'set', entries: 1200, valueName: '(string)', valueShare: 1 },
    ],
  ])('lists %s', (_what, nodes, row) => {
    expect(censusOf(held(...nodes, string)).collections).toMatchObject([row]);
  });

  it('stops when it is told to', () => {
    const { graph, strings, places } = parseSnapshot(bufferSource('x', writeSnapshot(SMALL_HEAP)));
    expect(() => takeGraphCensus({ graph, strings: stringTable(strings), places }, { isCancelled: () => true })).toThrow(InterruptedError);
  });
});
