import { describe, expect, it } from 'vitest';
import { EdgeKind } from '../../../src/graph/heap-graph.ts';
import { FakeGraph } from '../../support/fake-graph.ts';
import { FakeHeap, ref, smi, weak } from '../../support/fake-v8-heap.ts';

/** A heap with four plain objects to refer to. */
function setup(version?: string) {
  const heap = new FakeHeap(version);
  const [a, b, c, d] = Array.from({ length: 4 }, () => heap.object()) as [number, number, number, number];
  return { heap, targets: { a, b, c, d } };
}
const DICTIONARY_ELEMENTS = (heap: FakeHeap): number => heap.layout.at.elementsKindDictionary;
const FAST = 2;
const DOUBLES = 4;

describe('properties', () => {
  it('are referred to by the object, wherever they are kept', () => {
    const { heap, targets } = setup();
    const [x, y, z] = ['x', 'y', 'z'].map((name) => heap.string(name)) as [number, number, number];
    const object = heap.object(
      [
        [x, ref(targets.a)],
        [y, ref(targets.b)],
        [z, ref(targets.c)],
      ],
      { inObject: 1 },
    );
    const graph = new FakeGraph(heap);
    expect(graph.waysTo(object, targets)).toEqual(['property x -> a', 'property y -> b', 'property z -> c']);
    const store = graph.edgesOf(object).find(({ name }) => name === 'properties')!.to;
    expect(graph.waysTo(store, targets)).toEqual(['internal 2 -> b', 'internal 3 -> c']);
  });

  it('of dictionaries have the names of their entries', () => {
    const { heap, targets } = setup();
    const object = heap.object(
      [
        [heap.string('first'), ref(targets.a)],
        [heap.symbol(heap.string('mark')), ref(targets.b)],
        [heap.string('number'), smi(4)],
      ],
      { dictionary: true },
    );
    expect(new FakeGraph(heap).waysTo(object, targets)).toEqual(['property first -> a', 'property Symbol(mark) -> b']);
  });

  it('that are accessors lead to the pair, the getter and the setter', () => {
    for (const dictionary of [false, true]) {
      const { heap, targets } = setup();
      const object = heap.object(
        [
          [heap.string('size'), { getter: ref(targets.a), setter: ref(targets.b) }],
          [heap.string('plain'), ref(targets.c)],
          [heap.string('kind'), { getter: smi(0), setter: ref(targets.d) }],
        ],
        { dictionary },
      );
      const graph = new FakeGraph(heap);
      const ways = graph.waysTo(object, targets);
      expect(ways.sort()).toEqual(['property get size -> a', 'property plain -> c', 'property set kind -> d', 'property set size -> b']);
      const pairs = graph.edgesOf(object).filter(({ kind, name }) => kind === 'property' && (name === 'size' || name === 'kind'));
      expect(pairs.map(({ name }) => name)).toEqual(['size', 'kind']);
      expect(graph.waysTo(pairs[0]!.to, targets).length).toBeLessThanOrEqual(2);
    }
  });

  it('of the global object are the values of its cells', () => {
    const { heap, targets } = setup();
    const cell = (name: string, value: number): number => heap.record('PROPERTY_CELL', 5, { 8: ref(heap.string(name)), 16: smi(0), 24: ref(value) });
    const cells = [cell('kept', targets.a), cell('cache', targets.b)];
    const { undefined: none } = heap.oddballs;
    const pair = heap.record('ACCESSOR_PAIR', 3, { 8: ref(targets.c), 16: ref(none) });
    cells.push(heap.record('PROPERTY_CELL', 5, { 8: ref(heap.string('lazy')), 16: smi(1), 24: ref(pair) }));
    const words = [smi(3), smi(0), smi(3), ...Array.from({ length: heap.layout.at.globalDictionaryPrefix }, () => smi(0)), ...cells.map((each) => ref(each))];
    const dictionary = heap.array(words, 'GLOBAL_DICTIONARY');
    const global = heap.object([], { type: 'JS_GLOBAL_OBJECT', dictionary: true });
    heap.setWord(global + heap.layout.at.jsReceiverProperties, ref(dictionary));
    const graph = new FakeGraph(heap);
    expect(graph.waysTo(global, { ...targets, pair })).toEqual(['property kept -> a', 'property cache -> b', 'property lazy -> pair', 'property get lazy -> c']);
  });

  it('called prototype are those of constructors, with instances or without', () => {
    const { heap, targets } = setup();
    const functionWith = (prototype: number): number => {
      const fields = [ref(heap.shared(ref(heap.string('Maker')))), ref(heap.oddballs.undefined), smi(0), smi(0), ref(prototype)];
      return heap.object([[heap.string('extra'), ref(targets.d)]], { type: 'JS_FUNCTION', fields });
    };
    const instances = heap.allocate(heap.layout.at.mapSize);
    heap.writeMap(instances, 'JS_OBJECT', { words: 4, inObjectStart: 3, prototype: ref(targets.a) });
    const [fresh, used] = [functionWith(targets.b), functionWith(instances)];
    const graph = new FakeGraph(heap);
    expect(graph.waysTo(fresh, targets)).toEqual(['property prototype -> b', 'property extra -> d']);
    expect(graph.waysTo(used, { ...targets, instances })).toEqual(['internal initial_map -> instances', 'property prototype -> a', 'property extra -> d']);
  });

  it('of a function without a place for a prototype begin where that would be', () => {
    const { heap, targets } = setup();
    const fields = [ref(heap.shared(ref(heap.string('arrow')))), ref(heap.oddballs.undefined), smi(0), smi(0)];
    const arrow = heap.object([[heap.string('own'), ref(targets.a)]], { type: 'JS_FUNCTION', fields });
    expect(new FakeGraph(heap).waysTo(arrow, targets)).toEqual(['property own -> a']);
  });
});

