import { describe, expect, it } from 'vitest';
import {
  builtinId,
  findFunctionContext,
  functionName,
  functionPlace,
  parametersPlace,
  readSharedName,
  tryReadBoundFunction,
  tryReadFunction,
} from '../../../src/v8/functions.ts';
import { lineEndsOf, placeInScript } from '../../../src/v8/scripts.ts';
import { FakeHeap, ref, smi } from '../../support/fake-v8-heap.ts';

const SOURCE = "'use strict';\nconst a = 1;\r\n  function onData(x) { return x; }\n";
const VERSIONS = ['9.4', '10.2', '11.3', '12.4', '13.6', '14.6'];

describe.each(VERSIONS)('functions of V8 %s', (version) => {
  it('have the name and place of their ScopeInfo', () => {
    const heap = new FakeHeap(version);
    const script = heap.script(heap.string('/app/server.js'), heap.string(SOURCE));
    const start = SOURCE.indexOf('(x)');
    const scope = heap.scopeInfo({ name: ref(heap.string('onData')), start, end: start + 20, locals: [heap.string('x')] });
    const made = heap.function(heap.shared(ref(scope), script, { token: 'function onData'.length, kind: 11 }));
    const facts = tryReadFunction(heap.view, made)!;
    expect(facts).toMatchObject({ name: 'onData', kind: 'arrow', script, scriptName: '/app/server.js', startPosition: start, endPosition: start + 20 });
    expect(functionPlace(heap.view, facts)).toEqual({ line: 3, column: 3 });
    expect(parametersPlace(heap.view, facts)).toEqual({ line: 3, column: 18 });
  });

  it('have the inferred name when they have none of their own', () => {
    const heap = new FakeHeap(version);
    const inferredName = heap.string('exports.handler');
    for (const name of [smi(0), ref(heap.string(''))]) {
      const shared = heap.shared(ref(heap.scopeInfo({ name, inferredName, locals: [heap.string('x')] })));
      expect(functionName(heap.view, heap.function(shared))).toBe('exports.handler');
      expect(readSharedName(heap.view, shared)).toBe('');
    }
  });

  it('have name and place before they are compiled', () => {
    const heap = new FakeHeap(version);
    const { at } = heap.layout;
    const data = heap.record('UNCOMPILED_DATA_WITHOUT_PREPARSE_DATA', 3, { [at.uncompiledInferredName]: ref(heap.string('lazy.one')) });
    heap.setU32(data + at.uncompiledStart, 3);
    heap.setU32(data + at.uncompiledEnd, 9);
    const script = heap.script(heap.string('lazy.js'), heap.string('0123456789'));
    const made = heap.function(heap.shared(smi(0), script, { data: ref(data) }));
    expect(tryReadFunction(heap.view, made)).toMatchObject({ name: 'lazy.one', startPosition: 3, endPosition: 9, definitionPosition: 3 });
  });

  it('know their contexts, and builtins their numbers', () => {
    const heap = new FakeHeap(version);
    const context = heap.context('FUNCTION', []);
    expect(findFunctionContext(heap.view, heap.function('made', { context }))).toBe(context);
    const shared = heap.shared(ref(heap.string('max')), undefined, { data: smi(321) });
    expect(builtinId(heap.view, shared)).toBe(321);
    expect(tryReadFunction(heap.view, heap.function(shared))).toMatchObject({
      name: 'max',
      script: undefined,
      scriptName: undefined,
      startPosition: undefined,
    });
  });
});

it('names the functions that initialise class fields as V8 does since 12.4', () => {
  for (const [version, kind, name] of [
    ['12.4', 24, '<instance_members_initializer>'],
    ['12.4', 25, '<static_initializer>'],
    ['11.3', 24, 'own'],
  ] as const) {
    const heap = new FakeHeap(version);
    expect(functionName(heap.view, heap.function(heap.shared(ref(heap.string('own')), undefined, { kind })))).toBe(name);
  }
});

it('places a class where its text starts, and a function whose text is far from its parameters at those', () => {
  const heap = new FakeHeap();
  const script = heap.script(heap.string('c.js'), heap.string('\n\nclass Shape { constructor() {} }'));
  const scope = heap.scopeInfo({ name: ref(heap.string('Shape')), start: 27 });
  const positions = heap.record('CLASS_POSITIONS', 3, { 8: smi(2), 16: smi(34) });
  const made = heap.function(heap.shared(ref(scope), script, { kind: 3, token: 11 }), { properties: [[heap.symbol(undefined, 1), ref(positions)]] });
  expect(functionPlace(heap.view, tryReadFunction(heap.view, made)!)).toEqual({ line: 3, column: 1 });
  const far = heap.function(heap.shared(ref(scope), script, { token: 0xffff }));
  expect(tryReadFunction(heap.view, far)).toMatchObject({ definitionPosition: 27 });
});

