/** The content of V8 strings of every kind. Nothing recurses: a string built by appending may be hundreds of thousands of parts deep. */
import { type Address, asAddress, formatAddress } from '../bytes/address.ts';
import { FaultError } from '../errors.ts';
import { type HeapView, findMapOf, readSmi, readTarget } from './heap.ts';
import { isStringType } from './layout.ts';
import { WORD_SIZE, objectStart } from './tagged.ts';

/** Bits of a string's instance type (objects/instance-type.h). */
const REPRESENTATION_MASK = 7;
const SEQ = 0;
const CONS = 1;
const EXTERNAL = 2;
const SLICED = 3;
const THIN = 5;
const ONE_BYTE = 8;
const UNCACHED = 16;

/** String::kMaxLength on 64-bit, rounded up (include/v8-primitive.h); a longer claim is a lie. */
const MAX_STRING_LENGTH = 2 ** 29;

/** Parts looked at for one string. Every step but a few must shorten what is left to read, so this bounds damage, not real strings. */
const MAX_VISITS = 1 << 22;

/** Steps in a row that need not shorten the string: a flattened cons, a thin string, a slice of all of its parent. */
const MAX_ALIASES = 64;

/** Characters read from memory at a time. */
const CHUNK = 1 << 16;

/** How a string is stored. */
export type StringKind = 'sequential' | 'cons' | 'sliced' | 'thin' | 'external';

/** The text of a string, as far as it was wanted and could be read. */
export interface StringText {
  /** The first characters; where some cannot be read, `<unreadable 0x…>` stands in their place, with the address of the part. */
  readonly text: string;
  /** Characters of the whole string. */
  readonly length: number;
  readonly isTruncated: boolean;
  /** Whether memory is absent or the parts contradict each other. */
  readonly isDamaged: boolean;
}

/** The kind of an instance type of strings. */
export function stringKindOf(type: number): StringKind {
  switch (type & REPRESENTATION_MASK) {
    case SEQ:
      return 'sequential';
    case CONS:
      return 'cons';
    case SLICED:
      return 'sliced';
    case THIN:
      return 'thin';
    default:
      return 'external';
  }
}

/** The length of the string at `address` in characters, without reading it; undefined when there is no string, or its length cannot be true. */
export function stringLength(view: HeapView, address: Address): number | undefined {
  const type = findMapOf(view, address)?.instanceType;
  if (type === undefined || !isStringType(view.layout, type)) return undefined;
  const at = objectStart(address) + view.layout.at.stringLength;
  const length = view.memory.isReadable(at, 4) ? view.memory.readU32(at) : undefined;
  return length !== undefined && length <= MAX_STRING_LENGTH ? length : undefined;
}

/**
 * The first `maxLength` characters of the string at `address`.
 * @throws {FaultError} when a part of it is not in the core, or there is no string
 */
export function readString(view: HeapView, address: Address, maxLength: number = Number.POSITIVE_INFINITY): string {
  const reader = new StringReader(view, maxLength, true);
  if (!reader.read(address)) throw new FaultError(objectStart(address), WORD_SIZE, 'not-saved');
  return reader.text();
}

/** As `readString`, but what cannot be read is marked in the text instead of thrown; undefined when there is no string at `address`. */
export function tryReadString(view: HeapView, address: Address, maxLength: number = Number.POSITIVE_INFINITY): StringText | undefined {
  const length = stringLength(view, address);
  if (length === undefined) return undefined;
  const reader = new StringReader(view, maxLength, false);
  reader.read(address);
  return { text: reader.text(), length, isTruncated: length > maxLength, isDamaged: reader.isDamaged };
}

/** The characters [start, end) of a string that are still to be read. */
interface Part {
  readonly address: Address;
  readonly start: number;
  readonly end: number;
}

class StringReader {
  readonly #view: HeapView;
  readonly #maxLength: number;
  readonly #throws: boolean;
  readonly #pieces: string[] = [];
  isDamaged = false;

  constructor(view: HeapView, maxLength: number, throws: boolean) {
    this.#view = view;
    this.#maxLength = maxLength;
    this.#throws = throws;
  }

  text(): string {
    return this.#pieces.join('');
  }

