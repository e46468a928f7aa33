import { describe, expect, it } from 'vitest';
import { readViewElements } from '../../../src/v8/binary-data.ts';
import type { Word } from '../../../src/v8/tagged.ts';
import { describeObjectAt, describeValue } from '../../../src/v8/value.ts';
import { FakeHeap, ref, smi, weak } from '../../support/fake-v8-heap.ts';

const raw = (value: number): Word => ({ lo: value % 2 ** 32, hi: Math.floor(value / 2 ** 32) });

describe('primitives', () => {
  const heap = new FakeHeap();
  const kindOf = (word: Word): unknown => describeValue(heap.view, word);

  it('numbers', () => {
    expect(kindOf(smi(-3))).toEqual({ kind: 'smi', value: -3 });
    expect(kindOf(ref(heap.number(0.5)))).toMatchObject({ kind: 'number', value: 0.5 });
    expect(kindOf(ref(heap.bigInt([5, 1], true)))).toMatchObject({ kind: 'bigint', value: -(2n ** 64n + 5n), bits: 128 });
    expect(kindOf(ref(heap.bigInt([])))).toMatchObject({ kind: 'bigint', value: 0n });
  });

  it('strings, symbols and oddballs', () => {
    expect(kindOf(ref(heap.string('abc')))).toMatchObject({ kind: 'string', length: 3, storage: 'sequential' });
    expect(kindOf(ref(heap.symbol(heap.string('s'))))).toMatchObject({ kind: 'symbol', description: 's', isPrivate: false });
    expect(kindOf(ref(heap.oddballs.true))).toEqual({ kind: 'boolean', value: true });
    expect(['undefined', 'null', 'hole'].map((name) => (kindOf(ref(heap.oddballs[name as 'null'])) as { kind: string }).kind)).toEqual([
      'undefined',
      'null',
      'hole',
    ]);
  });

  it('V8\u2019s own, weak, cleared and damaged words', () => {
    expect(kindOf(ref(heap.emptyArray))).toMatchObject({ kind: 'internal', typeName: 'FixedArray' });
    expect(kindOf(weak(heap.emptyArray))).toMatchObject({ kind: 'internal' });
    expect(kindOf({ lo: 3, hi: 0 })).toMatchObject({ kind: 'unreadable', reason: 'cleared' });
    expect(kindOf({ lo: 8, hi: 1 })).toMatchObject({ kind: 'unreadable', reason: 'not an object' });
    expect(kindOf(ref(0x1000))).toMatchObject({ kind: 'unreadable', address: 0x1000, reason: 'not in the core' });
    expect(describeObjectAt(heap.view, heap.emptyArray + 8)).toMatchObject({ kind: 'unreadable', reason: 'not an object' });
  });
});

