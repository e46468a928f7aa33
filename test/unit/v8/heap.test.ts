import { describe, expect, it } from 'vitest';
import { findMap, findMapOf, hasType, instanceTypeAt, isFixedArrayType, oddballAt, readArrayLength, typeName } from '../../../src/v8/heap.ts';
import { FakeHeap, ref, smi } from '../../support/fake-v8-heap.ts';

describe('the trust check', () => {
  it('takes an object whose map has the map of maps', () => {
    const heap = new FakeHeap();
    const text = heap.string('abc');
    expect(hasType(heap.view, text, 'SEQ_ONE_BYTE_STRING')).toBe(true);
    expect(hasType(heap.view, text + 1, 'SEQ_ONE_BYTE_STRING')).toBe(true);
    expect(typeName(heap.view, instanceTypeAt(heap.view, text))).toBe('SEQ_ONE_BYTE_STRING');
  });

  it('takes nothing else', () => {
    const heap = new FakeHeap();
    const text = heap.string('abc');
    const lost = heap.string('lost');
    heap.lose(lost, 8);
    const pointsToText = heap.allocate(16);
    heap.setWord(pointsToText, ref(text));
    const selfReferring = heap.allocate(80);
    heap.setWord(selfReferring, ref(selfReferring));
    for (const address of [text + 8, lost, pointsToText, selfReferring, 0, 8, 2 ** 47, Number.NaN, -8, text + 4, text + 0.5]) {
      expect(findMapOf(heap.view, address), String(address)).toBeUndefined();
    }
  });

  it('does not take a map for one whose own map is of another size', () => {
    const heap = new FakeHeap();
    const fake = heap.allocate(80);
    heap.writeMap(fake, 'MAP', { words: 4 });
    const object = heap.allocate(80);
    heap.setWord(object, ref(fake));
    const holder = heap.allocate(16);
    heap.setWord(holder, ref(object));
    expect(findMap(heap.view, object)).toBeUndefined();
    expect(findMapOf(heap.view, holder)).toBeUndefined();
  });
});

it('names oddballs', () => {
  const heap = new FakeHeap();
  for (const [name, address] of Object.entries(heap.oddballs)) expect(oddballAt(heap.view, address)).toBe(name);
  expect(oddballAt(heap.view, heap.string('undefined'))).toBeUndefined();
  expect(oddballAt(heap.view, undefined)).toBeUndefined();
});

it('refuses lengths that cannot be true', () => {
  const heap = new FakeHeap();
  const array = heap.array([smi(1), smi(2)]);
  expect(readArrayLength(heap.view, array)).toBe(2);
  for (const lie of [smi(-1), smi(2 ** 30), ref(array)]) {
    heap.setWord(array + heap.layout.at.fixedArrayLength, lie);
    expect(readArrayLength(heap.view, array)).toBeUndefined();
  }
});

it('counts hash tables among the FixedArrays', () => {
  const { layout, view, ...heap } = new FakeHeap();
  expect(heap).toBeDefined();
  expect(isFixedArrayType(layout, layout.types['NAME_DICTIONARY']!)).toBe(true);
  expect(isFixedArrayType(layout, layout.types['BYTE_ARRAY']!)).toBe(false);
  expect(instanceTypeAt(view, undefined)).toBe(-1);
});