  /** Reads a whole string; false when there is none at `address`. */
  read(address: Address): boolean {
    const length = stringLength(this.#view, address);
    if (length === undefined) return false;
    const stack: Part[] = [{ address: objectStart(address), start: 0, end: Math.min(length, this.#maxLength) }];
    let aliases = 0;
    for (let visits = 0; stack.length > 0; visits++) {
      const part = stack.pop()!;
      if (part.start >= part.end) continue;
      if (visits >= MAX_VISITS || aliases > MAX_ALIASES) {
        this.#damage(part.address);
        break;
      }
      try {
        aliases = this.#readPart(part, stack) ? aliases + 1 : 0;
      } catch (error) {
        if (this.#throws || !(error instanceof FaultError)) throw error;
        this.#damage(part.address);
      }
    }
    return true;
  }

  #damage(address: Address): void {
    this.isDamaged = true;
    this.#pieces.push(`<unreadable ${formatAddress(address)}>`);
  }

  /** Reads one part, or pushes what it consists of. Returns whether what was pushed is as long as the part itself. */
  #readPart(part: Part, stack: Part[]): boolean {
    const { layout } = this.#view;
    const { address, start, end } = part;
    const type = findMapOf(this.#view, address)?.instanceType ?? -1;
    const length = stringLength(this.#view, address);
    if (length === undefined || end > length) {
      this.#damage(address);
      return false;
    }
    switch (type & REPRESENTATION_MASK) {
      case SEQ:
        this.#readChars(address + layout.at.seqStringChars, start, end, (type & ONE_BYTE) !== 0);
        return false;
      case CONS:
        return this.#pushCons(part, length, stack);
      case SLICED: {
        const offset = readSmi(this.#view, address + layout.at.slicedOffset);
        return this.#pushInner(part, readTarget(this.#view, address + layout.at.slicedParent), offset ?? -1, length, stack);
      }
      case THIN:
        return this.#pushInner(part, readTarget(this.#view, address + layout.at.thinActual), 0, length, stack);
      case EXTERNAL: {
        const data = this.#externalData(address, length, (type & UNCACHED) !== 0);
        if (data === undefined) this.#damage(address);
        else this.#readChars(data, start, end, (type & ONE_BYTE) !== 0);
        return false;
      }
      default:
        this.#damage(address);
        return false;
    }
  }

  #pushCons(part: Part, length: number, stack: Part[]): boolean {
    const { at } = this.#view.layout;
    const first = readTarget(this.#view, part.address + at.consFirst);
    const second = readTarget(this.#view, part.address + at.consSecond);
    const firstLength = first === undefined ? undefined : stringLength(this.#view, first);
    const secondLength = second === undefined ? undefined : stringLength(this.#view, second);
    if (first === undefined || second === undefined || firstLength === undefined || secondLength === undefined || firstLength + secondLength !== length) {
      this.#damage(part.address);
      return false;
    }
    stack.push({ address: second, start: Math.max(0, part.start - firstLength), end: part.end - firstLength });
    stack.push({ address: first, start: part.start, end: Math.min(part.end, firstLength) });
    return secondLength === 0 || firstLength === 0;
  }

  #pushInner(part: Part, inner: Address | undefined, offset: number, length: number, stack: Part[]): boolean {
    const innerLength = inner === undefined ? undefined : stringLength(this.#view, inner);
    if (inner === undefined || innerLength === undefined || offset < 0 || offset + length > innerLength) this.#damage(part.address);
    else stack.push({ address: inner, start: part.start + offset, end: part.end + offset });
    return true;
  }

  /**
   * Where the characters of an external string are. An uncached one keeps only its resource, whose class the embedder defines: there the
   * pointer is taken that stands before or after the string's own length, as in every resource of Node (src/string_bytes.cc, src/node_union_bytes.h).
   */
  #externalData(address: Address, length: number, isUncached: boolean): Address | undefined {
    const { memory, layout } = this.#view;
    const readPointer = (at: Address): Address | undefined => asAddress(memory.readU32(at), memory.readU32(at + 4));
    if (!isUncached) return readPointer(address + layout.at.externalStringData);
    const resource = readPointer(address + layout.at.externalStringData - WORD_SIZE);
    const RESOURCE_WORDS = 5;
    for (let i = 1; resource !== undefined && i < RESOURCE_WORDS; i++) {
      const at = resource + i * WORD_SIZE;
      if (memory.readU32(at) !== length || memory.readU32(at + 4) !== 0) continue;
      for (const beside of [at - WORD_SIZE, at + WORD_SIZE]) {
        const data = beside > resource ? readPointer(beside) : undefined;
        if (data !== undefined && data > length && memory.isReadable(data, 1)) return data;
      }
    }
    return undefined;
  }

  #readChars(chars: Address, start: number, end: number, isOneByte: boolean): void {
    for (let from = start; from < end; from += CHUNK) {
      const count = Math.min(CHUNK, end - from);
      const width = isOneByte ? 1 : 2;
      const bytes = this.#view.memory.readBytes(chars + from * width, count * width);
      this.#pieces.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(isOneByte ? 'latin1' : 'utf16le'));
    }
  }
}
