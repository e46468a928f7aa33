import { describe, expect, it } from 'vitest';
import { arrayLength } from '../../../src/v8/elements.ts';
import { findOwnProperty, findProperty, listOwnProperties, namedPropertyCount } from '../../../src/v8/objects.ts';
import type { Word } from '../../../src/v8/tagged.ts';
import { FakeHeap, ref, smi } from '../../support/fake-v8-heap.ts';

const DICTIONARY_KIND = 13;
const PACKED = 2;
const HOLEY = 3;
const HOLEY_DOUBLE = 5;

/** Property names and Smi values of an object, as `name=value`. */
function told(heap: FakeHeap, address: number): string[] {
  const show = (word: Word): string => (word.lo === 0 ? String(word.hi) : '?');
  return listOwnProperties(heap.view, address)!.properties.map(
    ({ key, value, where }) => `${key}=${value.kind === 'word' ? show(value.word) : value.kind === 'number' ? value.value : value.kind} ${where}`,
  );
}

describe('named properties', () => {
  it('in the object, out of it, and in descriptors', () => {
    const heap = new FakeHeap();
    const names = ['a', 'b', 'c', 'd'].map((name) => heap.string(name));
    const accessor = { getter: ref(heap.oddballs.null), setter: ref(heap.oddballs.null) };
    const object = heap.object(
      [
        [names[0]!, smi(1)],
        [names[1]!, accessor],
        [names[2]!, smi(2)],
        [names[3]!, smi(3)],
      ],
      { inObject: 1 },
    );
    expect(told(heap, object)).toEqual(['a=1 in-object', 'b=accessor descriptor', 'c=2 out-of-object', 'd=3 out-of-object']);
    expect(namedPropertyCount(heap.view, object)).toBe(4);
  });

  it('in a dictionary, in the order in which they were added', () => {
    const heap = new FakeHeap();
    const names = ['late', 'first', 'middle'].map((name) => heap.string(name));
    const object = heap.object([], { dictionary: true });
    const order = [30, 1, 7];
    heap.setWord(
      object + 8,
      ref(
        heap.nameDictionary(
          names.map((name, i) => [name, smi(i)] as const),
          (i) => order[i]!,
        ),
      ),
    );
    expect(told(heap, object)).toEqual(['first=1 dictionary', 'middle=2 dictionary', 'late=0 dictionary']);
    expect(namedPropertyCount(heap.view, object)).toBe(3);
  });

  it('of the global object, in cells; deleted ones are gone', () => {
    const heap = new FakeHeap();
    const cell = (name: string, value: Word, order: number): Word =>
      ref(heap.record('PROPERTY_CELL', 5, { 8: ref(heap.string(name)), 16: smi(order << heap.layout.at.dictionaryIndexShift), 24: value }));
    const words = [
      smi(2),
      smi(0),
      smi(4),
      smi(0),
      smi(0),
      cell('second', smi(2), 9),
      ref(heap.oddballs.undefined),
      cell('gone', ref(heap.oddballs.hole), 4),
      cell('first', smi(1), 3),
    ];
    const object = heap.object([], { type: 'JS_GLOBAL_OBJECT', dictionary: true });
    heap.setWord(object + 8, ref(heap.array(words, 'GLOBAL_DICTIONARY')));
    expect(told(heap, object)).toEqual(['first=1 dictionary', 'second=2 dictionary']);
  });

  it('tells symbols and private names, and hides what is V8\u2019s own', () => {
    const heap = new FakeHeap();
    const { at } = heap.layout;
    const keys = [
      heap.symbol(heap.string('tag')),
      heap.symbol(heap.string('#secret'), at.symbolPrivateMask | at.symbolPrivateNameMask),
      heap.symbol(undefined, at.symbolPrivateMask),
      heap.string('plain'),
    ];
    const object = heap.object(keys.map((key, i) => [key, smi(i)] as const));
    expect(listOwnProperties(heap.view, object)!.properties.map(({ key, keyKind }) => `${keyKind} ${key}`)).toEqual([
      'symbol tag',
      'private #secret',
      'private ',
      'string plain',
    ]);
    expect(listOwnProperties(heap.view, object, { hideInternal: true })!.properties.map(({ key }) => key)).toEqual(['tag', '#secret', 'plain']);
  });

  it('tells attributes', () => {
    const heap = new FakeHeap();
    const object = heap.object([[heap.string('fixed'), smi(1)]]);
    const map = heap.readPointer(object)! - 1;
    const details = heap.readPointer(map + heap.layout.at.mapDescriptors)! - 1 + heap.layout.at.descriptorArrayHeader + 8;
    heap.setWord(details, smi(7 << heap.layout.at.propAttributesShift));
    expect(listOwnProperties(heap.view, object)!.properties).toMatchObject([{ key: 'fixed', isReadOnly: true, isEnumerable: false, isConfigurable: false }]);
  });

  it('finds one by name, on the object or on its prototypes', () => {
    const heap = new FakeHeap();
    const prototype = heap.object([[heap.string('inherited'), smi(5)]]);
    const object = heap.object([[heap.string('own'), smi(1)]], { prototype });
    expect(findOwnProperty(heap.view, object, 'own')).toEqual({ kind: 'word', word: smi(1) });
    expect(findOwnProperty(heap.view, object, 'inherited')).toBeUndefined();
    expect(findProperty(heap.view, object, 'inherited')).toEqual({ kind: 'word', word: smi(5) });
  });
});

