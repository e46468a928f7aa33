import { describe, expect, test } from 'vitest';
import { rankSuspects } from '../../../src/analysis/suspects.ts';
import type { Suspect } from '../../../src/analysis/suspect.ts';
import { sentenceText } from '../../../src/render/format.ts';
import { census, closures, collection, shape, shopCensus } from '../../support/fake-source.ts';

const titles = (suspects: readonly Suspect[]): string[] => suspects.map((suspect) => sentenceText(suspect.title));
const codes = (suspect: Suspect | undefined): string[] => (suspect?.reasons ?? []).map((reason) => reason.code).sort();
/** Filler that keeps shares of the heap small, so that a test sees one detector at a time. */
const filler = shape('(string)', 1_000_000, { kind: 'string', origin: 'internal', properties: [], shallowBytes: 2 ** 30 / 80 });

describe('a type with more than twice the instances of the next', () => {
  const heap = (first: number, second: number) => census({ shapes: [shape('First', first), shape('Second', second), filler] });

  test('exactly twice is not suspicious', () => {
    expect(rankSuspects(heap(4_000, 2_000))).toEqual([]);
  });
  test('one more than twice is', () => {
    const [suspect, ...rest] = rankSuspects(heap(4_001, 2_000));
    expect(rest).toEqual([]);
    expect(titles(suspect === undefined ? [] : [suspect])).toEqual(['4,001 First']);
    expect(codes(suspect)).toEqual(['instances-many', 'instances-outlier']);
    expect(suspect?.reasons[0]).toMatchObject({ code: 'instances-outlier', value: 2, threshold: 2 });
  });
  test('fewer than 1,000 are nobody’s leak', () => {
    expect(rankSuspects(heap(999, 3))).toEqual([]);
    expect(titles(rankSuspects(heap(1_000, 3)))).toEqual(['1,000 First']);
  });
  test('10,000 are worth a line whatever the others have', () => {
    expect(rankSuspects(heap(9_999, 7_000))).toEqual([]);
    expect(titles(rankSuspects(heap(10_000, 7_000)))).toEqual(['10,000 First']);
  });
  test('shapes of one class count as one type, plain objects by their properties', () => {
    const heapOfShapes = census({
      shapes: [
        shape('Job', 3_000),
        shape('Job', 2_500, { properties: ['id', 'error'] }),
        shape('Object', 2_000, { properties: ['a'] }),
        shape('Object', 2_000, { properties: ['b'] }),
        filler,
      ],
    });
    expect(titles(rankSuspects(heapOfShapes))).toEqual(['5,500 Job']);
  });
  test('the last of several groups is not "the only one"', () => {
    expect(titles(rankSuspects(census({ shapes: [shape('A', 9_000), shape('B', 5_000), shape('C', 1_500), filler] })))).toEqual([]);
  });
});

describe('containers', () => {
  const one = (entries: number, kind: 'array' | 'map' | 'set' | 'object' = 'map') =>
    census({ shapes: [filler], collections: [collection(kind, entries, { valueName: 'String', valueShare: 1 })] });

  test('1,000 own properties are very many, 999 are not', () => {
    expect(rankSuspects(one(999, 'object'))).toEqual([]);
    const [suspect] = rankSuspects(one(1_000, 'object'));
    expect(suspect).toMatchObject({ kind: 'properties', confidence: 'low', instances: undefined });
    expect(titles(suspect === undefined ? [] : [suspect])).toEqual(['Object with 1,000 own properties']);
  });
  test('a table of strings is listed only once it is large', () => {
    expect(rankSuspects(one(1_500, 'array'))).toEqual([]);
    expect(titles(rankSuspects(one(60_000, 'set')))).toEqual(['Set of 60,000 entries, mostly String']);
  });
  test('values without a class have plain words', () => {
    const at = (valueName: string) =>
      titles(rankSuspects(census({ shapes: [filler], collections: [collection('set', 60_000, { valueName, valueShare: 1 })] })))[0];
    expect([at('(number)'), at('(string)'), at('Invoice')]).toEqual(['numbers', 'strings', 'Invoice'].map((word) => `Set of 60,000 entries, mostly ${word}`));
  });
  test('containers of Node need ten times as many', () => {
    const foreign = census({ shapes: [filler], collections: [collection('object', 9_999, { origin: 'node' })] });
    expect(rankSuspects(foreign)).toEqual([]);
  });
  test('very wide shapes are found without a container row', () => {
    const wide = census({ shapes: [shape('Wide', 40, { propertyCount: 1_020 }), filler] });
    expect(titles(rankSuspects(wide))).toEqual(['40 Wide with 1,020 own properties']);
    expect(rankSuspects(census({ shapes: [shape('Wide', 40, { propertyCount: 999 }), filler] }))).toEqual([]);
  });
});

