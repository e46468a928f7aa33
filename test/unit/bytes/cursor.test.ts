import { describe, expect, test } from 'vitest';
import { Cursor } from '../../../src/bytes/cursor.ts';
import { MalformedInputError } from '../../../src/errors.ts';

describe('a cursor', () => {
  const bytes = Uint8Array.from([1, 2, 0, 3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x68, 0x69, 0, 0x78]);

  test('reads field after field', () => {
    const cursor = new Cursor({ name: 'it', bytes });
    expect([cursor.u8('a'), cursor.u16('b'), cursor.u32('c')]).toEqual([1, 2, 3]);
    expect(cursor.u64('d')).toBe(Number.MAX_SAFE_INTEGER);
    expect(cursor.text(4, 'e')).toBe('hi');
    expect(cursor.remaining).toBe(0);
  });

  test('tells a word that is no address', () => {
    expect(new Cursor({ name: 'it', bytes }, { start: 7 }).address('d')).toBeUndefined();
    expect(new Cursor({ name: 'it', bytes: new Uint8Array(8).fill(1, 0, 5) }).address('d')).toBe(0x101_0101_0101 % 2 ** 40);
  });

  test('names file, offset and field of a short read, and does not move', () => {
    const cursor = new Cursor({ name: 'it', bytes }, { start: 2, end: 5 });
    expect(() => cursor.u32('e_flags')).toThrow(new MalformedInputError('it', 2, 'e_flags', '4 bytes are needed and 3 are left'));
    expect(cursor.u16('x')).toBe(0x300);
    expect(() => cursor.skip(-1, 'x')).toThrow(MalformedInputError);
    expect(() => cursor.skip(Number.NaN, 'x')).toThrow(MalformedInputError);
  });
});
