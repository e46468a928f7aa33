import { describe, expect, it } from 'vitest';
import { readContextChain } from '../../../src/v8/contexts.ts';
import { listModuleExports } from '../../../src/v8/modules.ts';
import { previewValue } from '../../../src/v8/preview.ts';
import { FakeHeap, ref, smi } from '../../support/fake-v8-heap.ts';

const HAS_EXTENSION = 1 << 26;

/** A module that exports `alpha` (1) and imports `other` (2), with `kept` (3) in its context. */
function makeModule(version: string) {
  const heap = new FakeHeap(version);
  const { at } = heap.layout;
  const cell = (value: number) => ref(heap.record('CELL', 2, { 8: smi(value) }));
  const alpha = cell(1);
  const exports = heap.array([smi(1), smi(0), smi(2), ref(heap.string('alpha')), alpha, ref(heap.oddballs.undefined), smi(0)], 'OBJECT_HASH_TABLE');
  const module = heap.record('SOURCE_TEXT_MODULE', 18, {
    8: ref(exports),
    [at.moduleRegularExports]: ref(heap.array([alpha])),
    [at.moduleRegularExports + 8]: ref(heap.array([cell(2)])),
  });
  const cells = [
    [heap.string('alpha'), 1],
    [heap.string('other'), -1],
    [heap.string('beyond'), 9],
  ] as const;
  const scope = heap.scopeInfo({ type: at.scopeTypeModule, flags: HAS_EXTENSION, locals: [heap.string('kept')], cells });
  const context = heap.context('MODULE', [ref(scope), smi(0), ref(module), smi(3)]);
  const fields = Array.from({ length: at.jsApiFirstField / 8 - 2 }, (_, i) => (i === at.jsApiFirstField / 8 - 3 ? ref(module) : smi(0)));
  return { heap, context, module, exports, namespace: heap.object([], { type: 'JS_MODULE_NAMESPACE', fields }) };
}

describe.each(['9.4', '11.3', '12.4', '13.6', '14.6'])('modules of V8 %s', (version) => {
  it('have variables in their context and in cells', () => {
    const { heap, context } = makeModule(version);
    expect(readContextChain(heap.view, context).frames[0]).toMatchObject({
      kind: 'module',
      scopeType: 'module',
      variables: [
        { name: 'kept', value: smi(3), slot: 3 },
        { name: 'alpha', value: smi(1), slot: undefined },
        { name: 'other', value: smi(2), slot: undefined },
      ],
    });
  });

  it('show what they export', () => {
    const { heap, namespace } = makeModule(version);
    expect(listModuleExports(heap.view, namespace, 10)).toEqual([{ name: 'alpha', value: smi(1) }]);
    expect(previewValue(heap.view, namespace)).toContain('{ alpha: 1 }');
  });
});

it('exports nothing where its table is absent, or there is no module', () => {
  const { heap, namespace, exports } = makeModule('11.3');
  heap.lose(exports, 8);
  expect(listModuleExports(heap.view, namespace, 10)).toEqual([]);
  expect(listModuleExports(heap.view, heap.object(), 10)).toEqual([]);
});
