import { describe, expect, test } from 'vitest';
import { asAddress, formatAddress, parseAddress } from '../../../src/bytes/address.ts';

describe('addresses', () => {
  test('are made of two halves, and of user space only', () => {
    expect(asAddress(0xffff_fffc, 0x7fff)).toBe(0x7fff_ffff_fffc);
    expect(asAddress(-4, 0x7fff)).toBe(0x7fff_ffff_fffc);
    expect(asAddress(0, 0xffff_ffff)).toBeUndefined();
    expect(asAddress(0, 0x1_0000)).toBeUndefined();
  });

  test('are printed and read as hexadecimal digits', () => {
    expect(formatAddress(0x7fff_ffff_fffc)).toBe('0x7ffffffffffc');
    expect(parseAddress('7FFFfffffffc')).toBe(0x7fff_ffff_fffc);
    expect(parseAddress('0x10')).toBe(16);
    for (const text of ['', '0x', '12z', '-1', '1'.repeat(13), ' 1']) expect(parseAddress(text)).toBeUndefined();
  });
});
