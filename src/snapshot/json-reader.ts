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
  readonly #bytes: Uint8Array;
  /** File offset of the piece. */
  #start = 0;
  #at = 0;
  #end = 0;

  /** @param onPiece told the share of the file that has been read, before each piece; may throw to stop */
  constructor(source: ByteSource, onPiece: (share: number) => void = () => undefined) {
    this.#source = source;
    this.#onPiece = onPiece;
    this.#bytes = new Uint8Array(Math.min(PIECE_BYTES, Math.max(1, source.size)));
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
    this.#end = this.#source.readInto(this.#bytes, this.#start);
    return this.#end > 0;
  }

  #next(field: string): number {
    if (this.#at === this.#end && !this.#fill()) throw this.malformed(field, 'the file ends here');
    return this.#bytes[this.#at++]!;
  }

  /** The next byte that is no white space; it stays where it is. */
  peek(field: string): number {
    for (;;) {
      const byte = this.#next(field);
      if (isSpace(byte)) continue;
      this.#at--;
      return byte;
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
   * Reads an array of whole numbers as records of `record.length` numbers: `record` is filled anew for each and must be read at once.
   * Returns how many records there were.
   */
  readRecords(field: string, record: Float64Array, onRecord: (index: number) => void): number {
    this.#take(OPEN_ARRAY, field);
    if (this.peek(field) === CLOSE_ARRAY) {
      this.#at++;
      return 0;
    }
    const bytes = this.#bytes;
    const width = record.length;
    let at = this.#at;
    let end = this.#end;
    let value = 0;
    let digits = 0;
    let isNegative = false;
    let isWhole = false;
    let filled = 0;
    let count = 0;
    for (;;) {
      if (at === end) {
        this.#at = at;
        if (!this.#fill()) throw this.malformed(field, 'the file ends here');
        at = 0;
        end = this.#end;
      }
      const byte = bytes[at++]!;
      const digit = byte - ZERO;
      if (digit >= 0 && digit <= 9 && !isWhole && digits < MAX_DIGITS) {
        value = value * 10 + digit;
        digits++;
      } else if ((byte === COMMA || byte === CLOSE_ARRAY) && digits > 0) {
        record[filled++] = isNegative ? -value : value;
        value = 0;
        digits = 0;
        isNegative = false;
        isWhole = false;
        if (filled === width) {
          filled = 0;
          this.#at = at;
          onRecord(count++);
        }
        if (byte === CLOSE_ARRAY) break;
      } else if (isSpace(byte)) {
        isWhole = digits > 0;
      } else if (byte === MINUS && digits === 0 && !isNegative) {
        isNegative = true;
      } else {
        this.#at = at;
        throw this.malformed(field, `a whole number of at most ${MAX_DIGITS} digits is expected`, 1);
      }
    }
    this.#at = at;
    if (filled !== 0) throw this.malformed(field, `the last record has ${filled} of ${width} numbers`);
    return count;
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
