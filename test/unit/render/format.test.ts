import { describe, expect, test } from 'vitest';
import { formatBytes, formatCount, formatDuration, formatNumber, formatRatio, formatShare, sentenceText } from '../../../src/render/format.ts';

test.each([
  [0, '0'],
  [999, '999'],
  [1_000, '1,000'],
  [412_003, '412,003'],
  [1_234_567_890, '1,234,567,890'],
])('count %d', (value, text) => {
  expect(formatCount(value)).toBe(text);
});

test.each([
  [0, '0 B'],
  [1_023, '1023 B'],
  [1_024, '1.0 KiB'],
  [1_048_575, '1.0 MiB'],
  [12_900_000, '12.3 MiB'],
  [2 ** 30, '1.0 GiB'],
  [2 ** 50, '1024.0 TiB'],
])('%d bytes', (value, text) => {
  expect(formatBytes(value)).toBe(text);
});

test.each([
  [0, '0 %'],
  [0.0001, '<0.1 %'],
  [0.052, '5.2 %'],
  [0.099, '9.9 %'],
  [0.78, '78 %'],
  [0.9999, '99.9 %'],
  [1, '100 %'],
])('share %d', (value, text) => {
  expect(formatShare(value)).toBe(text);
});

test('ratios never print more than was reached', () => {
  expect(formatRatio(12.98)).toBe('12.9 times');
  expect(formatRatio(412.7)).toBe('412 times');
});

test('durations and nouns', () => {
  expect([420, 3_100, 125_000].map(formatDuration)).toEqual(['420 ms', '3.1 s', '2 min 5 s']);
  expect([formatNumber(1, 'page'), formatNumber(1_200, 'page')]).toEqual(['1 page', '1,200 pages']);
});

describe('sentences', () => {
  test('print figures and make names harmless', () => {
    expect(
      sentenceText([
        { count: 1_000 },
        ' ',
        { name: '\x1b[31mRed' },
        ' @',
        { address: 0xabc1 },
        ', ',
        { bytes: 2_048 },
        ', ',
        { share: 0.5 },
        ', ',
        { ratio: 3 },
      ]),
    ).toBe('1,000 \\e[31mRed @0xabc1, 2.0 KiB, 50 %, 3.0 times');
  });
});
