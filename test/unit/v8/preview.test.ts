import { describe, expect, it } from 'vitest';
import { className, previewValue, previewWord } from '../../../src/v8/preview.ts';
import { FakeHeap, ref, smi } from '../../support/fake-v8-heap.ts';

describe('one line about a value', () => {
  const heap = new FakeHeap();
  const line = (address: number, options = {}): string => previewValue(heap.view, address, options);

  it('of an object: names, short values, and how much there is inside', () => {
    const detail = heap.object([
      [heap.string('a'), smi(1)],
      [heap.string('b'), smi(2)],
    ]);
    const object = heap.object([
      [heap.string('user'), ref(heap.string('a secret name!'))],
      [heap.string('at'), ref(heap.number(1712345678901.5))],
      [heap.string('detail'), ref(detail)],
      [heap.string('ok'), ref(heap.oddballs.true)],
    ]);
    expect(line(object)).toBe('{ user: "\u202614 chars", at: 1.71e12, detail: {\u20262}, ok: true }');
    expect(line(object, { strings: true })).toContain('user: "a secret name!"');
    expect(line(object + 1)).toBe(line(object));
  });

  it('of a class, an array, a collection, a function', () => {
    const session = heap.object([[heap.string('id'), smi(7)]], { maker: ref(heap.function('Session')) });
    expect(line(session)).toBe('Session { id: 7 }');
    expect(line(heap.object([], { type: 'JS_ARRAY', fields: [smi(100000)] }))).toBe('[\u2026100000]');
    const elements = heap.array([smi(1), ref(heap.oddballs.hole), ref(session)]);
    expect(line(heap.object([], { type: 'JS_ARRAY', fields: [smi(3)], elements }))).toBe('[1, 2: Session]');
    const table = heap.array([smi(1), smi(0), smi(1), smi(0), ref(heap.string('key:1')), ref(session), smi(-1)], 'ORDERED_HASH_MAP');
    expect(line(heap.object([], { type: 'JS_MAP', fields: [ref(table)] }))).toBe('Map(1) {"\u20265 chars" => Session}');
    const script = heap.script(heap.string('/srv/app/server.js'), heap.string('\n    function onData() {}'));
    const shared = heap.shared(ref(heap.scopeInfo({ name: ref(heap.string('onData')), start: 20 })), script, { token: 15 });
    expect(line(heap.function(shared))).toBe('function onData (server.js:2:5)');
    expect(line(heap.function(''))).toBe('function (anonymous) (native)');
  });

  it('of words that are no objects', () => {
    expect(previewWord(heap.view, smi(-5))).toBe('-5');
    expect(previewWord(heap.view, { lo: 3, hi: 0 })).toBe('<cleared>');
    expect(line(heap.string('abc'))).toBe('"\u20263 chars"');
    expect(line(heap.bigInt([12]))).toBe('12n');
    expect(line(heap.emptyArray)).toBe('<FixedArray>');
    expect(line(heap.number(-0))).toBe('-0');
  });
});

describe('limits', () => {
  it('keeps to the length it was given', () => {
    const heap = new FakeHeap('11.3', 4);
    const names = Array.from({ length: 200 }, (_, i) => [heap.string(`property${i}${'x'.repeat(500)}`), ref(heap.string('y'.repeat(5000)))] as const);
    const object = heap.object(names, { maker: ref(heap.function('C'.repeat(5000))) });
    for (const maxLength of [0, 20, 60, 120, 1000]) {
      for (const strings of [true, false]) expect(previewValue(heap.view, object, { strings, maxLength }).length).toBeLessThanOrEqual(Math.max(16, maxLength));
    }
    const text = heap.string('z'.repeat(1000));
    expect(previewValue(heap.view, text, { strings: true, maxLength: 50 }).length).toBeLessThanOrEqual(50);
  });

  it('says how many are left out', () => {
    const heap = new FakeHeap();
    const object = heap.object(Array.from({ length: 100 }, (_, i) => [heap.string(`p${i}`), smi(i)] as const));
    expect(previewValue(heap.view, object, { maxLength: 60 })).toMatch(/^\{ p0: 0, .*\u2026\d+ more \}$/);
  });
});

describe('damage', () => {
  it('never throws, whatever the address', () => {
    const heap = new FakeHeap();
    expect(previewValue(heap.view, 0x1000)).toBe('<unreadable 0x1000>');
    for (const address of [-1, 2.5, Number.NaN, 2 ** 60, 4]) expect(previewValue(heap.view, address)).toBe('<unreadable>');
    expect(className(heap.view, 0x1000)).toBe('<unreadable 0x1000>');
    expect(className(heap.view, heap.string('s'))).toBe('string');
    expect(className(heap.view, heap.emptyArray)).toBe('<FixedArray>');
  });

  it('never throws, whichever word of an object is overwritten or lost', () => {
    const kinds: ((heap: FakeHeap) => number)[] = [
      (heap) =>
        heap.object(
          [
            [heap.string('a'), smi(1)],
            [heap.string('b'), ref(heap.string('text'))],
          ],
          { inObject: 1, elements: heap.array([smi(1)]) },
        ),
      (heap) => heap.object([[heap.string('a'), smi(1)]], { dictionary: true }),
      (heap) => heap.object([], { type: 'JS_MAP', fields: [ref(heap.array([smi(1), smi(0), smi(1), smi(0), smi(1), smi(2), smi(-1)], 'ORDERED_HASH_MAP'))] }),
      (heap) => heap.cons(heap.string('left'), heap.string('right'), 9),
      (heap) =>
        heap.function(heap.shared(ref(heap.scopeInfo({ name: ref(heap.string('f')), start: 1 })), heap.script(heap.string('f.js'), heap.string('(f)')))),
      (heap) => heap.object([], { type: 'JS_TYPED_ARRAY', elementsKind: 18, fields: Array.from({ length: 8 }, () => smi(0)) }),
    ];
    const lies = [smi(-1), smi(2 ** 30), { lo: 0xffffffff, hi: 0xffffffff }, { lo: 1, hi: 0 }, { lo: 9, hi: 0x2000 }];
    for (const make of kinds) {
      const size = new FakeHeap();
      const first = size.allocate(0);
      make(size);
      const words = (size.allocate(0) - first) / 8;
      for (let i = 0; i < words; i++) {
        for (const lie of [...lies, undefined]) {
          const heap = new FakeHeap();
          const object = make(heap);
          if (lie === undefined) heap.lose(first + i * 8, 8);
          else heap.setWord(first + i * 8, lie);
          expect(typeof previewValue(heap.view, object, { strings: true })).toBe('string');
        }
      }
    }
  });
});
