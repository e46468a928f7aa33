import { describe, expect, it } from 'vitest';
import { FaultError } from '../../../src/errors.ts';
import { readString, stringLength, tryReadString } from '../../../src/v8/strings.ts';
import { FakeHeap, ref } from '../../support/fake-v8-heap.ts';

describe('every kind of string', () => {
  const heap = new FakeHeap();
  const read = (address: number): string => readString(heap.view, address);

  it('sequential, one-byte and two-byte', () => {
    expect(read(heap.string('na\u00efve'))).toBe('na\u00efve');
    expect(read(heap.string('\u65e5\u672c \u{1f40e} \ud83d', 'SEQ_TWO_BYTE_STRING'))).toBe('\u65e5\u672c \u{1f40e} \ud83d');
    expect(read(heap.string(''))).toBe('');
  });

  it('cons of unlike parts', () => {
    const cons = heap.cons(heap.string('one, '), heap.string('\u65e5', 'SEQ_TWO_BYTE_STRING'), 6);
    expect(read(cons)).toBe('one, \u65e5');
  });

  it('sliced and thin', () => {
    const parent = heap.string('the parent string');
    expect(read(heap.sliced(parent, 4, 6))).toBe('parent');
    expect(read(heap.thin(parent, 17))).toBe('the parent string');
    expect(read(heap.sliced(heap.thin(parent, 17), 11, 6))).toBe('string');
  });

  it('external, with and without cached data', () => {
    expect(read(heap.external('outside of the heap'))).toBe('outside of the heap');
    expect(read(heap.external('uncached', false))).toBe('uncached');
  });
});

describe('limits', () => {
  it('reads no more than asked for', () => {
    const heap = new FakeHeap();
    const text = heap.string('abcdefgh');
    const cons = heap.cons(text, heap.string('ijklmnop'), 16);
    expect(readString(heap.view, cons, 10)).toBe('abcdefghij');
    expect(tryReadString(heap.view, cons, 3)).toEqual({ text: 'abc', length: 16, isTruncated: true, isDamaged: false });
  });

  it('reads strings appended 100,000 times, from either side', () => {
    const heap = new FakeHeap('11.3', 8);
    const letter = heap.string('x');
    let left = letter;
    let right = letter;
    for (let length = 2; length <= 100_000; length++) {
      left = heap.cons(left, letter, length);
      right = heap.cons(letter, right, length);
    }
    expect(readString(heap.view, left)).toBe('x'.repeat(100_000));
    expect(readString(heap.view, right)).toBe('x'.repeat(100_000));
    expect(readString(heap.view, left, 5)).toBe('xxxxx');
  });

  it('reads a string doubled 28 times only as far as asked', () => {
    const heap = new FakeHeap();
    let rope = heap.string('ab');
    for (let length = 4; length <= 2 ** 28; length *= 2) rope = heap.cons(rope, rope, length);
    expect(readString(heap.view, rope, 7)).toBe('abababa');
    expect(stringLength(heap.view, rope)).toBe(2 ** 28);
  });
});

describe('damage', () => {
  it('ends cycles of cons and thin strings', () => {
    const heap = new FakeHeap();
    const empty = heap.string('');
    const cons = heap.cons(empty, empty, 40);
    heap.setWord(cons + heap.layout.at.consFirst, ref(cons));
    const thin = heap.thin(cons, 40);
    heap.setWord(thin + heap.layout.at.thinActual, ref(thin));
    for (const address of [cons, thin]) {
      const text = tryReadString(heap.view, address)!;
      expect(text).toMatchObject({ length: 40, isDamaged: true });
      expect(text.text).toBe(`<unreadable 0x${address.toString(16)}>`);
    }
  });

  it('marks parts whose lengths contradict the whole', () => {
    const heap = new FakeHeap();
    const short = heap.string('short');
    for (const liar of [heap.cons(short, short, 500), heap.sliced(short, 3, 10), heap.sliced(short, -1, 3), heap.thin(short, 6)]) {
      expect(tryReadString(heap.view, liar)?.isDamaged).toBe(true);
    }
  });

  it('marks parts that are no strings, and goes on behind them', () => {
    const heap = new FakeHeap();
    const lost = heap.string('lost');
    const cons = heap.cons(lost, heap.string(' kept'), 9);
    heap.lose(lost + heap.layout.at.seqStringChars, 8);
    expect(tryReadString(heap.view, cons)).toEqual({ text: `<unreadable 0x${lost.toString(16)}> kept`, length: 9, isTruncated: false, isDamaged: true });
    expect(() => readString(heap.view, cons)).toThrow(FaultError);
  });

  it('has no length for what is no string or lies beyond what V8 allows', () => {
    const heap = new FakeHeap();
    const huge = heap.string('huge');
    heap.setU32(huge + heap.layout.at.stringLength, 2 ** 30);
    expect(stringLength(heap.view, huge)).toBeUndefined();
    expect(tryReadString(heap.view, huge)).toBeUndefined();
    expect(tryReadString(heap.view, heap.array([]))).toBeUndefined();
    expect(() => readString(heap.view, 0x1234)).toThrow(FaultError);
  });

  it('marks an uncached external string whose resource it cannot make out', () => {
    const heap = new FakeHeap();
    const text = heap.external('uncached', false);
    heap.setU32(text + heap.layout.at.stringLength, 9);
    expect(tryReadString(heap.view, text)?.isDamaged).toBe(true);
  });
});