describe('scripts', () => {
  it('end their lines as V8 does', () => {
    expect([...lineEndsOf('a\nb\r\nc\rd\u2028e')]).toEqual([1, 4, 6, 8, 10]);
    expect([...lineEndsOf('')]).toEqual([0]);
  });

  it('are placed by their table of lines when it is there', () => {
    const heap = new FakeHeap();
    const ends = heap.array([smi(5), smi(11), smi(20)]);
    const script = heap.script(heap.string('t.js'), heap.string('ignored'), ends);
    expect(placeInScript(heap.view, script, 6)).toEqual({ line: 2, column: 1 });
    expect(placeInScript(heap.view, script, 5)).toEqual({ line: 1, column: 6 });
    expect(placeInScript(heap.view, script, 21)).toBeUndefined();
    expect(placeInScript(heap.view, script, -1)).toBeUndefined();
  });

  it('add the offsets they were compiled with, and prefer the name of a sourceURL comment', () => {
    const heap = new FakeHeap();
    const script = heap.script(heap.string('off.js'), heap.string('ab\ncd'));
    heap.setWord(script + heap.layout.at.scriptLineOffset, smi(10));
    heap.setWord(script + heap.layout.at.scriptColumnOffset, smi(5));
    expect(placeInScript(heap.view, script, 1)).toEqual({ line: 11, column: 7 });
    expect(placeInScript(heap.view, script, 4)).toEqual({ line: 12, column: 2 });
    heap.setWord(script + heap.layout.at.scriptSourceUrl, ref(heap.string('webpack://app/x.js')));
    expect(tryReadFunction(heap.view, heap.function(heap.shared(ref(heap.scopeInfo()), script)))?.scriptName).toBe('webpack://app/x.js');
  });

  it('have no places when neither lines nor source can be read', () => {
    const heap = new FakeHeap();
    const source = heap.string('some source text');
    heap.lose(source + 16, 8);
    expect(placeInScript(heap.view, heap.script(heap.string('s.js'), source), 3)).toBeUndefined();
    const unsorted = heap.script(heap.string('u.js'), heap.string('a\nb'), heap.array([smi(9), smi(2)]));
    expect(placeInScript(heap.view, unsorted, 2)).toEqual({ line: 2, column: 1 });
  });
});

describe('bound functions', () => {
  it('lead to their targets', () => {
    const heap = new FakeHeap();
    const target = heap.function('base');
    const inner = heap.object([], { type: 'JS_BOUND_FUNCTION', fields: [ref(target), smi(1), ref(heap.emptyArray)] });
    const outer = heap.object([], { type: 'JS_BOUND_FUNCTION', fields: [ref(inner), smi(2), ref(heap.emptyArray)] });
    expect(tryReadBoundFunction(heap.view, outer)).toEqual({ target, depth: 2, boundThis: smi(2), boundArguments: heap.emptyArray, isCut: false });
    expect(tryReadBoundFunction(heap.view, target)).toBeUndefined();
  });

  it('are followed only so far', () => {
    const heap = new FakeHeap();
    const ring = heap.object([], { type: 'JS_BOUND_FUNCTION', fields: [smi(0), smi(0), smi(0)] });
    heap.setWord(ring + 24, ref(ring));
    expect(tryReadBoundFunction(heap.view, ring)).toMatchObject({ target: ring, isCut: true });
  });
});

it('says nothing of functions whose definition is absent or none', () => {
  const heap = new FakeHeap();
  const shared = heap.shared(ref(heap.string('lost')));
  const made = heap.function(shared);
  heap.lose(shared, 16);
  expect(tryReadFunction(heap.view, made)).toBeUndefined();
  expect(functionName(heap.view, made)).toBeUndefined();
  expect(functionName(heap.view, heap.object())).toBeUndefined();
  const scope = heap.scopeInfo({ name: ref(heap.string('x')) });
  heap.setWord(scope + 24, smi(2 ** 29));
  expect(functionName(heap.view, heap.function(heap.shared(ref(scope))))).toBe('');
});