describe('objects', () => {
  const heap = new FakeHeap();
  const describe_ = (type: string, fields: readonly Word[]): unknown => describeObjectAt(heap.view, heap.object([], { type, fields }));
  const target = heap.object();

  it('of the language', () => {
    expect(describe_('JS_ARRAY', [smi(3)])).toMatchObject({ kind: 'array', constructorName: 'Array', length: 3 });
    expect(describe_('JS_DATE', [ref(heap.number(1000.5))])).toMatchObject({ kind: 'date', time: 1000.5 });
    expect(describe_('JS_DATE', [ref(heap.oddballs.undefined)])).toMatchObject({ kind: 'date', time: Number.NaN });
    expect(describe_('JS_REG_EXP', [smi(0), ref(heap.string('a+')), smi(1 | 2 | 16 | 8)])).toMatchObject({ kind: 'regexp', source: 'a+', flags: 'giuy' });
    expect(describe_('JS_WEAK_REF', [ref(target)])).toMatchObject({ kind: 'weakRef', target });
    expect(describe_('JS_WEAK_REF', [ref(heap.oddballs.undefined)])).toMatchObject({ kind: 'weakRef', target: undefined });
    expect(describe_('JS_PRIMITIVE_WRAPPER', [smi(5)])).toMatchObject({ kind: 'primitiveWrapper', value: smi(5) });
    expect(describeObjectAt(heap.view, heap.function('named'))).toMatchObject({ kind: 'function', facts: { name: 'named' } });
  });

  it('promises', () => {
    expect(describe_('JS_PROMISE', [smi(0), smi(0)])).toMatchObject({ kind: 'promise', state: 'pending', result: undefined });
    expect(describe_('JS_PROMISE', [smi(7), smi(1)])).toMatchObject({ state: 'fulfilled', result: smi(7) });
    expect(describe_('JS_PROMISE', [smi(8), smi(2 | 4)])).toMatchObject({ state: 'rejected', result: smi(8) });
  });

  it('proxies', () => {
    expect(describeObjectAt(heap.view, heap.record('JS_PROXY', 4, { 16: ref(target), 24: ref(target) }))).toMatchObject({
      kind: 'proxy',
      constructorName: 'Proxy',
      target,
      handler: target,
    });
    expect(describeObjectAt(heap.view, heap.record('JS_PROXY', 4, { 16: ref(heap.oddballs.null), 24: ref(heap.oddballs.null) }))).toMatchObject({
      target: undefined,
      handler: undefined,
    });
  });

  it('suspended work', () => {
    const made = heap.function('countUp');
    const state = (continuation: number): Word[] => [ref(made), smi(0), smi(0), smi(0), smi(0), smi(continuation), smi(0), ref(target)];
    expect(describe_('JS_GENERATOR_OBJECT', state(3))).toMatchObject({ kind: 'generator', function: made, name: 'countUp', state: 'suspended' });
    expect(describe_('JS_GENERATOR_OBJECT', state(-1))).toMatchObject({ state: 'closed' });
    expect(describe_('JS_ASYNC_GENERATOR_OBJECT', state(-2))).toMatchObject({ state: 'running' });
    expect(describe_('JS_ASYNC_FUNCTION_OBJECT', state(1))).toMatchObject({ kind: 'asyncFunction', promise: target });
  });

  it('errors, with the text of a stack that was read', () => {
    const { at } = heap.layout;
    const stack = heap.string('Error: broken\\n    at f (a.js:1:1)');
    const data = heap.record('ERROR_STACK_DATA', 3, { 8: ref(stack), 16: smi(0) });
    const error = heap.object(
      [
        [heap.symbol(heap.string('error_stack_symbol'), at.symbolPrivateMask), ref(data)],
        [heap.string('message'), ref(heap.string('broken'))],
      ],
      { type: 'JS_ERROR' },
    );
    expect(describeObjectAt(heap.view, error)).toMatchObject({ kind: 'error', message: 'broken', stack });
    expect(describeObjectAt(heap.view, heap.object([], { type: 'JS_ERROR' }))).toMatchObject({ message: undefined, stack: undefined });
  });
});