describe('elements', () => {
  it('before the named ones, holes left out', () => {
    const heap = new FakeHeap();
    const elements = heap.array([smi(10), ref(heap.oddballs.hole), smi(12)]);
    const object = heap.object([[heap.string('name'), smi(1)]], { elements, elementsKind: HOLEY });
    expect(told(heap, object)).toEqual(['0=10 element', '2=12 element', 'name=1 in-object']);
    expect(listOwnProperties(heap.view, object)!.total).toBe(3);
  });

  it('of an array up to its length', () => {
    const heap = new FakeHeap();
    const array = heap.object([], { type: 'JS_ARRAY', fields: [smi(2)], elements: heap.array([smi(1), smi(2), smi(3)]), elementsKind: PACKED });
    expect(told(heap, array)).toEqual(['0=1 element', '1=2 element']);
    const long = heap.object([], { type: 'JS_ARRAY', fields: [ref(heap.number(4294967295))] });
    expect(arrayLength(heap.view, long)).toBe(4294967295);
    expect(arrayLength(heap.view, heap.object([], { type: 'JS_ARRAY', fields: [smi(-1)] }))).toBeUndefined();
  });

  it('doubles, with the hole and undefined among them', () => {
    const heap = new FakeHeap();
    const elements = heap.array([smi(0), { lo: 0xfff7ffff, hi: 0xfff7ffff }, smi(0), smi(0)], 'FIXED_DOUBLE_ARRAY');
    heap.setF64(elements + 16, 1.5);
    heap.setF64(elements + 32, Number.NaN);
    heap.setWord(elements + 40, { lo: 0xfff6ffff, hi: 0xfff6ffff });
    const array = heap.object([], { type: 'JS_ARRAY', fields: [smi(4)], elements, elementsKind: HOLEY_DOUBLE });
    expect(told(heap, array)).toEqual(['0=1.5 element', '2=NaN element', '3=undefined element']);
  });

  it('in a dictionary, in the order of their indices', () => {
    const heap = new FakeHeap();
    const entry = (key: Word, value: number): Word[] => [key, smi(value), smi(0)];
    const hole = ref(heap.oddballs.hole);
    const words = [smi(3), smi(0), smi(4), smi(0), ...entry(ref(heap.number(4000000000)), 3), ...entry(smi(7), 2), hole, hole, smi(0), ...entry(smi(1), 1)];
    const object = heap.object([], { elements: heap.array(words, 'NUMBER_DICTIONARY'), elementsKind: DICTIONARY_KIND });
    expect(told(heap, object)).toEqual(['1=1 element', '7=2 element', '4000000000=3 element']);
  });

  it('of sloppy arguments, which may live in the context', () => {
    const heap = new FakeHeap();
    const hole = ref(heap.oddballs.hole);
    const context = heap.context('FUNCTION', [smi(0), smi(0), smi(77)]);
    const rest = heap.array([hole, smi(8)]);
    const elements = heap.record('SLOPPY_ARGUMENTS_ELEMENTS', 6, { 8: smi(2), 16: ref(context), 24: ref(rest), 32: smi(2), 40: hole });
    const object = heap.object([], { type: 'JS_ARGUMENTS_OBJECT', elements, elementsKind: DICTIONARY_KIND + 1 });
    expect(told(heap, object)).toEqual(['0=77 element', '1=8 element']);
  });
});

describe('damage', () => {
  it('lists what it can of an object whose parts are absent', () => {
    const heap = new FakeHeap();
    const elements = heap.array([smi(1), smi(2)]);
    const object = heap.object([[heap.string('kept'), smi(1)]], { elements });
    heap.lose(elements + 24, 8);
    expect(told(heap, object)).toEqual(['0=1 element', 'kept=1 in-object']);
    expect(listOwnProperties(heap.view, object)!.isDamaged).toBe(true);
  });

  it('passes over fields beyond the property array and keys that are no names', () => {
    const heap = new FakeHeap();
    const object = heap.object(
      [
        [heap.string('a'), smi(1)],
        [heap.array([]), smi(2)],
        [heap.string('b'), smi(3)],
      ],
      { inObject: 1 },
    );
    heap.setWord(object + 8, ref(heap.emptyArray));
    expect(told(heap, object)).toEqual(['a=1 in-object']);
  });

  it('takes a length that lies for no more than is there', () => {
    const heap = new FakeHeap();
    const elements = heap.array([smi(1)]);
    heap.setWord(elements + heap.layout.at.fixedArrayLength, smi(2 ** 26));
    const object = heap.object([], { elements, elementsKind: PACKED });
    const list = listOwnProperties(heap.view, object, { limit: 100 })!;
    expect(list.properties.length).toBeLessThanOrEqual(100);
    const dictionary = heap.object([], { dictionary: true });
    heap.setWord(dictionary + 8, ref(heap.array([smi(2 ** 30), smi(-5)], 'NAME_DICTIONARY')));
    expect(listOwnProperties(heap.view, dictionary)).toMatchObject({ properties: [], total: 0 });
  });

  it('ends at prototypes that form a ring', () => {
    const heap = new FakeHeap();
    const object = heap.object();
    const map = heap.readPointer(object)! - 1;
    heap.setWord(map + heap.layout.at.mapPrototype, ref(object));
    expect(findProperty(heap.view, object, 'missing')).toBeUndefined();
  });

  it('has nothing to list of what is no JavaScript object', () => {
    const heap = new FakeHeap();
    expect(listOwnProperties(heap.view, heap.string('text'))).toBeUndefined();
    expect(listOwnProperties(heap.view, 0)).toBeUndefined();
    expect(listOwnProperties(heap.view, heap.record('JS_PROXY', 4))).toMatchObject({ properties: [], total: 0 });
  });
});
