import { expect, it } from 'vitest';
import { anyTarget, classifyWord, objectStart, smiValue, strongTarget, wordOfAddress } from '../../../src/v8/tagged.ts';

it('reads Smis from the upper half, negative ones too', () => {
  expect(classifyWord(0, 42)).toEqual({ kind: 'smi', value: 42 });
  expect(classifyWord(0, 0x80000000)).toEqual({ kind: 'smi', value: -2147483648 });
  expect(smiValue({ lo: 0, hi: -1 })).toBe(-1);
  expect(smiValue({ lo: 1, hi: 5 })).toBeUndefined();
});

it('tells strong, weak and cleared references apart', () => {
  expect(classifyWord(0x1001, 0x7f00)).toEqual({ kind: 'strong', address: 0x7f00_0000_1000 });
  expect(classifyWord(0x1003, 0x7f00)).toEqual({ kind: 'weak', address: 0x7f00_0000_1000 });
  expect(classifyWord(3, 0)).toEqual({ kind: 'cleared' });
  expect(classifyWord(3, 0x7f00)).toEqual({ kind: 'cleared' });
});

it('takes words that no reference can be for raw', () => {
  expect(classifyWord(0x1001, 0x123456)).toEqual({ kind: 'raw' });
  expect(classifyWord(0x1003, 0xfff70000)).toEqual({ kind: 'raw' });
  expect(classifyWord(8, 0)).toEqual({ kind: 'raw' });
  expect(strongTarget(0x1005, 0x7f00)).toBeUndefined();
  expect(anyTarget(3, 0)).toBeUndefined();
});

it('takes addresses with and without the tag', () => {
  expect(objectStart(0x7fff_ffff_fff9)).toBe(0x7fff_ffff_fff8);
  expect(objectStart(0x7fff_ffff_fff8)).toBe(0x7fff_ffff_fff8);
  const word = wordOfAddress(0x2000_8000_0010);
  expect(strongTarget(word.lo, word.hi)).toBe(0x2000_8000_0010);
  expect(anyTarget(word.lo + 2, word.hi)).toBe(0x2000_8000_0010);
});
