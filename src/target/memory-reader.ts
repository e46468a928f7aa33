import type { Address } from '../bytes/address.ts';

/**
 * Reads the memory of the dead process by address, little-endian. Every `read` throws FaultError at the first byte that is not there; nothing is invented.
 * A reader is fast enough for the few thousand values on a screen; loops over whole heaps use the columns of v8 instead.
 */
export interface MemoryReader {
  readU8(address: Address): number;
  readU16(address: Address): number;
  readU32(address: Address): number;
  readI32(address: Address): number;
  readF64(address: Address): number;
  /** The word at `address` as an address, or `undefined` when the word is no user-space address (a Smi, for one). Throws FaultError like the others. */
  readPointer(address: Address): Address | undefined;
  /** Copies `length` bytes, across adjacent mappings. */
  readBytes(address: Address, length: number): Uint8Array;
  /** Says whether all `length` bytes can be read. */
  isReadable(address: Address, length: number): boolean;
}
