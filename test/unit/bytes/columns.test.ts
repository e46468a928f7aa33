import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Int32Column, KeyCounter } from '../../../src/bytes/columns.ts';

describe('Int32Column', () => {
  it('holds what was pushed, in order, past its first capacity', () => {
    const column = new Int32Column(2);
    const values = Array.from({ length: 1000 }, (_, i) => i * 7 - 500);
    for (const value of values) column.push(value);
    expect([...column.finish()]).toEqual(values);
  });
});

describe('KeyCounter', () => {
  it('counts as a Map does, and keeps the smallest companion', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5000), fc.nat(100_000)), { maxLength: 3000 }), (adds) => {
        const counter = new KeyCounter(16);
        const expected = new Map<number, { count: number; companion: number }>();
        for (const [key, companion] of adds) {
          counter.add(key, companion);
          const row = expected.get(key);
          if (row === undefined) expected.set(key, { count: 1, companion });
          else {
            row.count++;
            row.companion = Math.min(row.companion, companion);
          }
        }
        const found = new Map([...counter.entries()].map(({ key, count, companion }) => [key, { count, companion }]));
        expect(found).toEqual(expected);
      }),
    );
  });
});
