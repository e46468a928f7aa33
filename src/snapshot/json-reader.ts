/** Reads JSON in pieces of a file: number arrays and string arrays without making a value of each element, everything else as one small value or not at all. */
import type { ByteSource } from '../bytes/byte-source.ts';
import { LimitError, MalformedInputError } from '../errors.ts';

const PIECE_BYTES = 2 * 2 ** 20;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const MINUS = 0x2d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const COLON = 0x3a;
const ZERO = 0x30;

/** A number of so many digits is exact. */
const MAX_DIGITS = 15;
/** A number of so many digits fits into 32 bits. */
const MAX_SMALL_DIGITS = 9;
const MAX_KEY_BYTES = 1024;

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Takes the raw bytes of strings, escapes as they are in the file; a string may come in several pieces. */
export interface StringSink {
  write(bytes: Uint8Array): void;
  /** The string is whole. */
  end(): void;
}

/**
 * A place in a JSON file that moves forward. Nothing is held but one piece of the file.
 * Everything throws MalformedInputError, with the file's name, the offset and the field, where the file ends or says something else than asked for.
 */
export class JsonReader {
  readonly #source: ByteSource;
  readonly #onPiece: (share: number) => void;
  /** A piece of the file and one byte more, which is always 0. */
  readonly #bytes: Uint8Array;
  readonly #piece: Uint8Array;
  /** File offset of the piece. */
  #start = 0;
  #at = 0;
  #end = 0;
  #isArrayOver = false;
  /** File offset of the first number of the block at hand of `readNumbers`. */
  blockStart = 0;

  /** @param onPiece told the share of the file that has been read, before each piece; may throw to stop */
  constructor(source: ByteSource, onPiece: (share: number) => void = () => undefined) {
    this.#source = source;
    this.#onPiece = onPiece;
    this.#bytes = new Uint8Array(Math.min(PIECE_BYTES, Math.max(1, source.size)) + 1);
    this.#piece = this.#bytes.subarray(0, -1);
  }

  /** File offset of the next byte. */
  get offset(): number {
    return this.#start + this.#at;
  }

  /** The error for what is at hand; `back` bytes before the next one. */
  malformed(field: string, detail: string, back = 0): MalformedInputError {
    return new MalformedInputError(this.#source.name, this.offset - back, field, detail);
  }

  /** Reads the next piece; false at the end of the file. */
  #fill(): boolean {
    this.#start += this.#end;
    this.#onPiece(this.#start / Math.max(1, this.#source.size));
    this.#at = 0;
    this.#end = this.#source.readInto(this.#piece, this.#start);
    this.#bytes[this.#end] = 0;
    return this.#end > 0;
  }

  #next(field: string): number {
    if (this.#at === this.#end && !this.#fill()) throw this.malformed(field, 'the file ends here');
    return this.#bytes[this.#at++]!;
  }

  /** The next byte that is no white space; it stays where it is. */
  peek(field: string): number {
    const bytes = this.#bytes;
    for (;;) {
      let at = this.#at;
      // The byte behind a piece is no space.
      while (isSpace(bytes[at]!)) at++;
      this.#at = at;
      if (at < this.#end) return bytes[at]!;
      if (!this.#fill()) throw this.malformed(field, 'the file ends here');
    }
  }

  #take(byte: number, field: string): void {
    if (this.peek(field) !== byte) throw this.malformed(field, `'${String.fromCharCode(byte)}' is expected`);
    this.#at++;
  }

  /** Goes through the members of an object; `onMember` must read or skip the value of its key. */
  readObject(field: string, onMember: (key: string) => void): void {
    this.#take(OPEN_OBJECT, field);
    if (this.peek(field) === CLOSE_OBJECT) {
      this.#at++;
      return;
    }
    for (;;) {
      const key = this.readSmall(field, MAX_KEY_BYTES);
      if (typeof key !== 'string') throw this.malformed(field, 'a key is expected');
      this.#take(COLON, field);
      onMember(key);
      const byte = this.peek(field);
      this.#at++;
      if (byte === CLOSE_OBJECT) return;
      if (byte !== COMMA) throw this.malformed(field, "',' or '}' is expected", 1);
    }
  }

  /**
   * Reads one small value of any kind.
   * @throws {LimitError} when it has more than `maxBytes` bytes
   */
  readSmall(field: string, maxBytes: number): unknown {
    const start = this.offset;
    const bytes: number[] = [];
    this.#passValue(field, (byte) => {
      if (bytes.length === maxBytes) throw new LimitError(`${this.#source.name}: bytes of ${field}`, bytes.length + 1, maxBytes);
      bytes.push(byte);
    });
    try {
      return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown;
    } catch {
      throw new MalformedInputError(this.#source.name, start, field, 'is not JSON');
    }
  }

  /** Passes over one value of any kind and any size; brackets are counted, not matched. */
  skip(field: string): void {
    this.#passValue(field, () => undefined);
  }

