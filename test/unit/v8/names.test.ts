import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/bytes/address.ts';
import { ConstructorNames, originOfFunction, originOfScript } from '../../../src/v8/names.ts';
import type { FakeObjectOptions } from '../../support/fake-v8-heap.ts';
import { FakeHeap, ref, smi } from '../../support/fake-v8-heap.ts';

/** The shared pieces of a realm: Object.prototype with its constructor, and the symbol toStringTag. */
function realm(version?: string) {
  const heap = new FakeHeap(version);
  const constructorKey = heap.string('constructor', 'INTERNALIZED_ONE_BYTE_STRING');
  const tagKey = heap.symbol(heap.string('Symbol.toStringTag'), heap.layout.at.symbolWellKnownMask);
  const objectFunction = heap.function('Object');
  const prototypeOf = (maker: Address, prototype: Address, more: readonly [Address, ReturnType<typeof ref>][] = []): Address =>
    heap.object([[constructorKey, ref(maker)], ...more], { prototype, isPrototype: true, maker: ref(objectFunction) });
  const objectPrototype = prototypeOf(objectFunction, heap.oddballs.null);
  const names = new ConstructorNames(heap.view);
  const nameOf = (options: FakeObjectOptions, properties: readonly [Address, ReturnType<typeof ref>][] = []): string =>
    names.nameOfObject(heap.object(properties, options));
  return { heap, constructorKey, tagKey, objectFunction, objectPrototype, prototypeOf, names, nameOf };
}

describe('constructor names', () => {
  it('come from the constructor that made the object itself', () => {
    const { heap, objectPrototype, nameOf } = realm();
    expect(nameOf({ maker: ref(heap.function('Session')), prototype: objectPrototype })).toBe('Session');
  });

  it('come from the prototypes for objects of derived classes', () => {
    const { heap, objectPrototype, prototypeOf, nameOf } = realm();
    const base = heap.function('Base');
    const derived = prototypeOf(heap.function('Derived'), prototypeOf(base, objectPrototype));
    expect(nameOf({ maker: ref(base), prototype: derived, isBase: false })).toBe('Derived');
    const anonymous = prototypeOf(heap.function(''), prototypeOf(base, objectPrototype));
    expect(nameOf({ maker: ref(base), prototype: anonymous, isBase: false })).toBe('Base');
  });

  it('of prototypes come from the prototypes above them', () => {
    const { heap, objectPrototype, prototypeOf, names } = realm();
    const base = prototypeOf(heap.function('Base'), objectPrototype);
    expect(names.nameOfObject(base)).toBe('Object');
    expect(names.nameOfObject(prototypeOf(heap.function('Derived'), base))).toBe('Base');
  });

  it('follow a toStringTag that is a string', () => {
    const { heap, tagKey, objectFunction, objectPrototype, nameOf } = realm();
    const tag = ref(heap.string('Tagged'));
    expect(nameOf({ maker: ref(objectFunction), prototype: objectPrototype }, [[tagKey, tag]])).toBe('Tagged');
    expect(nameOf({ maker: ref(objectFunction), prototype: heap.object([[tagKey, tag]], { prototype: objectPrototype }) })).toBe('Tagged');
    expect(nameOf({ maker: ref(objectFunction), prototype: objectPrototype }, [[tagKey, smi(1)]])).toBe('Object');
    const lookalike = heap.symbol(heap.string('Symbol.toStringTag'));
    expect(nameOf({ maker: ref(objectFunction), prototype: objectPrototype }, [[lookalike, tag]])).toBe('Object');
  });

  it('are looked up property by property along the whole chain in 9.4, prototype by prototype since', () => {
    for (const [version, name] of [
      ['9.4', 'EventTarget'],
      ['10.2', 'Performance'],
    ] as const) {
      const { heap, tagKey, objectFunction, objectPrototype, prototypeOf, nameOf } = realm(version);
      const base = prototypeOf(heap.function('EventTarget'), objectPrototype, [[tagKey, ref(heap.string('EventTarget'))]]);
      const prototype = prototypeOf(heap.function('Performance'), base);
      expect(nameOf({ maker: ref(objectFunction), prototype, isBase: false }), version).toBe(name);
    }
  });

  it('fall back on the class of the object', () => {
    const { heap, nameOf } = realm();
    const text = ref(heap.string('text'));
    for (const [type, fields, name] of [
      ['JS_OBJECT', [], 'Object'],
      ['JS_ARRAY', [smi(0)], 'Array'],
      ['JS_DATE', [smi(0)], 'Date'],
      ['JS_BOUND_FUNCTION', [smi(0), smi(0), smi(0)], 'Function'],
      ['JS_PRIMITIVE_WRAPPER', [text], 'String'],
      ['JS_PRIMITIVE_WRAPPER', [smi(1)], 'Number'],
      ['JS_PRIMITIVE_WRAPPER', [ref(heap.oddballs.true)], 'Boolean'],
      ['JS_MAP', [smi(0)], 'Map'],
    ] as const)
      expect(nameOf({ type, fields })).toBe(name);
    expect(nameOf({ type: 'JS_TYPED_ARRAY', elementsKind: 13 + 5 + 7 })).toBe('Float64Array');
  });

  it('use the class name of a template in 9.4', () => {
    const { heap, objectPrototype, nameOf } = realm('9.4');
    const template = heap.record('FUNCTION_TEMPLATE_INFO', 12, { [heap.layout.at.templateClassName]: ref(heap.string('Binding')) });
    expect(nameOf({ maker: ref(template), prototype: objectPrototype })).toBe('Binding');
  });

  it('follow back pointers and pairs to the constructor', () => {
    const { heap, objectPrototype, nameOf, names } = realm();
    const first = heap.object([], { maker: ref(heap.function('Session')), prototype: objectPrototype });
    const parent = heap.readPointer(first)! - 1;
    expect(nameOf({ maker: ref(parent), prototype: objectPrototype })).toBe('Session');
    const pair = heap.record('TUPLE2', 3, { 8: ref(heap.function('Paired')), 16: smi(0) });
    expect(nameOf({ maker: ref(pair), prototype: objectPrototype })).toBe('Paired');
    heap.setWord(parent + heap.layout.at.mapConstructor, ref(parent));
    expect(new ConstructorNames(heap.view).nameOfObject(first)).toBe('Object');
    expect(names.nameOfObject(0x1000)).toBe('Object');
  });

  it('end at prototypes that form a ring, and at proxies', () => {
    const { heap, nameOf } = realm();
    const ring = heap.object();
    heap.setWord(heap.readPointer(ring)! - 1 + heap.layout.at.mapPrototype, ref(ring));
    expect(nameOf({ prototype: ring })).toBe('Object');
    expect(nameOf({ prototype: heap.record('JS_PROXY', 4) })).toBe('Object');
  });

  it('are remembered, and the memory is of the view alone', () => {
    const { heap, objectPrototype, prototypeOf, names } = realm();
    const prototype = prototypeOf(heap.function('Kept'), objectPrototype);
    const objects = Array.from({ length: 50 }, () => heap.object([], { prototype, isBase: false }));
    expect(new Set(objects.map((object) => names.nameOfObject(object)))).toEqual(new Set(['Kept']));
  });
});

