import { describe, expect, it } from 'vitest';
import { contextFunctionName, contextKindAt, readContextChain } from '../../../src/v8/contexts.ts';
import { FakeHeap, ref, smi } from '../../support/fake-v8-heap.ts';

const HAS_EXTENSION = 1 << 26;

describe.each(['9.4', '11.3', '12.4', '13.6', '14.6'])('contexts of V8 %s', (version) => {
  it('name their variables, up to the native context', () => {
    const heap = new FakeHeap(version);
    const native = heap.context('NATIVE', [ref(heap.scopeInfo({ type: heap.layout.at.scopeTypeScript })), ref(heap.oddballs.undefined)]);
    const outer = heap.context('FUNCTION', [
      ref(heap.scopeInfo({ locals: [heap.string('count')], name: ref(heap.string('makeCounter')) })),
      ref(native),
      smi(41),
    ]);
    const inner = heap.context('BLOCK', [
      ref(
        heap.scopeInfo({ type: Math.max(heap.layout.at.scopeTypeModule, heap.layout.at.scopeTypeScript) + 2, locals: [heap.string('i'), heap.string('list')] }),
      ),
      ref(outer),
      smi(1),
      ref(heap.emptyArray),
    ]);
    const { frames, isCut } = readContextChain(heap.view, inner);
    expect(isCut).toBe(false);
    expect(frames.map(({ kind, scopeType }) => [kind, scopeType])).toEqual([
      ['block', 'block'],
      ['function', 'function'],
      ['native', 'script'],
    ]);
    expect(frames[0]!.variables).toMatchObject([
      { name: 'i', value: smi(1), slot: 2 },
      { name: 'list', value: ref(heap.emptyArray), slot: 3 },
    ]);
    expect(frames[1]!.variables).toMatchObject([{ name: 'count', value: smi(41) }]);
    expect(contextFunctionName(heap.view, frames[1]!)).toBe('makeCounter');
    expect(contextKindAt(heap.view, outer)).toBe('function');
  });

  it('name a hundred variables', () => {
    const heap = new FakeHeap(version);
    const names = Array.from({ length: 100 }, (_, i) => `v${i}`);
    const scope = heap.scopeInfo({ locals: names.map((name) => heap.string(name)) });
    const context = heap.context('FUNCTION', [ref(scope), smi(0), ...names.map((_, i) => smi(i * 10))]);
    const { variables, variableCount } = readContextChain(heap.view, context).frames[0]!;
    expect(variables.map(({ name, value }) => [name, value.hi])).toEqual(names.map((name, i) => [name, i * 10]));
    expect(variableCount).toBe(100);
    expect(readContextChain(heap.view, context, { maxVariables: 3 }).frames[0]).toMatchObject({
      variableCount: 100,
      variables: [{ name: 'v0' }, { name: 'v1' }, { name: 'v2' }],
    });
  });

  it('keep their variables behind the extension slot where there is one', () => {
    const heap = new FakeHeap(version);
    const scope = heap.scopeInfo({ flags: HAS_EXTENSION, locals: [heap.string('late')] });
    const frame = readContextChain(heap.view, heap.context('SCRIPT', [ref(scope), smi(0), smi(99), smi(5)])).frames[0]!;
    expect(frame).toMatchObject({ extension: smi(99), variables: [{ name: 'late', value: smi(5), slot: 3 }] });
  });
});

it('reads the cells that hold variables since 14.6', () => {
  const heap = new FakeHeap('14.6');
  const { at } = heap.layout;
  const cell = (state: number): number => {
    const address = heap.record('CONTEXT_CELL', 5, { [at.contextCellValue]: smi(7) });
    heap.setU32(address + at.contextCellState, state);
    return address;
  };
  const [plain, int32, float64] = [cell(4), cell(2), cell(3)];
  heap.setU32(int32 + at.contextCellNumber, -5);
  heap.setF64(float64 + at.contextCellNumber, 2.5);
  const scope = heap.scopeInfo({ locals: ['a', 'b', 'c'].map((name) => heap.string(name)) });
  const { variables } = readContextChain(heap.view, heap.context('SCRIPT', [ref(scope), smi(0), ref(plain), ref(int32), ref(float64)])).frames[0]!;
  expect(variables).toMatchObject([{ value: smi(7), number: undefined }, { value: smi(-5), number: undefined }, { number: 2.5 }]);
});

describe('damage', () => {
  it('cuts a chain that leads back to itself', () => {
    const heap = new FakeHeap();
    const context = heap.context('FUNCTION', [ref(heap.scopeInfo()), smi(0)]);
    heap.setWord(context + 24, ref(context));
    expect(readContextChain(heap.view, context)).toMatchObject({ isCut: true, frames: [{ address: context }] });
  });

  it('cuts a chain that is too long, or ends in nothing', () => {
    const heap = new FakeHeap();
    const scope = ref(heap.scopeInfo());
    let context = heap.context('FUNCTION', [scope, smi(0)]);
    for (let i = 0; i < 500; i++) context = heap.context('FUNCTION', [scope, ref(context)]);
    expect(readContextChain(heap.view, context, { maxFrames: 10 })).toMatchObject({ isCut: true });
    expect(readContextChain(heap.view, context, { maxFrames: 10 }).frames).toHaveLength(10);
    expect(readContextChain(heap.view, context, { maxFrames: 1000 })).toMatchObject({ isCut: true });
    expect(readContextChain(heap.view, heap.string('no context'))).toEqual({ frames: [], isCut: true });
  });

  it('takes no more variables than the context has slots, whatever the scope says', () => {
    const heap = new FakeHeap();
    const scope = heap.scopeInfo({ locals: [heap.string('a'), heap.string('b')] });
    expect(readContextChain(heap.view, heap.context('FUNCTION', [ref(scope), smi(0), smi(1)])).frames[0]!.variables).toHaveLength(1);
    heap.setWord(scope + 24, smi(2 ** 28));
    expect(readContextChain(heap.view, heap.context('FUNCTION', [ref(scope), smi(0), smi(1)])).frames[0]).toMatchObject({ scope: undefined, variables: [] });
  });

  it('leaves out the variables of a scope that is absent', () => {
    const heap = new FakeHeap();
    const scope = heap.scopeInfo({ locals: [heap.string('a')] });
    heap.lose(scope + 8, 8);
    expect(readContextChain(heap.view, heap.context('FUNCTION', [ref(scope), smi(0), smi(1)])).frames[0]).toMatchObject({ kind: 'function', variables: [] });
  });
});
