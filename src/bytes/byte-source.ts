/** Positioned reads of a file, through a page cache or straight into a caller's buffer, or of bytes in memory. */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { LimitError, MalformedInputError, UnsupportedError } from '../errors.ts';

const PAGE_SIZE = 64 * 1024;
const DEFAULT_CACHED_PAGES = 512;
/** Pages that are found without a look into the cache's table, by the low bits of their number; a power of two. */
const FRONT_PAGES = 256;
const MAX_READ_BYTES = 2 ** 30;
/** A single read(2) moves at most 2 GiB - 4 KiB; larger wishes are cut into steps. */
const MAX_STEP_BYTES = 2 ** 30;

/**
 * Bytes at offsets, little-endian. It does not know what the bytes mean.
 *
 * The `readU8` .. `readF64` and `readBytes` throw MalformedInputError when the range is not all inside the source; only `readInto` may come back short.
 */
export interface ByteSource {
  /** The path of the file, or the name given to the buffer; used in messages. */
  readonly name: string;
  /** Bytes in the source when it was opened. */
  readonly size: number;
  /** Copies bytes from `fileOffset` on into `target`, past the cache. Returns how many were copied: fewer than `target.length` only at the end of the source. */
  readInto(target: Uint8Array, fileOffset: number): number;
  /** A copy of `length` bytes, through the cache. At most 1 GiB, else LimitError. */
  readBytes(fileOffset: number, length: number): Uint8Array;
  readU8(fileOffset: number): number;
  readU16(fileOffset: number): number;
  readU32(fileOffset: number): number;
  readI32(fileOffset: number): number;
  readF64(fileOffset: number): number;
  /** Gives the file back to the system; a second call does nothing. */
  close(): void;
}

/**
 * The part of a source that is in memory right now (`window`), and the small reads from it. A subclass moves the window.
 * Reads inside the window cost one comparison and one DataView read, and allocate nothing.
 */
abstract class WindowedSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  protected windowStart: number;
  protected windowLength: number;
  protected window: DataView;

  constructor(name: string, size: number, window: DataView) {
    this.name = name;
    this.size = size;
    this.windowStart = 0;
    this.windowLength = window.byteLength;
    this.window = window;
  }

  abstract readInto(target: Uint8Array, fileOffset: number): number;
  abstract readBytes(fileOffset: number, length: number): Uint8Array;
  abstract close(): void;
  /** Moves the window to one that holds the `length` bytes at `fileOffset`, which may be a scratch window. Throws when they are not in the source. */
  protected abstract moveWindow(fileOffset: number, length: number): void;

  readU8(fileOffset: number): number {
    const at = this.#inWindow(fileOffset, 1);
    return this.window.getUint8(at);
  }

  readU16(fileOffset: number): number {
    const at = this.#inWindow(fileOffset, 2);
    return this.window.getUint16(at, true);
  }

  readU32(fileOffset: number): number {
    const at = this.#inWindow(fileOffset, 4);
    return this.window.getUint32(at, true);
  }

  readI32(fileOffset: number): number {
    const at = this.#inWindow(fileOffset, 4);
    return this.window.getInt32(at, true);
  }

  readF64(fileOffset: number): number {
    const at = this.#inWindow(fileOffset, 8);
    return this.window.getFloat64(at, true);
  }

  /** The place of the bytes in the window, moved if need be: call it before `window` is looked at. */
  #inWindow(fileOffset: number, length: number): number {
    const at = fileOffset - this.windowStart;
    if (at >= 0 && at + length <= this.windowLength) return at;
    this.moveWindow(fileOffset, length);
    return fileOffset - this.windowStart;
  }

  protected requireRange(fileOffset: number, length: number): void {
    if (length > MAX_READ_BYTES) throw new LimitError(`${this.name}: bytes in one read`, length, MAX_READ_BYTES);
    if (Number.isSafeInteger(fileOffset) && Number.isSafeInteger(length) && fileOffset >= 0 && length >= 0 && fileOffset + length <= this.size) return;
    throw new MalformedInputError(this.name, fileOffset, `${length} bytes`, `the file ends at ${this.size}`);
  }
}

class BufferSource extends WindowedSource {
  readonly #bytes: Uint8Array;

