/** The string table of a file that is being written: which row a string has, and the strings themselves, within bounds of memory. */
import { maxStringBytes, putString } from './json-writer.ts';

/** How much is kept in memory. */
export interface StringLimits {
  /** Strings whose rows are known, in each of two generations. */
  readonly maxKnown: number;
  /** UTF-16 units of those strings, in each generation. */
  readonly maxKnownUnits: number;
  /** Bytes of strings that are kept until they are written; those beyond are worked out a second time. */
  readonly maxHeldBytes: number;
}

export const STRING_LIMITS: StringLimits = { maxKnown: 2 ** 20, maxKnownUnits: 2 ** 26, maxHeldBytes: 2 ** 28 };

/** V8's own limit for the names in a snapshot (flag heap_snapshot_string_limit). */
export const MAX_NAME_LENGTH = 1024;

/** What V8 has in row 0. */
const DUMMY = '<dummy>';
const CHUNK_BYTES = 2 ** 20;
const COMMA = 0x2c;

/** `text` as far as V8 would write it. */
export function cutName(text: string): string {
  return text.length > MAX_NAME_LENGTH ? text.slice(0, MAX_NAME_LENGTH) : text;
}

/**
 * Gives strings their rows in the order in which they come. A string that comes again after very many others may get a second row, which readers do not mind.
 * The same strings in the same order always get the same rows.
 */
export class StringRows {
  readonly #limits: StringLimits;
  readonly #onNew: (row: number, text: string) => void;
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  #youngUnits = 0;
  #length = 0;

  /** @param onNew told each row once, in order */
  constructor(limits: StringLimits, onNew: (row: number, text: string) => void) {
    this.#limits = limits;
    this.#onNew = onNew;
    this.rowOf(DUMMY);
  }

  /** Rows so far. */
  get length(): number {
    return this.#length;
  }

  rowOf(text: string): number {
    const known = this.#young.get(text);
    if (known !== undefined) return known;
    let row = this.#old.get(text);
    if (row === undefined) {
      row = this.#length++;
      this.#onNew(row, text);
    }
    this.#young.set(text, row);
    this.#youngUnits += text.length;
    if (this.#young.size >= this.#limits.maxKnown || this.#youngUnits >= this.#limits.maxKnownUnits) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngUnits = 0;
    }
    return row;
  }
}

/** Strings as they will stand in the file, with a comma before each but the first; the first ones up to a number of bytes. */
export class HeldStrings {
  readonly #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #chunk = new Uint8Array(CHUNK_BYTES);
  #at = 0;
  #total = 0;
  /** Rows that are held: from here on they are not. */
  length = 0;
  isFull = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(row: number, text: string): void {
    if (this.isFull) return;
    const room = maxStringBytes(text.length) + 1;
    if (this.#total + room > this.#maxBytes) {
      this.isFull = true;
      return;
    }
    if (this.#at + room > this.#chunk.length) {
      this.#close();
      this.#chunk = new Uint8Array(Math.max(CHUNK_BYTES, room));
    }
    const from = this.#at;
    if (row > 0) this.#chunk[this.#at++] = COMMA;
    this.#at = putString(this.#chunk, this.#at, text);
    this.#total += this.#at - from;
    this.length++;
  }

  #close(): void {
    this.#chunks.push(this.#chunk.subarray(0, this.#at));
    this.#at = 0;
  }

  /** The bytes of all that are held, in order. */
  finish(): readonly Uint8Array[] {
    this.#close();
    return this.#chunks;
  }
}