describe('elements', () => {
  it('are referred to by the object with their indexes, holes left out', () => {
    const { heap, targets } = setup();
    const { hole } = heap.oddballs;
    const elements = heap.array([ref(targets.a), ref(hole), smi(7), ref(targets.b)]);
    const object = heap.object([], { type: 'JS_ARRAY', fields: [smi(4)], elements, elementsKind: FAST });
    const graph = new FakeGraph(heap, { dead: [hole] });
    expect(graph.edgesOf(object).filter(({ kind }) => kind === 'element')).toEqual([
      { kind: 'element', name: 0, to: targets.a },
      { kind: 'element', name: 3, to: targets.b },
    ]);
    expect(graph.waysTo(elements, targets)).toEqual(['internal 0 -> a', 'internal 3 -> b']);
  });

  it('of dictionaries have the keys as indexes', () => {
    const { heap, targets } = setup();
    const words = [smi(2), smi(0), smi(2), ...Array.from({ length: heap.layout.at.numberDictionaryPrefix }, () => smi(0)), smi(70), ref(targets.a), smi(0), ref(heap.number(4_000_000_000)), ref(targets.b), smi(0)];
    const elements = heap.array(words, 'NUMBER_DICTIONARY');
    const object = heap.object([], { elements, elementsKind: DICTIONARY_ELEMENTS(heap) });
    expect(new FakeGraph(heap).waysTo(object, targets)).toEqual(['element 70 -> a', 'element 4000000000 -> b']);
  });

  it('of sloppy arguments are left to their store', () => {
    const { heap, targets } = setup();
    const elements = heap.array([smi(0), ref(heap.array([ref(targets.a)]))], 'SLOPPY_ARGUMENTS_ELEMENTS');
    const object = heap.object([], { type: 'JS_ARGUMENTS_OBJECT', elements, elementsKind: DICTIONARY_ELEMENTS(heap) + 1 });
    expect(new FakeGraph(heap).edgesOf(object).filter(({ kind }) => kind === 'element')).toEqual([]);
  });

  it('of doubles are no references, whatever their bits say', () => {
    const { heap, targets } = setup();
    const elements = heap.array([ref(targets.a)], 'FIXED_DOUBLE_ARRAY');
    const object = heap.object([], { type: 'JS_ARRAY', fields: [smi(1)], elements, elementsKind: DOUBLES });
    const graph = new FakeGraph(heap);
    expect(graph.waysTo(object, targets)).toEqual([]);
    expect(graph.waysTo(elements, targets)).toEqual([]);
  });
});