describe('one leak is told once', () => {
  test('the objects and the container that holds them', () => {
    const suspects = rankSuspects(
      census({
        shapes: [shape('SimpleClass', 200_000), shape('Other', 300)],
        collections: [collection('array', 200_000, { valueName: 'SimpleClass', valueShare: 1 })],
      }),
    );
    expect(titles(suspects)).toEqual(['200,000 SimpleClass in one Array']);
    expect(codes(suspects[0])).toEqual(['bytes-share', 'collection-entries', 'instances-many', 'instances-outlier']);
    expect(suspects[0]).toMatchObject({ kind: 'instances', confidence: 'high', shape: 's1', instances: 200_000 });
  });
  test('what comes one, two or three with each, and the closures made with it', () => {
    const suspects = rankSuspects(
      census({
        shapes: [
          shape('Job', 20_000),
          shape('Object', 20_004, { properties: ['detail'] }),
          shape('Object', 60_000, { properties: ['x', 'y'] }),
          shape('Array', 40_000, { origin: 'language', kind: 'array', properties: [] }),
        ],
        collections: [collection('set', 20_000, { valueName: 'Job', valueShare: 1 })],
        functions: [closures('retry', 20_000)],
      }),
    );
    expect(titles(suspects)).toEqual(['20,000 Job in one Set']);
    const together = suspects[0]?.reasons.find((reason) => reason.code === 'same-count');
    expect(sentenceText(together?.text ?? [])).toBe('come with them in step: Object {detail}, Object {x, y} (3 each), Array (2 each) and 1 more');
    expect(together?.weight).toBe(0);
  });
  test('plain objects are joined to a container by their number', () => {
    const suspects = rankSuspects(
      census({
        shapes: [shape('Object', 5_000, { properties: ['tag', 'when'] }), shape('Object', 3_000, { properties: ['a'] }), filler],
        collections: [collection('set', 5_000, { valueName: 'Object', valueShare: 1 })],
      }),
    );
    expect(titles(suspects)).toEqual(['5,000 Object {tag, when} in one Set']);
  });
  test('two leaks of the same size in containers of their own stay two', () => {
    const suspects = rankSuspects(
      census({
        shapes: [shape('A', 20_000), shape('B', 20_000)],
        collections: [collection('map', 20_000, { valueName: 'A', valueShare: 1 }), collection('array', 20_000, { valueName: 'B', valueShare: 1 })],
      }),
    );
    expect(titles(suspects).sort()).toEqual(['20,000 A in one Map', '20,000 B in one Array']);
  });
  test('a mixed container names nobody', () => {
    const suspects = rankSuspects(
      census({ shapes: [shape('A', 1_000), shape('B', 900), filler], collections: [collection('array', 20_000, { valueName: 'A', valueShare: 0.4 })] }),
    );
    expect(titles(suspects)).toEqual(['Array of 20,000 elements, mostly A']);
  });
});

