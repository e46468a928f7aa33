import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clip, clipStart, displayWidth, pad, shellWord, visible, wrap } from '../../../src/render/escape.ts';

describe('visible', () => {
  test.each([
    ['plain text', 'plain text'],
    ['\x1b[2J\x1b]0;owned\x07', '\\e[2J\\e]0;owned\\x07'],
    ['a\nb\tc\r', 'a\\nb\\tc\\r'],
    ['\x9b31m', '\\x9b31m'],
    ['abc\u202egpj.exe', 'abc\\u{202e}gpj.exe'],
    ['zero\u200bwidth', 'zero\\u{200b}width'],
    ['\ud800', '\\u{d800}'],
    ['日本語 ñ 😀', '日本語 ñ 😀'],
  ])('%j', (text, expected) => {
    expect(visible(text)).toBe(expected);
  });
  test('piles of combining marks are cut', () => {
    expect(visible(`a${'\u0301'.repeat(500)}`).length).toBe(5);
  });
  test('nothing that moves the cursor survives', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(visible(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe('widths', () => {
  test.each([
    ['abc', 3],
    ['日本', 4],
    ['한글', 4],
    ['ｆｕｌｌ', 8],
    ['😀', 2],
    ['e\u0301', 1],
    ['', 0],
    ['…', 1],
  ])('%j is %i wide', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });
  test('cutting never goes over', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }).map(visible), fc.integer({ min: 1, max: 30 }), (text, width) => {
        expect(displayWidth(clip(text, width))).toBeLessThanOrEqual(width);
        expect(displayWidth(clipStart(text, width))).toBeLessThanOrEqual(width);
      }),
    );
  });
  test('cut text says so', () => {
    expect(clip('abcdef', 4)).toBe('abc…');
    expect(clipStart('/a/b/c.js', 5)).toBe('…c.js');
    expect(clip('日本語', 4)).toBe('日…');
    expect(pad('日本', 6, 'left')).toBe('  日本');
  });
});

describe('wrap', () => {
  test('breaks at spaces, and long words where it must', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('abcdefghij kl', 4)).toEqual(['abcd', 'efgh', 'ij', 'kl']);
    expect(wrap('', 10)).toEqual(['']);
  });
  test('loses nothing but spaces and is never too wide', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }).map(visible), fc.integer({ min: 2, max: 40 }), (text, width) => {
        const lines = wrap(text, width);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
      }),
    );
  });
});

test.each([
  ['core.1234', 'core.1234'],
  ['my core', "'my core'"],
  ["it's; rm -rf /", String.raw`'it'\''s; rm -rf /'`],
  ['-rf', "'-rf'"],
  ['a\nb', String.raw`$'a\x0ab'`],
])('a shell reads %j back as it was', (word, quoted) => {
  expect(shellWord(word)).toBe(quoted);
});
