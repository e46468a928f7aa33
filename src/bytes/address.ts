/** Addresses of the dead process as JS numbers. A number holds every canonical user-space address exactly (47 bits); nothing else is let through. */

/** A virtual address of the dead process: a whole number in [0, 2^48). */
export type Address = number;

const ADDRESS_END = 2 ** 48;

/** An address range [start, end). */
export interface AddressRange {
  readonly start: Address;
  readonly end: Address;
}

/** Makes an address of the low and high 32 bits of a word, or `undefined` when the word cannot be a user-space address. */
export function asAddress(lo: number, hi: number): Address | undefined {
  const high = hi >>> 0;
  return high < 0x10000 ? high * 0x1_0000_0000 + (lo >>> 0) : undefined;
}

/** Prints an address: `0x` and lower-case hexadecimal digits, unpadded. */
export function formatAddress(address: Address): string {
  return `0x${address.toString(16)}`;
}

/** Reads an address in hexadecimal digits, with or without `0x`; `undefined` for anything else. */
export function parseAddress(text: string): Address | undefined {
  const digits = /^(?:0x)?([0-9a-f]{1,12})$/i.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const address = Number.parseInt(digits, 16);
  return address < ADDRESS_END ? address : undefined;
}
