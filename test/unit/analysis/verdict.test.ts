import { describe, expect, test } from 'vitest';
import { rankSuspects } from '../../../src/analysis/suspects.ts';
import { judge } from '../../../src/analysis/verdict.ts';
import type { VerdictFacts } from '../../../src/analysis/verdict.ts';
import type { HeapCensus } from '../../../src/graph/census.ts';
import { sentenceText } from '../../../src/render/format.ts';
import { census, collection, shape, shopCensus } from '../../support/fake-source.ts';

const FACTS: VerdictFacts = { heapLimitBytes: undefined, flags: [], signal: undefined, showsGarbage: true };
function verdict(heap: HeapCensus, facts: Partial<VerdictFacts> = {}): { level: string; text: string } {
  const { level, sentences } = judge(heap, rankSuspects(heap), { ...FACTS, ...facts });
  return { level, text: sentences.map(sentenceText).join('\n') };
}

describe('the level follows the first suspect', () => {
  test('likely', () => {
    expect(verdict(shopCensus())).toMatchObject({
      level: 'likely',
      text: expect.stringMatching(/^A leak is likely: 412,003 AuditRecord in one Map \(high confidence\)\./) as string,
    });
  });
  test('possible', () => {
    const heap = census({ shapes: [shape('Job', 6_000), shape('Other', 200)], collections: [collection('set', 6_000, { valueName: 'Job', valueShare: 1 })] });
    expect(verdict(heap).level).toBe('possible');
  });
  test('nothing', () => {
    expect(verdict(census({ shapes: [shape('Job', 20)] }))).toMatchObject({ level: 'nothing', text: expect.stringMatching(/^Nothing stands out/) as string });
  });
});

test('says when sizes are the own bytes of the objects', () => {
  const own = 'Retained sizes and holders were not worked out';
  for (const heap of [shopCensus(), census({ shapes: [shape('Job', 20)] })]) expect(verdict(heap).text).toContain(own);
  expect(verdict(census({ shapes: [shape('Job', 20)] }, { constructors: [{ name: 'Job', origin: 'application', kind: 'object', instances: 20, shallowBytes: 960, retainedBytes: 2000 }] })).text).not.toContain(own);
});

test('tells late garbage collection from live objects', () => {
  expect(verdict(census({ shapes: [shape('Job', 20)] }, { bytes: 1_000, reachableBytes: 590 })).text).toContain(
    'Only 59 % of the bytes in the heap are live, the rest is garbage that was not collected yet: growth',
  );
  expect(verdict(census({ shapes: [shape('Job', 20)] }, { bytes: 1_000, reachableBytes: 600 })).text).toContain('late garbage collection does not explain');
});

test('an abort close to the limit is most likely the end of the heap', () => {
  const heap = census({ shapes: [shape('Job', 1)] }, { bytes: 100, reachableBytes: 75 });
  const out = 'ran out of heap';
  expect(verdict(heap, { heapLimitBytes: 100, signal: 'SIGABRT' }).text).toContain(out);
  expect(verdict(heap, { heapLimitBytes: 101, signal: 'SIGABRT' }).text).not.toContain(out);
  expect(verdict(heap, { heapLimitBytes: 100, signal: undefined, showsGarbage: true }).text).not.toContain(out);
});

test.each(['--max-old-space-size=4096', '--max_old_space_size=4096', '--max-semi-space-size=64', '--initial-old-space-size=1'])(
  '%s may explain a large heap',
  (flag) => {
    expect(verdict(census({ shapes: [shape('Job', 1)] }), { flags: ['--expose-gc', flag] }).text).toContain(`set by hand (${flag})`);
  },
);

test('other flags explain nothing', () => {
  expect(verdict(census({ shapes: [shape('Job', 1)] }), { flags: ['--expose-gc', '--max-http-header-size=9'] }).text).not.toContain('by hand');
});

test('says when counts are lower bounds', () => {
  const heap = census(
    { shapes: [shape('Job', 1)] },
    { coverage: { complete: false, heapPages: 1, walkedBytes: 75, skippedBytes: 20, missingBytes: 5, problems: [] } },
  );
  expect(verdict(heap).text).toContain('25 % of the heap could not be read, so the counts are lower bounds');
});

test('a heap of which nothing was read is not called clean', () => {
  expect(verdict(census({}))).toEqual({ level: 'nothing', text: 'No object of the heap could be read, so nothing can be said about a leak.' });
});