describe('containers of the language', () => {
  it('lead from a context to its variables and to the one around it', () => {
    const { heap, targets } = setup();
    const scope = heap.scopeInfo({ locals: [heap.string('cache'), heap.string('seen')] });
    const outer = heap.context('FUNCTION', [ref(heap.scopeInfo()), smi(0)]);
    const context = heap.context('FUNCTION', [ref(scope), ref(outer), ref(targets.a), ref(targets.b)]);
    expect(new FakeGraph(heap).waysTo(context, { ...targets, scope, outer })).toEqual([
      'internal scope_info -> scope',
      'internal previous -> outer',
      'context cache -> a',
      'context seen -> b',
    ]);
  });

  it('name the values of a Map after their keys', () => {
    const { heap, targets } = setup();
    const entries = [ref(heap.string('k42')), ref(targets.a), smi(-1), smi(7), ref(targets.b), smi(-1), ref(targets.c), ref(targets.d), smi(-1), smi(0), smi(0), smi(0)];
    const table = heap.array([smi(3), smi(0), smi(2), smi(-1), smi(-1), ...entries], 'ORDERED_HASH_MAP');
    const map = heap.object([], { type: 'JS_MAP', fields: [ref(table)] });
    const graph = new FakeGraph(heap);
    expect(graph.waysTo(table, targets)).toEqual(['internal ["k42"] -> a', 'internal [7] -> b', 'internal key -> c', 'internal value -> d']);
    expect(graph.waysTo(map, { table })).toEqual(['internal table -> table']);
  });

  it('call the members of a Set entries', () => {
    const { heap, targets } = setup();
    const table = heap.array([smi(2), smi(0), smi(2), smi(-1), smi(-1), ref(targets.a), smi(-1), ref(targets.b), smi(-1), smi(0), smi(0), smi(0), smi(0)], 'ORDERED_HASH_SET');
    expect(new FakeGraph(heap).waysTo(table, targets)).toEqual(['internal entry -> a', 'internal entry -> b']);
  });

  it('refer weakly where V8 does', () => {
    const { heap, targets } = setup();
    const weakRef = heap.object([], { type: 'JS_WEAK_REF', fields: [ref(targets.a)] });
    const list = heap.array([weak(targets.b), ref(targets.c)], 'WEAK_FIXED_ARRAY');
    const graph = new FakeGraph(heap);
    expect(graph.waysTo(weakRef, targets)).toEqual(['weak target -> a']);
    expect(graph.edgesOf(list).map(({ kind, to }) => [kind, to])).toEqual([
      ['weak', targets.b],
      ['internal', targets.c],
    ]);
  });

  it('refer from an ephemeron table to keys weakly and to values as a table does', () => {
    const { heap, targets } = setup();
    const table = heap.array([smi(2), smi(0), smi(2), ref(targets.a), ref(targets.b), ref(targets.c), ref(targets.d)], 'EPHEMERON_HASH_TABLE');
    const graph = new FakeGraph(heap, {
      ephemeronTableType: heap.layout.types['EPHEMERON_HASH_TABLE']!,
      extras: [{ from: targets.a, to: targets.b, kind: EdgeKind.Ephemeron }],
    });
    const kinds = graph.edgesOf(table).map(({ kind, to }) => `${kind} ${Object.keys(targets)[Object.values(targets).indexOf(to)]!}`);
    expect(kinds.sort()).toEqual(['ephemerontable b', 'ephemerontable d', 'weak a', 'weak c']);
    expect(graph.edgesOf(targets.a).filter(({ kind }) => kind === 'ephemeron')).toEqual([{ kind: 'ephemeron', name: 'extra', to: targets.b }]);
    expect(graph.edgesOf(targets.b).filter(({ kind }) => kind === 'ephemeron')).toEqual([]);
  });
});

describe('memory outside of the heap', () => {
  it('is one node for all ArrayBuffers that share it', () => {
    const { heap } = setup();
    const STORE = 0x6000_1000;
    const OTHER = 0x7fff_1234_5670;
    const { arrayBufferBackingStore: at, jsObjectElements } = heap.layout.at;
    const buffer = (store: number): number => {
      const made = heap.object([], { type: 'JS_ARRAY_BUFFER', fields: Array.from({ length: 8 }, () => smi(0)) });
      heap.setWord(made + at, { lo: store % 2 ** 32, hi: Math.floor(store / 2 ** 32) });
      return made;
    };
    const [one, two, other, unknown] = [STORE, STORE, OTHER, 0x1000].map(buffer) as [number, number, number, number];
    const graph = new FakeGraph(heap, { stores: [STORE, OTHER] });
    expect(at).toBeGreaterThan(jsObjectElements);
    for (const [object, store] of [
      [one, STORE],
      [two, STORE],
      [other, OTHER],
    ] as const) {
      expect(graph.edgesOf(object).filter(({ name }) => name === 'backing_store')).toEqual([{ kind: 'internal', name: 'backing_store', to: store }]);
    }
    expect(graph.edgesOf(unknown).filter(({ name }) => name === 'backing_store')).toEqual([]);
  });

  it('hangs on each string that has its text there', () => {
    const { heap } = setup();
    const TEXT = 0x6000_2000;
    const strings = [heap.external('text'), heap.external('text', false)];
    const graph = new FakeGraph(heap, { stores: [TEXT], extras: strings.map((from) => ({ from, to: TEXT, kind: EdgeKind.Internal })) });
    for (const string of strings) expect(graph.edgesOf(string).filter(({ to }) => to === TEXT)).toEqual([{ kind: 'internal', name: 'extra', to: TEXT }]);
  });
});

describe('what is left out', () => {
  it('are Smis, garbage, and words that lead nowhere or into the middle of an object', () => {
    const { heap, targets } = setup();
    const words = [smi(5), ref(targets.a), ref(0x1_0000_0000), ref(targets.b + 8), { lo: 0xffffffff, hi: 0xffffffff }, ref(targets.c)];
    const array = heap.array(words);
    expect(new FakeGraph(heap, { dead: [targets.a] }).waysTo(array, targets)).toEqual(['internal 5 -> c']);
  });

  it('are references to read-only objects', () => {
    const { heap, targets } = setup();
    const array = heap.array([ref(targets.a)]);
    expect(new FakeGraph(heap).waysTo(array, targets)).toEqual(['internal 0 -> a']);
    expect(new FakeGraph(heap, { isReadOnly: true }).edgesOf(array)).toEqual([]);
  });
});