  #passValue(field: string, onByte: (byte: number) => void): void {
    let depth = 0;
    let isInside = false;
    this.peek(field);
    for (;;) {
      const byte = this.#next(field);
      const closes = byte === CLOSE_ARRAY || byte === CLOSE_OBJECT;
      if (depth === 0 && (closes || byte === COMMA || byte === COLON || isSpace(byte))) {
        this.#at--;
        if (!isInside) throw this.malformed(field, 'a value is expected');
        return;
      }
      isInside = true;
      onByte(byte);
      if (byte === QUOTE) {
        for (let inner = this.#next(field); ; inner = this.#next(field)) {
          onByte(inner);
          if (inner === BACKSLASH) onByte(this.#next(field));
          else if (inner === QUOTE) break;
        }
      } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) depth++;
      else if (closes) depth--;
      if (depth === 0 && (closes || byte === QUOTE)) return;
    }
  }

  /**
   * Reads an array of whole numbers in blocks: `block` is filled anew for each call of `onBlock` and must be read at once. All blocks but the last are full.
   * Returns how many numbers there were.
   */
  readNumbers(field: string, block: Float64Array, onBlock: (count: number) => void): number {
    this.#take(OPEN_ARRAY, field);
    if (this.peek(field) === CLOSE_ARRAY) {
      this.#at++;
      return 0;
    }
    let total = 0;
    for (let isLast = false; !isLast;) {
      this.blockStart = this.offset;
      const filled = this.#fillBlock(field, block);
      isLast = this.#isArrayOver;
      total += filled;
      onBlock(filled);
    }
    return total;
  }

  /** File offset of the number that is `index` numbers behind the one at `from`, found by reading the file again: for errors. */
  offsetOfNumber(from: number, index: number): number {
    const piece = new Uint8Array(PIECE_BYTES);
    let left = index;
    for (let start = from; ; start += piece.length) {
      const length = this.#source.readInto(piece, start);
      for (let at = 0; at < length; at++) {
        if (left === 0 && !isSpace(piece[at]!)) return start + at;
        if (piece[at] === COMMA) left--;
      }
      if (length < piece.length) return start + length;
    }
  }

  /** Fills a block as far as the array goes; says in `#isArrayOver` whether that was its end. */
  #fillBlock(field: string, block: Float64Array): number {
    const bytes = this.#bytes;
    this.#isArrayOver = false;
    let at = this.#at;
    let filled = 0;
    // Behind the bytes of a piece stands one that is no digit, so that no number has to be watched for the end of it.
    while (filled < block.length) {
      const start = at;
      let value = 0;
      for (let digit = bytes[at]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[++at]! - ZERO) value = (value * 10 + digit) | 0;
      const digits = at - start;
      const isPlain = digits > 0 && digits <= MAX_SMALL_DIGITS;
      if (isPlain && bytes[at] === COMMA) {
        block[filled++] = value;
        at++;
      } else if (isPlain && bytes[at] === CLOSE_ARRAY) {
        block[filled++] = value;
        this.#at = at + 1;
        this.#isArrayOver = true;
        return filled;
      } else {
        this.#at = start;
        const isLast = this.#readNumber(field, block, filled++);
        at = this.#at;
        if (isLast) return filled;
      }
    }
    this.#at = at;
    return filled;
  }

  /** Reads a number of an array and what stands behind it, whatever white space is around and wherever the piece ends; answers whether the array ends there. */
  #readNumber(field: string, block: Float64Array, place: number): boolean {
    let value = 0;
    let digits = 0;
    let isNegative = false;
    let isWhole = false;
    for (;;) {
      const byte = this.#next(field);
      const digit = byte - ZERO;
      if (digit >= 0 && digit <= 9 && !isWhole && digits < MAX_DIGITS) {
        value = value * 10 + digit;
        digits++;
      } else if ((byte === COMMA || byte === CLOSE_ARRAY) && digits > 0) {
        block[place] = isNegative ? -value : value;
        this.#isArrayOver = byte === CLOSE_ARRAY;
        return this.#isArrayOver;
      } else if (isSpace(byte)) {
        isWhole = digits > 0 || isNegative;
      } else if (byte === MINUS && digits === 0 && !isNegative && !isWhole) {
        isNegative = true;
      } else {
        throw this.malformed(field, `a whole number of at most ${MAX_DIGITS} digits is expected`, 1);
      }
    }
  }

  /** Reads an array of strings. */
  readStrings(field: string, sink: StringSink): void {
    this.#take(OPEN_ARRAY, field);
    if (this.peek(field) === CLOSE_ARRAY) {
      this.#at++;
      return;
    }
    for (;;) {
      this.#take(QUOTE, field);
      this.#readRest(field, sink);
      const byte = this.peek(field);
      this.#at++;
      if (byte === CLOSE_ARRAY) return;
      if (byte !== COMMA) throw this.malformed(field, "',' or ']' is expected", 1);
    }
  }

  /** Hands on the bytes of a string up to its closing quote. */
  #readRest(field: string, sink: StringSink): void {
    const bytes = this.#bytes;
    let isEscaped = false;
    for (;;) {
      if (this.#at === this.#end && !this.#fill()) throw this.malformed(field, 'the file ends here');
      const from = this.#at;
      let at = from;
      for (; at < this.#end; at++) {
        const byte = bytes[at]!;
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) break;
      }
      this.#at = at;
      if (at > from) sink.write(bytes.subarray(from, at));
      if (at === this.#end) continue;
      this.#at++;
      sink.end();
      return;
    }
  }
}
