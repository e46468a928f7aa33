/** The only place where a number becomes text: counts, bytes, shares, ratios, addresses, durations, and sentences made of them. */
import { formatAddress } from '../bytes/address.ts';
import type { Cell, ColumnKind, Sentence } from '../result.ts';
import { visible } from './escape.ts';

export { formatAddress };

/** `412,003`. */
export function formatCount(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 page`, `412 pages`. */
export function formatNumber(value: number, noun: string): string {
  return `${formatCount(value)} ${noun}${value === 1 ? '' : 's'}`;
}

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `512 B`, `12.3 MiB`: one digit behind the point from KiB on. */
export function formatBytes(value: number): string {
  if (value < 1024) return `${Math.round(value)} B`;
  let scaled = value;
  let unit: string = 'B';
  for (const larger of UNITS) {
    // 1023.95 would print as 1024.0 of the smaller unit.
    if (scaled < 1023.95) break;
    scaled /= 1024;
    unit = larger;
  }
  return `${scaled.toFixed(1)} ${unit}`;
}

/** `78 %`, `5.2 %`, `<0.1 %`; never `100 %` for less than all and never `0 %` for more than nothing. */
export function formatShare(value: number): string {
  if (value <= 0) return '0 %';
  if (value >= 1) return `${formatCount(value * 100)} %`;
  if (value < 0.001) return '<0.1 %';
  if (value < 0.0995) return `${(value * 100).toFixed(1)} %`;
  return value < 0.985 ? `${(value * 100).toFixed(0)} %` : `${(Math.floor(value * 1_000) / 10).toFixed(1)} %`;
}

/** `12.9 times`, `412 times`. Rounded down, so that what is printed was passed. */
export function formatRatio(value: number): string {
  return value < 100 ? `${(Math.floor(value * 10) / 10).toFixed(1)} times` : `${formatCount(Math.floor(value))} times`;
}

/** `3.1 s`, `420 ms`, `2 min 5 s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1_000;
  return seconds < 120 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** A sentence as text: figures printed, strings of the dead process made harmless. */
export function sentenceText(sentence: Sentence): string {
  return sentence
    .map((part) => {
      if (typeof part === 'string') return part;
      if ('name' in part) return visible(part.name);
      if ('count' in part) return formatCount(part.count);
      if ('bytes' in part) return formatBytes(part.bytes);
      if ('share' in part) return formatShare(part.share);
      if ('ratio' in part) return formatRatio(part.ratio);
      return formatAddress(part.address);
    })
    .join('');
}

/** One cell of a table; an absent fact prints as `-`. */
export function formatCell(value: Cell, kind: ColumnKind): string {
  if (value === undefined) return '-';
  if (typeof value === 'string') return visible(value);
  switch (kind) {
    case 'address':
      return formatAddress(value);
    case 'bytes':
      return formatBytes(value);
    case 'percent':
      return formatShare(value);
    case 'count':
    case 'shape':
    case 'source-location':
    case 'text':
      return formatCount(value);
  }
}
