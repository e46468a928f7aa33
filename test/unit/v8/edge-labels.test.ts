import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EdgeKind } from '../../../src/graph/heap-graph.ts';
import { labelOfSlot } from '../../../src/v8/edge-labels.ts';
import { FakeGraph } from '../../support/fake-graph.ts';
import { FakeHeap, ref, smi } from '../../support/fake-v8-heap.ts';

const internalNames = (heap: FakeHeap, object: number, words: number): (string | number)[] =>
  Array.from({ length: words }, (_, i) => labelOfSlot(heap.view, object, words * 8, EdgeKind.Internal, object + i * 8).name);

describe('names of slots', () => {
  it('of functions are those of snapshots, in every version', () => {
    for (const version of ['9.4', '10.2', '11.3']) {
      const heap = new FakeHeap(version);
      expect(internalNames(heap, heap.function('f'), 5)).toEqual(['map', 'properties', 'elements', 'shared', 'context']);
    }
    for (const version of ['12.4', '13.6', '14.6']) {
      const heap = new FakeHeap(version);
      expect(internalNames(heap, heap.function('f'), 6)).toEqual(['map', 'properties', 'elements', 'code', 'shared', 'context']);
    }
    const heap = new FakeHeap();
    const fields = Array.from({ length: 5 }, () => smi(0));
    const maker = heap.object([], { type: 'JS_FUNCTION', fields });
    expect(internalNames(heap, maker, 8).slice(3)).toEqual(['shared', 'context', 'feedback_cell', 'code', 'initial_map']);
  });

  it('of promises, bound functions, collections and generators are those of snapshots', () => {
    const heap = new FakeHeap();
    const of = (type: string, words: number): (string | number)[] =>
      internalNames(heap, heap.object([], { type, fields: Array.from({ length: words }, () => smi(0)) }), words + 3).slice(3);
    expect(of('JS_PROMISE', 1)).toEqual(['reactions_or_result']);
    expect(of('JS_BOUND_FUNCTION', 3)).toEqual(['bound_function', 'bound_this', 'bindings']);
    expect(of('JS_MAP', 1)).toEqual(['table']);
    expect(of('JS_WEAK_SET', 1)).toEqual(['table']);
    expect(of('JS_ASYNC_FUNCTION_OBJECT', 4).slice(0, 3)).toEqual(['function', 'context', 'receiver']);
    expect(of('JS_DATE', 1)).toEqual(['3']);
  });
});

describe('names of properties', () => {
  it('of an accessor that two properties share are the first one’s', () => {
    const heap = new FakeHeap();
    const thrower = heap.object();
    const pair = { getter: ref(thrower), setter: smi(0) };
    const object = heap.object([[heap.string('caller'), pair], [heap.string('arguments'), pair]]);
    // Each has a pair of its own here; made one, as V8's are.
    const graph = new FakeGraph(heap);
    const pairs = graph.edgesOf(object).filter(({ name }) => name === 'caller' || name === 'arguments');
    expect(pairs).toHaveLength(2);
    const { mapDescriptors, descriptorArrayHeader } = heap.layout.at;
    const descriptors = heap.readPointer(heap.readPointer(object)! - 1 + mapDescriptors)! - 1;
    heap.setWord(descriptors + descriptorArrayHeader + 24 + 16, ref(pairs[0]!.to));
    expect(new FakeGraph(heap).waysTo(object, { thrower })).toEqual(['property get caller -> thrower', 'property get caller -> thrower']);
  });

  it('are cut where they are long', () => {
    const heap = new FakeHeap();
    const value = heap.object();
    const object = heap.object([[heap.string('n'.repeat(5000)), ref(value)]]);
    const [edge] = new FakeGraph(heap).edgesOf(object).filter(({ to }) => to === value);
    expect(String(edge!.name).length).toBeLessThanOrEqual(200);
  });

  it('are a question mark or a number where nothing can be read', () => {
    const heap = new FakeHeap();
    const value = heap.object();
    const object = heap.object([[heap.string('lost'), ref(value)]], { inObject: 0 });
    const graph = new FakeGraph(heap);
    const { mapDescriptors } = heap.layout.at;
    expect(graph.waysTo(object, { value })).toEqual(['property lost -> value']);
    heap.lose(heap.readPointer(heap.readPointer(object)! - 1 + mapDescriptors)! - 1, 64);
    expect(graph.waysTo(object, { value })).toEqual(['property ? -> value']);
    heap.lose(object, 24);
    expect(labelOfSlot(heap.view, object, 24, EdgeKind.Internal, object + 8)).toEqual({ kind: EdgeKind.Internal, name: '1' });
    expect(labelOfSlot(heap.view, object, 24, EdgeKind.Element, object + 800)).toEqual({ kind: EdgeKind.Element, name: 0 });
  });
});

