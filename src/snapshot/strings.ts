/** The strings of a snapshot as the bytes of the file: one block and an offset a string. Decoded when asked for. */
import { Int32Column } from '../bytes/columns.ts';
import { LimitError } from '../errors.ts';
import type { StringTable } from '../graph/heap-graph.ts';
import type { StringSink } from './json-reader.ts';

/** Offsets are 32-bit. */
const MAX_BYTES = 2 ** 32 - 1;

/** The columns behind a table of strings, ready to be sent to another thread. */
export interface StringColumns {
  /** The strings one after another, escaped as in the file. */
  readonly bytes: Uint8Array;
  /** Where each string starts, and where the last one ends; to be read as unsigned. */
  readonly offsets: Int32Array;
}

/** The table over columns of strings. A string whose escapes are not JSON comes out as it is in the file. */
export function stringTable({ bytes, offsets }: StringColumns): StringTable {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    length: offsets.length - 1,
    at: (index) => {
      const text = buffer.toString('utf8', offsets[index]! >>> 0, offsets[index + 1]! >>> 0);
      if (!text.includes('\\')) return text;
      try {
        return JSON.parse(`"${text}"`) as string;
      } catch {
        return text;
      }
    },
  };
}

/** Collects strings in a block that is as large as the rest of their file, of which the system gives memory only to the part that is written. */
export class StringCollector implements StringSink {
  readonly #bytes: Uint8Array;
  readonly #offsets = new Int32Column();
  #length = 0;

  /**
   * @param maxBytes more than all strings together have
   * @throws {LimitError} over 4 GiB
   */
  constructor(source: string, maxBytes: number) {
    if (maxBytes > MAX_BYTES) throw new LimitError(`${source}: bytes of strings`, maxBytes, MAX_BYTES);
    this.#bytes = new Uint8Array(new SharedArrayBuffer(maxBytes));
    this.#offsets.push(0);
  }

  write(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  end(): void {
    this.#offsets.push(this.#length | 0);
  }

  finish(): StringColumns {
    return { bytes: this.#bytes.subarray(0, this.#length), offsets: this.#offsets.finish() };
  }
}