  constructor(name: string, bytes: Uint8Array) {
    super(name, bytes.length, new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
    this.#bytes = bytes;
  }

  override readInto(target: Uint8Array, fileOffset: number): number {
    if (!(fileOffset >= 0 && fileOffset < this.size)) return 0;
    const count = Math.min(target.length, this.size - fileOffset);
    target.set(this.#bytes.subarray(fileOffset, fileOffset + count));
    return count;
  }

  override readBytes(fileOffset: number, length: number): Uint8Array {
    this.requireRange(fileOffset, length);
    return this.#bytes.slice(fileOffset, fileOffset + length);
  }

  override close(): void {
    // Nothing is held but memory.
  }

  protected override moveWindow(fileOffset: number, length: number): void {
    this.requireRange(fileOffset, length);
  }
}

const NO_PAGE = -1;

interface Page {
  /** Which page of the file it is. */
  number: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Bytes of the page that the file has; less than a page at its end only. */
  length: number;
}

class FileSource extends WindowedSource {
  readonly #maxPages: number;
  /** Pages by page number, the least recently used one first. */
  readonly #pages = new Map<number, Page>();
  /** The cache's front: a page here was used of late and is not moved in the table again, so that the table's order is a rough one. */
  readonly #front = new Array<Page | undefined>(FRONT_PAGES).fill(undefined);
  readonly #scratch = new DataView(new ArrayBuffer(8));
  #fd: number | undefined;

  constructor(name: string, size: number, fd: number, maxPages: number) {
    super(name, size, new DataView(new ArrayBuffer(0)));
    this.#fd = fd;
    this.#maxPages = Math.max(1, maxPages);
  }

  override readInto(target: Uint8Array, fileOffset: number): number {
    if (this.#fd === undefined) throw new UnsupportedError(`${this.name}: is closed`);
    if (!(fileOffset >= 0)) return 0;
    const wanted = Math.min(target.length, this.size - fileOffset);
    let done = 0;
    while (done < wanted) {
      let step: number;
      try {
        step = readSync(this.#fd, target, done, Math.min(wanted - done, MAX_STEP_BYTES), fileOffset + done);
      } catch (error) {
        throw new UnsupportedError(`${this.name}: cannot be read (${systemCode(error)})`, { cause: error });
      }
      if (step === 0) break;
      done += step;
    }
    return done;
  }

  override readBytes(fileOffset: number, length: number): Uint8Array {
    this.requireRange(fileOffset, length);
    const bytes = new Uint8Array(length);
    if (length > PAGE_SIZE) {
      const count = this.readInto(bytes, fileOffset);
      if (count < length) throw this.#shrunk(fileOffset + count);
      return bytes;
    }
    this.#copy(bytes, fileOffset);
    return bytes;
  }

  override close(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
    this.#pages.clear();
    this.#front.fill(undefined);
    this.windowLength = 0;
  }

  protected override moveWindow(fileOffset: number, length: number): void {
    this.requireRange(fileOffset, length);
    const number = Math.floor(fileOffset / PAGE_SIZE);
    const at = fileOffset - number * PAGE_SIZE;
    if (at + length <= PAGE_SIZE) {
      const page = this.#page(number);
      if (at + length > page.length) throw this.#shrunk(number * PAGE_SIZE + page.length);
      this.windowStart = number * PAGE_SIZE;
      this.windowLength = page.length;
      this.window = page.view;
      return;
    }
    // The value straddles two pages: it gets a window of its own.
    this.#copy(new Uint8Array(this.#scratch.buffer, 0, length), fileOffset);
    this.windowStart = fileOffset;
    this.windowLength = length;
    this.window = this.#scratch;
  }

  /** Copies out of cached pages; the range is known to be inside the file as it was opened. */
  #copy(target: Uint8Array, fileOffset: number): void {
    let done = 0;
    while (done < target.length) {
      const number = Math.floor((fileOffset + done) / PAGE_SIZE);
      const at = fileOffset + done - number * PAGE_SIZE;
      const page = this.#page(number);
      const count = Math.min(target.length - done, page.length - at);
      if (count <= 0) throw this.#shrunk(fileOffset + done);
      target.set(page.bytes.subarray(at, at + count), done);
      done += count;
    }
  }

  #page(number: number): Page {
    const place = number & (FRONT_PAGES - 1);
    const near = this.#front[place];
    if (near?.number === number) return near;
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = this.#pages.size < this.#maxPages ? newPage() : this.#evict();
      page.length = this.readInto(page.bytes, number * PAGE_SIZE);
      page.number = number;
    } else {
      this.#pages.delete(number);
    }
    this.#pages.set(number, page);
    this.#front[place] = page;
    return page;
  }

  /** Takes the least recently used page's memory for another page; the window must not stay on it. */
  #evict(): Page {
    for (const [number, page] of this.#pages) {
      this.#pages.delete(number);
      if (this.window === page.view) this.windowLength = 0;
      page.number = NO_PAGE;
      return page;
    }
    return newPage();
  }

  #shrunk(fileOffset: number): MalformedInputError {
    return new MalformedInputError(this.name, fileOffset, 'contents', `the file became shorter than its ${this.size} bytes while it was read`);
  }
}

function newPage(): Page {
  const bytes = new Uint8Array(PAGE_SIZE);
  return { number: NO_PAGE, bytes, view: new DataView(bytes.buffer), length: 0 };
}

function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}

const PLAIN_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  ERR_INVALID_ARG_VALUE: 'not a valid file name',
};

function asUnsupported(path: string, error: unknown): UnsupportedError {
  const code = systemCode(error);
  return new UnsupportedError(`${path}: ${PLAIN_REASONS[code] ?? `cannot be opened (${code})`}`, { cause: error });
}

/** How a file is opened. */
export interface FileSourceOptions {
  /** Pages of 64 KiB kept in memory; 512 when not given. */
  readonly maxPages?: number;
}

/**
 * Opens a regular file for reading. Nothing is read yet, and never the whole of it.
 *
 * @throws {UnsupportedError} in one line that names the path: no such file, permission denied, a directory, no regular file (a pipe is never waited for), empty
 */
export function openFileSource(path: string, options?: FileSourceOptions): ByteSource {
  let fd: number | undefined;
  try {
    requireRegular(path, statSync(path));
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size } = requireRegular(path, fstatSync(fd));
    return new FileSource(path, size, fd, options?.maxPages ?? DEFAULT_CACHED_PAGES);
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    throw error instanceof UnsupportedError ? error : asUnsupported(path, error);
  }
}

function requireRegular<S extends { isFile(): boolean; isDirectory(): boolean; readonly size: number }>(path: string, stats: S): S {
  if (stats.isDirectory()) throw new UnsupportedError(`${path}: is a directory`);
  if (!stats.isFile()) throw new UnsupportedError(`${path}: is not a regular file`);
  if (stats.size === 0) throw new UnsupportedError(`${path}: is empty`);
  return stats;
}

/** A source over bytes in memory, which it does not copy. `close` does nothing. */
export function bufferSource(name: string, bytes: Uint8Array): ByteSource {
  return new BufferSource(name, bytes);
}
