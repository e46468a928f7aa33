import { expect, it } from 'vitest';
import { ConstructorNames } from '../../../src/v8/names.ts';
import { internalClassName, snapshotGroupOf, snapshotNameOf, snapshotTypeOf } from '../../../src/v8/snapshot-names.ts';
import { FakeHeap, ref } from '../../support/fake-v8-heap.ts';

it('files instance types as the snapshot of each version does', () => {
  const typesOf = (version: string, names: readonly string[]): string[] => {
    const { view, layout } = new FakeHeap(version);
    return names.map((name) => snapshotTypeOf(view, layout.types[name]!));
  };
  const always = [
    'SEQ_ONE_BYTE_STRING',
    'CONS_ONE_BYTE_STRING',
    'SLICED_ONE_BYTE_STRING',
    'JS_FUNCTION',
    'JS_BOUND_FUNCTION',
    'JS_REG_EXP',
    'JS_OBJECT',
    'JS_PROXY',
    'HEAP_NUMBER',
    'SYMBOL',
    'FIXED_ARRAY',
    'CODE',
    'NATIVE_CONTEXT',
  ];
  for (const version of ['9.4', '11.3', '14.6']) {
    expect(typesOf(version, always)).toEqual([
      'string',
      'concatenated string',
      'sliced string',
      'closure',
      'closure',
      'regexp',
      'object',
      'hidden',
      'number',
      'symbol',
      'array',
      'code',
      'hidden',
    ]);
  }
  const changed = ['MAP', 'DESCRIPTOR_ARRAY', 'SCOPE_INFO', 'FEEDBACK_VECTOR'];
  expect(typesOf('9.4', changed)).toEqual(['hidden', 'hidden', 'hidden', 'hidden']);
  expect(typesOf('10.2', changed)).toEqual(['hidden', 'hidden', 'code', 'code']);
  expect(typesOf('11.3', changed)).toEqual(['object shape', 'object shape', 'code', 'code']);
});

it('takes maps in read-only space for V8\u2019s own', () => {
  const { view, layout } = new FakeHeap();
  expect(snapshotTypeOf(view, layout.types['MAP']!, true)).toBe('hidden');
});

it('groups types as a summary does', () => {
  const { view, layout } = new FakeHeap();
  expect(['SEQ_TWO_BYTE_STRING', 'ODDBALL', 'SHARED_FUNCTION_INFO', 'BIG_INT_BASE'].map((name) => snapshotGroupOf(view, layout.types[name]!))).toEqual([
    '(string)',
    '(system)',
    '(code)',
    '(bigint)',
  ]);
  expect(snapshotGroupOf(view, layout.at.firstContextType)).toBe('system / Context');
  expect(internalClassName(view, layout.types['FEEDBACK_VECTOR']!)).toBe('FeedbackVector');
  expect(internalClassName(view, 3999)).toBe('type 3999');
});

it('names nodes', () => {
  const heap = new FakeHeap();
  const names = new ConstructorNames(heap.view);
  const nameOf = (address: number): string | undefined => snapshotNameOf(heap.view, names, address);
  const inferred = heap.function(heap.shared(ref(heap.scopeInfo({ inferredName: heap.string('exports.x') }))));
  expect(nameOf(heap.function('own'))).toBe('own');
  expect(nameOf(inferred)).toBe('');
  expect(nameOf(heap.string('text'))).toBe('text');
  expect(nameOf(heap.cons(heap.string('a'), heap.string('b'), 2))).toBe('(concatenated string)');
  expect(nameOf(heap.context('FUNCTION', []))).toBe('system / Context');
  expect(nameOf(heap.context('NATIVE', []))).toBe('system / NativeContext');
  expect(nameOf(heap.symbol(undefined, heap.layout.at.symbolPrivateMask))).toBe('private symbol');
  expect(nameOf(heap.record('JS_PROXY', 4))).toBe('system / JSProxy');
  expect(nameOf(heap.object([], { type: 'JS_REG_EXP', fields: [ref(heap.emptyArray), ref(heap.string('a+')), ref(heap.emptyArray)] }))).toBe('a+');
  expect(nameOf(heap.emptyArray)).toBe('');
  expect(nameOf(0x40)).toBeUndefined();
});
