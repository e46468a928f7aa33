/** Writes JSON of numbers and strings in pieces, as bytes of ASCII. */

/** Takes the bytes of a file in order. The bytes are valid until the promise settles, which says that more may come. */
export type ByteSink = (bytes: Uint8Array) => Promise<void>;

const PIECE_BYTES = 2 ** 18;
/** More than any one record or punctuation takes: seven numbers of up to 17 bytes each and their commas. */
const ROOM = 256;
const MAX_SMALL = 2 ** 31;

const ZERO = 0x30;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;
const LAST_PRINTABLE = 0x7e;
const LETTER_U = 0x75;
const HEX = Buffer.from('0123456789abcdef', 'latin1');
const COMMA = 0x2c;

/** A string of `length` UTF-16 units takes at most so many bytes: six for each, as \uXXXX, and the quotes. */
export function maxStringBytes(length: number): number {
  return length * 6 + 2;
}

/** Writes `text` as a JSON string of ASCII alone to `target` from `at` on, where there must be room for it; answers where it ends. */
export function putString(target: Uint8Array, at: number, text: string): number {
  target[at++] = QUOTE;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= FIRST_PRINTABLE && unit <= LAST_PRINTABLE) {
      if (unit === QUOTE || unit === BACKSLASH) target[at++] = BACKSLASH;
      target[at++] = unit;
    } else {
      target[at++] = BACKSLASH;
      target[at++] = LETTER_U;
      for (let shift = 12; shift >= 0; shift -= 4) target[at++] = HEX[(unit >>> shift) & 15]!;
    }
  }
  target[at++] = QUOTE;
  return at;
}

/**
 * A buffer in front of a sink. Numbers and punctuation are put as long as `isFull` is false, then `flush` must be awaited.
 * Memory is that of one piece, however long the file gets.
 */
export class JsonWriter {
  readonly #sink: ByteSink;
  readonly #bytes = new Uint8Array(PIECE_BYTES + ROOM);
  #at = 0;
  #flushed = 0;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#flushed + this.#at;
  }

  /** Whether what is held is to be handed on before anything else is put. */
  get isFull(): boolean {
    return this.#at >= PIECE_BYTES;
  }

  /** Hands on what is held. */
  async flush(): Promise<void> {
    if (this.#at === 0) return;
    const piece = this.#bytes.subarray(0, this.#at);
    this.#flushed += this.#at;
    this.#at = 0;
    await this.#sink(piece);
  }

  /** Puts a whole number from 0 to 2^53 and a comma before it, unless it is the first of its array. */
  putNumber(value: number, isFirst: boolean): void {
    const bytes = this.#bytes;
    if (!isFirst) bytes[this.#at++] = COMMA;
    if (!(value < MAX_SMALL)) {
      this.putText(String(value));
      return;
    }
    let rest = value | 0;
    let digits = 1;
    for (let limit = 10; rest >= limit; limit *= 10) digits++;
    this.#at += digits;
    for (let at = this.#at - 1; digits > 0; digits--) {
      const next = (rest / 10) | 0;
      bytes[at--] = ZERO + rest - next * 10;
      rest = next;
    }
  }

  /** Puts a few characters of ASCII. */
  putText(text: string): void {
    for (let i = 0; i < text.length; i++) this.#bytes[this.#at++] = text.charCodeAt(i);
  }

  /** Writes characters of ASCII, of any number. */
  async write(text: string): Promise<void> {
    await this.writeBytes(Buffer.from(text, 'latin1'));
  }

  /** Writes bytes, of any number. */
  async writeBytes(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length;) {
      const part = bytes.subarray(from, from + this.#bytes.length - this.#at);
      this.#bytes.set(part, this.#at);
      this.#at += part.length;
      from += part.length;
      if (this.isFull) await this.flush();
    }
  }
}
