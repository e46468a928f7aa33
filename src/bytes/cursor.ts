/** Reads one little-endian field after the other, and never past the end. */
import { MalformedInputError } from '../errors.ts';
import { asAddress, type Address } from './address.ts';
import { bufferSource, type ByteSource } from './byte-source.ts';

/** Where a cursor may read. */
export interface CursorRange {
  /** First offset; 0 when not given. */
  readonly start?: number;
  /** The offset just past the last byte; the source's size when not given or when larger. */
  readonly end?: number;
}

/**
 * A position in a source that moves with every read. Each read names its field, so that a short one can be told apart.
 *
 * @throws {MalformedInputError} from every read that would pass the end; it carries the source's name, the offset and the field
 */
export class Cursor {
  readonly source: ByteSource;
  readonly end: number;
  #offset: number;

  constructor(source: ByteSource | { readonly name: string; readonly bytes: Uint8Array }, range: CursorRange = {}) {
    this.source = 'bytes' in source ? bufferSource(source.name, source.bytes) : source;
    this.#offset = range.start ?? 0;
    this.end = Math.min(range.end ?? this.source.size, this.source.size);
  }

  /** The offset of the next read. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes left before the end. */
  get remaining(): number {
    return Math.max(0, this.end - this.#offset);
  }

  u8(field: string): number {
    return this.source.readU8(this.#take(1, field));
  }

  u16(field: string): number {
    return this.source.readU16(this.#take(2, field));
  }

  u32(field: string): number {
    return this.source.readU32(this.#take(4, field));
  }

  i32(field: string): number {
    return this.source.readI32(this.#take(4, field));
  }

  /** A 64-bit count or file offset. One over 2^53 - 1 reads as 2^53 - 1: still larger than any file, and exact in comparisons. */
  u64(field: string): number {
    const at = this.#take(8, field);
    return Math.min(this.source.readU32(at) + this.source.readU32(at + 4) * 2 ** 32, Number.MAX_SAFE_INTEGER);
  }

  /** A 64-bit word as an address of the dead process; `undefined` when it is none. */
  address(field: string): Address | undefined {
    const at = this.#take(8, field);
    return asAddress(this.source.readU32(at), this.source.readU32(at + 4));
  }

  bytes(length: number, field: string): Uint8Array {
    return this.source.readBytes(this.#take(length, field), length);
  }

  /** Passes over `length` bytes, which must be there. */
  skip(length: number, field: string): void {
    this.#take(length, field);
  }

  /** The text of a field of `length` bytes up to its first NUL, as UTF-8. */
  text(length: number, field: string): string {
    const bytes = this.bytes(length, field);
    const nul = bytes.indexOf(0);
    return new TextDecoder().decode(nul < 0 ? bytes : bytes.subarray(0, nul));
  }

  #take(length: number, field: string): number {
    const at = this.#offset;
    if (!(length >= 0 && at >= 0 && at + length <= this.end)) {
      throw new MalformedInputError(this.source.name, at, field, `${length} bytes are needed and ${this.remaining} are left`);
    }
    this.#offset = at + length;
    return at;
  }
}