describe('origins', () => {
  it('are those of the script', () => {
    expect(['node:fs', 'internal/bootstrap/loaders', '/app/internal/x.js', 'file:///app/a.mjs', undefined].map(originOfScript)).toEqual([
      'node',
      'node',
      'application',
      'application',
      'application',
    ]);
  });

  it('of objects are those of the constructor that names them', () => {
    const { heap, objectPrototype, names, prototypeOf } = realm();
    const made = (file: string, name: string): Address =>
      heap.function(heap.shared(ref(heap.scopeInfo({ name: ref(heap.string(name)) })), heap.script(heap.string(file), heap.string(''))));
    const origin = (options: FakeObjectOptions): string => {
      const object = heap.object([], options);
      return names.originOfMap(heap.readPointer(object)! - 1, object);
    };
    expect(origin({ maker: ref(made('/app/a.js', 'Session')), prototype: objectPrototype })).toBe('application');
    expect(origin({ maker: ref(made('node:events', 'EventEmitter')), prototype: objectPrototype })).toBe('node');
    expect(origin({ prototype: prototypeOf(made('/app/a.js', 'Derived'), objectPrototype), isBase: false })).toBe('application');
    expect(origin({ maker: ref(heap.function('Map')), prototype: objectPrototype })).toBe('language');
    const text = heap.string('text');
    expect(names.originOfMap(heap.readPointer(text)! - 1, text)).toBe('internal');
    expect(originOfFunction(heap.view, heap.function('max'))).toBe('language');
  });
});