describe('closures', () => {
  test('more than twice the next function of the application', () => {
    const at = (first: number, second: number) =>
      rankSuspects(
        census({ shapes: [filler], functions: [closures('onData', first), closures('tick', second), closures('node', 50_000, { origin: 'node' })] }),
      );
    expect(at(4_000, 2_000)).toEqual([]);
    const [suspect] = at(4_001, 2_000);
    expect(suspect).toMatchObject({ kind: 'functions', code: { name: 'onData', script: '/srv/shop/lib/server.js', line: 41, column: 22 } });
    expect(at(999, 1)).toEqual([]);
  });
  test('one with each object is made with it, two are not', () => {
    const at = (instances: number) => titles(rankSuspects(census({ shapes: [shape('Job', 12_000), filler], functions: [closures('retry', instances)] })));
    expect(at(12_100)).toEqual(['12,000 Job']);
    expect(at(24_000).sort()).toEqual(['12,000 Job', '24,000 closures of retry']);
  });
  test('a next function with next to nothing is not worth naming', () => {
    const [suspect] = rankSuspects(census({ shapes: [filler], functions: [closures('onData', 4_000), closures('tick', 1)] }));
    expect(sentenceText(suspect?.reasons[0]?.text ?? [])).toBe('no other function has more than 1');
  });
  test('with a container of their own they are a leak of their own', () => {
    const suspects = rankSuspects(
      census({
        shapes: [shape('Job', 12_000), filler],
        functions: [closures('retry', 12_000)],
        collections: [collection('array', 12_000, { valueName: '(closure)', valueShare: 1 })],
      }),
    );
    expect(titles(suspects).sort()).toEqual(['12,000 Job', '12,000 closures of retry in one Array']);
  });
  test('with the array that holds them', () => {
    const suspects = rankSuspects(
      census({ shapes: [filler], functions: [closures('onData', 2_000)], collections: [collection('array', 2_000, { valueName: 'Function', valueShare: 1 })] }),
    );
    expect(titles(suspects)).toEqual(['2,000 closures of onData in one Array']);
  });
});

describe('internals and Node', () => {
  test('never rank above the application', () => {
    const suspects = rankSuspects(
      census({
        shapes: [
          shape('Socket', 90_000, { origin: 'node' }),
          shape('system / Context', 900_000, { origin: 'internal', kind: 'context' }),
          shape('(string)', 5_000_000, { origin: 'internal', kind: 'string', shallowBytes: 10 ** 9 }),
          shape('Ticket', 1_500),
        ],
      }),
    );
    expect(titles(suspects)[0]).toBe('1,500 Ticket');
    expect(suspects.map((suspect) => suspect.kind)).toEqual(['instances', 'instances', 'strings']);
  });
  test('start-up objects of Node are no suspects', () => {
    expect(
      rankSuspects(
        census({ shapes: [shape('BuiltinModule', 9_000, { origin: 'node' }), shape('Array', 9_999, { origin: 'language', kind: 'array' }), filler] }),
      ),
    ).toEqual([]);
  });
  test('types of the language stand for themselves only where no application type accounts for them', () => {
    const date = shape('Date', 50_000, { origin: 'language' });
    expect(titles(rankSuspects(census({ shapes: [date, filler] })))).toEqual(['50,000 Date']);
    expect(titles(rankSuspects(census({ shapes: [date, shape('Visit', 50_000), filler] })))).toEqual(['50,000 Visit']);
    expect(titles(rankSuspects(census({ shapes: [date, shape('Visit', 26_000), filler] })))).toEqual(['26,000 Visit']);
  });
});

test('memory outside the V8 heap is a suspect when it is most of what JavaScript holds', () => {
  const buffers = shape('Buffer', 1_530, { origin: 'language', kind: 'buffer', properties: [], shallowBytes: 150_000 });
  const heap = (externalBytes: number) => census({ shapes: [buffers] }, { externalBytes, reachableBytes: 40_000_000 });
  expect(rankSuspects(heap(33_000_000))).toEqual([]);
  const [suspect] = rankSuspects(heap(400_000_000));
  expect(suspect).toMatchObject({ kind: 'external', instances: undefined });
  expect(titles(suspect === undefined ? [] : [suspect])).toEqual(['381.5 MiB outside the V8 heap, 1,530 Buffer']);
});