describe('binary data', () => {
  const bufferWith = (heap: FakeHeap, bytes: readonly number[], flags = 0): number => {
    const { at } = heap.layout;
    const store = heap.allocate(bytes.length + 8);
    heap.setBytes(store, Uint8Array.from(bytes));
    const buffer = heap.object([], { type: 'JS_ARRAY_BUFFER', fields: Array.from({ length: 6 }, () => smi(0)) });
    heap.setWord(buffer + at.arrayBufferByteLength, raw(bytes.length));
    heap.setWord(buffer + at.arrayBufferBackingStore, raw(store));
    heap.setU32(buffer + at.arrayBufferBitField, flags);
    return buffer;
  };
  const viewOn = (heap: FakeHeap, type: string, kind: number, buffer: number, offset: number, bytes: number, length: number): number => {
    const { at } = heap.layout;
    const view = heap.object([], { type, elementsKind: kind, fields: Array.from({ length: 8 }, () => smi(0)) });
    heap.setWord(view + at.viewBuffer, ref(buffer));
    heap.setWord(view + at.viewByteOffset, raw(offset));
    heap.setWord(view + at.viewByteLength, raw(bytes));
    if (!Number.isNaN(at.typedArrayLength)) heap.setWord(view + at.typedArrayLength, raw(length));
    heap.setWord(view + at.typedArrayExternalPointer, raw(heap.readPointer(buffer + at.arrayBufferBackingStore)! + offset));
    return view;
  };

  it('has sizes, places and elements', () => {
    for (const version of ['11.3', '13.6', '14.6']) {
      const heap = new FakeHeap(version);
      const buffer = bufferWith(heap, [1, 2, 3, 4, 5, 6, 7, 8]);
      expect(describeObjectAt(heap.view, buffer)).toMatchObject({ kind: 'arrayBuffer', buffer: { byteLength: 8, isShared: false, isDetached: false } });
      const kind = heap.layout.at.elementsKindDictionary + 5 + 2;
      const typed = describeObjectAt(heap.view, viewOn(heap, 'JS_TYPED_ARRAY', kind, buffer, 2, 4, 2));
      if (typed.kind !== 'typedArray') throw new Error(typed.kind);
      expect(typed.view).toMatchObject({ elementType: 'Uint16Array', length: 2, byteLength: 4, byteOffset: 2, buffer });
      expect(readViewElements(heap.view, typed.view, 0, 10)).toEqual([0x0403, 0x0605]);
    }
  });

  it('orders the kinds of typed arrays as each version does', () => {
    for (const [version, index, type] of [
      ['12.4', 6, 'Float32Array'],
      ['13.6', 6, 'BigUint64Array'],
      ['13.6', 9, 'Float32Array'],
      ['11.3', 11, 'Uint8Array'],
      ['12.4', 11, 'Float16Array'],
      ['12.4', 12, 'Uint8Array'],
    ] as const) {
      const heap = new FakeHeap(version);
      const typed = describeObjectAt(
        heap.view,
        viewOn(heap, 'JS_TYPED_ARRAY', heap.layout.at.elementsKindDictionary + 5 + index, bufferWith(heap, []), 0, 0, 0),
      );
      expect(typed.kind === 'typedArray' ? typed.view.elementType : typed.kind, version).toBe(type);
    }
  });

  it('knows detached buffers and views that track the length of theirs', () => {
    const heap = new FakeHeap();
    const detached = bufferWith(heap, [1, 2], 4);
    expect(describeObjectAt(heap.view, detached)).toMatchObject({ buffer: { byteLength: 0, isDetached: true, backingStore: undefined } });
    expect(describeObjectAt(heap.view, viewOn(heap, 'JS_DATA_VIEW', 0, detached, 0, 2, 0))).toMatchObject({
      kind: 'dataView',
      view: { length: 0, isDetached: true },
    });
    const resizable = bufferWith(heap, [1, 2, 3, 4, 5, 6, 7], 32);
    const tracking = viewOn(heap, 'JS_TYPED_ARRAY', heap.layout.at.elementsKindDictionary + 5 + 2, resizable, 2, 0, 0);
    heap.setU32(tracking + heap.layout.at.viewBitField, 1);
    expect(describeObjectAt(heap.view, tracking)).toMatchObject({ view: { length: 2, byteLength: 4, isLengthTracking: true } });
  });

  it('gives no elements where the store is absent or the size a lie', () => {
    const heap = new FakeHeap();
    const buffer = bufferWith(heap, [1, 2, 3, 4]);
    const kind = heap.layout.at.elementsKindDictionary + 5;
    const typed = describeObjectAt(heap.view, viewOn(heap, 'JS_TYPED_ARRAY', kind, buffer, 0, 2 ** 40, 2 ** 40));
    if (typed.kind !== 'typedArray') throw new Error(typed.kind);
    expect(readViewElements(heap.view, typed.view, 0, 4)).toEqual([1, 2, 3, 4]);
    heap.lose(typed.view.data!, 4);
    expect(readViewElements(heap.view, typed.view, 0, 4)).toBeUndefined();
  });
});
