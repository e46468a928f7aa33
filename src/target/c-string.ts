/** Text that ends with a NUL in the memory of the dead process. */
import type { Address } from '../bytes/address.ts';
import type { AddressSpace } from './address-space.ts';

const CHUNK_BYTES = 256;

/** The UTF-8 text at `address` up to its NUL; `undefined` when an absent byte or `maxBytes` comes before the NUL. */
export function findCString(memory: AddressSpace, address: Address, maxBytes: number): string | undefined {
  const parts: Uint8Array[] = [];
  let total = 0;
  while (total < maxBytes) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES << Math.min(parts.length, 8), maxBytes - total));
    const count = memory.readInto(chunk, address + total);
    const nul = chunk.subarray(0, count).indexOf(0);
    if (nul >= 0) return Buffer.concat([...parts, chunk.subarray(0, nul)]).toString('utf8');
    if (count < chunk.length) return undefined;
    parts.push(chunk);
    total += count;
  }
  return undefined;
}