describe('damage', () => {
  it('does not hang: strings that contain themselves, contexts in a ring, maps that are their own', () => {
    const heap = new FakeHeap();
    const { at } = heap.layout;
    const ring = heap.cons(heap.string('a'), heap.string('b'), 1 << 20);
    heap.setWord(ring + at.consFirst, ref(ring));
    heap.setWord(ring + at.consSecond, ref(ring));
    const value = heap.object();
    const object = heap.object([[ring, ref(value)]]);
    const scope = heap.scopeInfo({ locals: [heap.string('x')] });
    const inner = heap.context('FUNCTION', [ref(scope), smi(0), ref(value)]);
    const outer = heap.context('FUNCTION', [ref(scope), ref(inner), ref(value)]);
    heap.setWord(inner + at.fixedArrayData + at.contextPrevious * 8, ref(outer));
    const selfish = heap.allocate(at.mapSize);
    heap.writeMap(selfish, 'JS_OBJECT', { words: 4, inObjectStart: 3 });
    heap.setWord(selfish, ref(selfish));
    heap.setWord(selfish + at.mapPrototype, ref(selfish));
    const owner = heap.allocate(32);
    heap.setWord(owner, ref(selfish));
    heap.setWord(owner + 24, ref(value));
    const graph = new FakeGraph(heap);
    expect(graph.edgesOf(object).filter(({ to }) => to === value)).toHaveLength(1);
    expect(graph.waysTo(inner, { outer, value })).toEqual(['internal previous -> outer', 'context x -> value']);
    expect(graph.waysTo(outer, { inner, value })).toEqual(['internal previous -> inner', 'context x -> value']);
  });

  it('of lengths is bounded by the store, and stores that are none are passed over', () => {
    const heap = new FakeHeap();
    const { at } = heap.layout;
    const value = heap.object();
    const fast = heap.object([[heap.string('x'), ref(value)]], { inObject: 0 });
    const store = heap.readPointer(fast + at.jsReceiverProperties)! - 1;
    const dictionary = heap.object([[heap.string('x'), ref(value)]], { dictionary: true });
    const table = heap.readPointer(dictionary + at.jsReceiverProperties)! - 1;
    const listed = heap.object([], { elements: heap.array([ref(value)]), elementsKind: 2 });
    const elements = heap.readPointer(listed + at.jsObjectElements)! - 1;
    const odd = heap.object([[heap.string('x'), ref(value)]], { inObject: 0 });
    heap.setWord(odd + at.jsReceiverProperties, ref(heap.string('no store')));
    heap.setWord(odd + at.jsObjectElements, ref(value + 8));
    expect(new FakeGraph(heap).waysTo(odd, { value })).toEqual([]);
    for (const length of [1023, 0x7fffffff, -1]) {
      heap.setWord(store + at.fixedArrayLength, smi(length));
      heap.setWord(table + at.fixedArrayLength, smi(length));
      heap.setWord(elements + at.fixedArrayLength, smi(length));
      const graph = new FakeGraph(heap);
      for (const object of [fast, dictionary, listed]) expect(graph.edgesOf(object).length).toBeLessThan(2000);
    }
  });

  it('of any words ends in references to nodes that are there', () => {
    const heap = new FakeHeap();
    const key = heap.string('key');
    const value = heap.object();
    const objects = [
      heap.object([[key, ref(value)], [heap.string('get'), { getter: ref(value), setter: smi(0) }]], { inObject: 1 }),
      heap.object([[key, ref(value)]], { dictionary: true }),
      heap.object([], { type: 'JS_ARRAY', fields: [smi(2)], elements: heap.array([ref(value), ref(value)]), elementsKind: 2 }),
      heap.function('f', { context: heap.context('FUNCTION', [ref(heap.scopeInfo({ locals: [key] })), smi(0), ref(value)]) }),
      heap.object([], { type: 'JS_MAP', fields: [ref(heap.array([smi(1), smi(0), smi(1), smi(-1), ref(key), ref(value), smi(-1), smi(0), smi(0), smi(0)], 'ORDERED_HASH_MAP'))] }),
    ];
    const { start, end } = heap.range;
    const words = (end - start) / 8;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(words - 1), fc.oneof(fc.nat(words - 1).map((word) => ref(start + word * 8)), fc.integer().map(smi), fc.record({ lo: fc.nat(0xffffffff), hi: fc.nat(0xffffffff) }))), { maxLength: 12 }), (changes) => {
        const old = changes.map(([word]) => ({ word, lo: heap.readU32(start + word * 8), hi: heap.readU32(start + word * 8 + 4) }));
        for (const [word, value_] of changes) heap.setWord(start + word * 8, value_);
        const graph = new FakeGraph(heap);
        const known = new Set(graph.nodes);
        for (const object of objects) if (known.has(object)) for (const { to } of graph.edgesOf(object)) expect(known.has(to)).toBe(true);
        for (const { word, lo, hi } of old.reverse()) heap.setWord(start + word * 8, { lo, hi });
      }),
      { numRuns: 400 },
    );
  });
});
