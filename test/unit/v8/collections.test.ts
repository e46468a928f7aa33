import { describe, expect, it } from 'vitest';
import { collectionKindAt, collectionSize, listEntries } from '../../../src/v8/collections.ts';
import type { Word } from '../../../src/v8/tagged.ts';
import { FakeHeap, ref, smi } from '../../support/fake-v8-heap.ts';

const collection = (heap: FakeHeap, type: string, table: number): number => heap.object([], { type, fields: [ref(table)] });
const entries = (heap: FakeHeap, address: number): (readonly [Word, Word | undefined])[] =>
  listEntries(heap.view, address, 100)!.entries.map(({ key, value }) => [key, value]);

describe('Map and Set', () => {
  it('give their entries in order, deleted ones left out', () => {
    const heap = new FakeHeap();
    const hole = ref(heap.oddballs.hole);
    const chain = smi(-1);
    const table = heap.array(
      [smi(2), smi(1), smi(2), smi(0), smi(0), smi(7), smi(70), chain, hole, hole, chain, smi(9), smi(90), chain, smi(0), smi(0), smi(0)],
      'ORDERED_HASH_MAP',
    );
    const map = collection(heap, 'JS_MAP', table);
    expect(collectionKindAt(heap.view, map)).toBe('map');
    expect(collectionSize(heap.view, map)).toBe(2);
    expect(entries(heap, map)).toEqual([
      [smi(7), smi(70)],
      [smi(9), smi(90)],
    ]);
    const set = collection(heap, 'JS_SET', heap.array([smi(2), smi(0), smi(1), smi(0), smi(3), chain, smi(4), chain], 'ORDERED_HASH_SET'));
    expect(entries(heap, set)).toEqual([
      [smi(3), undefined],
      [smi(4), undefined],
    ]);
  });

  it('follow a table that was replaced', () => {
    const heap = new FakeHeap();
    const current = heap.array([smi(1), smi(0), smi(1), smi(0), smi(5), smi(-1)], 'ORDERED_HASH_SET');
    const obsolete = heap.array([ref(current), smi(3), smi(1), smi(0)], 'ORDERED_HASH_SET');
    expect(entries(heap, collection(heap, 'JS_SET', obsolete))).toEqual([[smi(5), undefined]]);
  });
});

it('gives the pairs of weak collections, empty places left out', () => {
  const heap = new FakeHeap();
  const key = heap.object();
  const [empty, hole] = [ref(heap.oddballs.undefined), ref(heap.oddballs.hole)];
  const table = heap.array([smi(1), smi(0), smi(4), empty, empty, ref(key), smi(1), hole, hole], 'EPHEMERON_HASH_TABLE');
  expect(entries(heap, collection(heap, 'JS_WEAK_MAP', table))).toEqual([[ref(key), smi(1)]]);
  expect(entries(heap, collection(heap, 'JS_WEAK_SET', table))).toEqual([[ref(key), undefined]]);
});

describe('damage', () => {
  it('ends a ring of replaced tables', () => {
    const heap = new FakeHeap();
    const table = heap.array([smi(0), smi(0), smi(1)], 'ORDERED_HASH_MAP');
    heap.setWord(table + 16, ref(table));
    const map = collection(heap, 'JS_MAP', table);
    expect(collectionSize(heap.view, map)).toBeUndefined();
    expect(listEntries(heap.view, map, 10)).toEqual({ entries: [], total: 0, isDamaged: true });
  });

  it('takes counts that lie for no more than the table holds', () => {
    const heap = new FakeHeap();
    const lying = (counts: Word[]): number => collection(heap, 'JS_MAP', heap.array([...counts, smi(0), smi(1), smi(2), smi(-1)], 'ORDERED_HASH_MAP'));
    expect(entries(heap, lying([smi(2 ** 30), smi(2 ** 30), smi(1)]))).toEqual([[smi(1), smi(2)]]);
    expect(collectionSize(heap.view, lying([smi(2 ** 30), smi(0), smi(1)]))).toBe(0);
    expect(entries(heap, lying([smi(1), smi(0), smi(2 ** 30)]))).toEqual([]);
    expect(entries(heap, lying([smi(1), smi(-9), smi(1)]))).toEqual([]);
  });

  it('says that entries are missing', () => {
    const heap = new FakeHeap();
    const table = heap.array([smi(2), smi(0), smi(1), smi(0), smi(1), smi(-1), smi(2), smi(-1)], 'ORDERED_HASH_SET');
    heap.lose(table + 16 + 6 * 8, 8);
    expect(listEntries(heap.view, collection(heap, 'JS_SET', table), 10)).toEqual({ entries: [{ key: smi(1), value: undefined }], total: 2, isDamaged: true });
    expect(listEntries(heap.view, heap.object(), 10)).toBeUndefined();
  });
});