test('a small healthy heap has no suspect of high confidence', () => {
  const healthy = census({
    shapes: [
      shape('Order', 950),
      shape('Customer', 400),
      shape('Object', 990, { properties: ['a'] }),
      shape('Array', 6_000, { origin: 'language', kind: 'array', properties: [] }),
      filler,
    ],
    collections: [
      collection('map', 950, { valueName: 'Order', valueShare: 1 }),
      collection('array', 4_000, { valueName: 'String', valueShare: 1 }),
      collection('object', 1_200),
    ],
    functions: [closures('handler', 800)],
  });
  expect(rankSuspects(healthy).filter((suspect) => suspect.confidence !== 'low')).toEqual([]);
});

test('medium takes 2,000 instances and high 10,000, whatever the score', () => {
  const at = (instances: number) =>
    rankSuspects(census({ shapes: [shape('Job', instances)], collections: [collection('map', instances, { valueName: 'Job', valueShare: 1 })] }))[0]
      ?.confidence;
  expect([1_999, 2_000, 9_999, 10_000].map(at)).toEqual(['low', 'medium', 'medium', 'high']);
});

describe('the shop', () => {
  const suspects = rankSuspects(shopCensus());
  test('is ranked: the audit log, then the listeners', () => {
    expect(titles(suspects).slice(0, 2)).toEqual(['412,003 AuditRecord in one Map', '18,204 closures of onUpdate in one Array']);
    expect(suspects[0]?.confidence).toBe('high');
  });
  test('scores lie in [0, 1] and fall within a confidence, which falls as well', () => {
    expect(suspects.every(({ score }) => score > 0 && score <= 1)).toBe(true);
    const order = suspects.map(({ confidence, score }) => ['low', 'medium', 'high'].indexOf(confidence) + score);
    expect(order.toSorted((a, b) => b - a)).toEqual(order);
  });
  test('of two leaks as sure as each other, the larger comes first', () => {
    const job = (name: string, shallowBytes: number) => shape(name, 20_000, { shallowBytes });
    const held = (valueName: string) => collection('map', 20_000, { valueName, valueShare: 1, bytes: 320_000 });
    const heap = census({ shapes: [job('Small', 400_000), job('Large', 900_000), filler], collections: [held('Small'), held('Large')] });
    expect(titles(rankSuspects(heap))).toEqual(['20,000 Large in one Map', '20,000 Small in one Map']);
  });
});

describe('fingerprints', () => {
  const leak = (instances: number, script = '/srv/releases/2026-08-01/lib/audit.js') =>
    rankSuspects(
      census({
        shapes: [shape('AuditRecord', instances), filler],
        functions: [closures('onAudit', Math.round(instances / 7), { script })],
        collections: [collection('map', instances, { valueName: 'AuditRecord', valueShare: 1 })],
      }),
    ).map((suspect) => suspect.fingerprint);

  test('do not depend on addresses, counts or the folder of a release', () => {
    const first = leak(20_000);
    expect(first).toHaveLength(2);
    expect(leak(70_000, '/srv/releases/2026-09-09/lib/audit.js')).toEqual(first);
  });
  test('are short and all different', () => {
    const all = rankSuspects(shopCensus()).map((suspect) => suspect.fingerprint);
    expect(new Set(all).size).toBe(all.length);
    for (const each of all) expect(each).toMatch(/^[0-9a-f]{16}$/);
  });
  test('tell functions of one name in two files apart', () => {
    expect(leak(20_000, '/a/lib/other.js')).not.toEqual(leak(20_000));
  });
});

test('the answer does not depend on the order of the rows', () => {
  const heap = shopCensus();
  const shuffled = { ...heap, shapes: heap.shapes.toReversed(), functions: heap.functions.toReversed(), collections: heap.collections.toReversed() };
  expect(rankSuspects(shuffled)).toEqual(rankSuspects(heap));
});
