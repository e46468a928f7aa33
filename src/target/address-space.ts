/** The memory of the dead process: what its core saved, and what the files it had mapped still hold. Nothing absent ever reads as zero. */
import { asAddress, formatAddress, type Address } from '../bytes/address.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import { PF_W, PT_LOAD } from '../elf/constants.ts';
import type { ProgramHeader } from '../elf/headers.ts';
import type { FileMapping } from '../elf/notes.ts';
import { FaultError, LimitError, type FaultReason } from '../errors.ts';
import type { MemoryReader } from './memory-reader.ts';

const ADDRESS_END = 2 ** 48;
const MAX_READ_BYTES = 2 ** 30;

/** One PT_LOAD of the core. Ranges are [start, end). */
export interface Mapping {
  readonly start: Address;
  readonly end: Address;
  /** PF_R 4, PF_W 2, PF_X 1 */
  readonly flags: number;
  /** The bytes [start, savedEnd) are in the core file, a cut file taken into account. */
  readonly savedEnd: Address;
  /** `start` and what the header says is saved; beyond `savedEnd` only when the file is cut. */
  readonly declaredEnd: Address;
  /** Offset in the core file of the byte at `start`. */
  readonly coreOffset: number;
  /** The file that was mapped at `start`, and the byte offset in it, from NT_FILE. */
  readonly file: { readonly path: string; readonly offset: number } | undefined;
}

/** What the core says of its memory. */
export interface AddressSpaceParts {
  readonly core: ByteSource;
  readonly programHeaders: readonly ProgramHeader[];
  readonly files: readonly FileMapping[];
}

/** Where a run of bytes comes from: `source` at `offset` up to the address `end`; or why there is none. */
interface Run {
  readonly source: ByteSource | undefined;
  readonly offset: number;
  readonly end: Address;
  readonly why: FaultReason;
}

/**
 * Reads the dead process' memory by address.
 *
 * Bytes come from the core; where the core left out a mapping that nobody could write to, they come from the file that was mapped there, once `attachFile` gave it
 * (gdb leaves such mappings out of its program headers altogether, and NT_FILE alone tells of them). All else is a FaultError.
 * A small read in the mapping of the read before costs two comparisons more than the read of the file's page cache.
 */
export class AddressSpace implements MemoryReader {
  /** Sorted by address, one for each PT_LOAD in user space, not merged, none overlapping another. */
  readonly mappings: readonly Mapping[];
  /** Bytes that the core's headers claim and that a cut file does not have. */
  readonly missingBytes: number;
  /** Bytes of memory that the core file holds. */
  readonly savedBytes: number;
  /** Bytes that it holds of addresses above user space, which nothing here reads: the kernel's vsyscall page. */
  readonly vsyscallBytes: number;
  /** What was found damaged in the table of mappings, one line each. */
  readonly problems: readonly string[];
  readonly #core: ByteSource;
  readonly #starts: Float64Array;
  /** Per mapping: where the bytes that lie one after the other in memory and in the core end. */
  readonly #runEnds: Float64Array;
  readonly #files: readonly FileMapping[];
  readonly #fileStarts: Float64Array;
  /** `undefined` for a file that was looked for and is not at hand. */
  readonly #attached = new Map<string, ByteSource | undefined>();
  #findFile: ((path: string) => ByteSource | undefined) | undefined;
  #lastStart: number = 0;
  #lastEnd: number = 0;
  #lastShift: number = 0;

  constructor(parts: AddressSpaceParts) {
    const problems: string[] = [];
    this.#core = parts.core;
    this.#files = withoutOverlaps(parts.files);
    this.#fileStarts = Float64Array.from(this.#files, (f) => f.start);
    this.mappings = this.#makeMappings(parts.programHeaders, problems);
    this.#starts = Float64Array.from(this.mappings, (m) => m.start);
    this.#runEnds = runEndsOf(this.mappings);
    this.savedBytes = this.mappings.reduce((sum, m) => sum + (m.savedEnd - m.start), 0);
    this.vsyscallBytes = parts.programHeaders.reduce((sum, h) => sum + (h.type === PT_LOAD && h.vaddr === undefined ? Math.max(0, Math.min(h.filesz, this.#core.size - h.offset)) : 0), 0);
    this.missingBytes = this.mappings.reduce((sum, m) => sum + (m.declaredEnd - m.savedEnd), 0);
    this.problems = problems;
  }

  /** Whether the process could write at `address`, and the core holds what it wrote. */
  isWritable(address: Address): boolean {
    const mapping = this.findMapping(address);
    return mapping !== undefined && (mapping.flags & PF_W) !== 0 && address < mapping.savedEnd;
  }

  /** The mapping that holds `address`, saved or not. */
  findMapping(address: Address): Mapping | undefined {
    const mapping = this.mappings[lastAtOrBelow(this.#starts, address)];
    return mapping !== undefined && address < mapping.end ? mapping : undefined;
  }

  /** The NT_FILE entry that holds `address`. */
  findFileMapping(address: Address): FileMapping | undefined {
    const file = this.#files[lastAtOrBelow(this.#fileStarts, address)];
    return file !== undefined && address < file.end ? file : undefined;
  }

  /**
   * Lets the bytes of `path`, as NT_FILE spells it, be read from `source` wherever the core left them out.
   * The caller has made sure that it is the very file the process had mapped, and closes it.
   */
  attachFile(path: string, source: ByteSource): void {
    this.#attached.set(path, source);
  }

  /** Names who is asked, once for each path, when bytes of a file are wanted that nobody attached. */
  onMissingFile(find: (path: string) => ByteSource | undefined): void {
    this.#findFile = find;
  }

  /** Copies into `target` the bytes from `address` on, across adjacent mappings, up to the first that is absent. Returns how many; 0 when the first is absent. */
  readInto(target: Uint8Array, address: Address): number {
    let done = 0;
    while (done < target.length) {
      const run = this.#locate(address + done);
      if (run.source === undefined) break;
      const wanted = Math.min(target.length - done, run.end - (address + done));
      const count = run.source.readInto(target.subarray(done, done + wanted), run.offset);
      done += count;
      if (count < wanted) break;
    }
    return done;
  }

  readU8(address: Address): number {
    if (this.#isInRun(address, 1)) return this.#core.readU8(address + this.#lastShift);
    return this.#splice(address, 1).getUint8(0);
  }

  readU16(address: Address): number {
    if (this.#isInRun(address, 2)) return this.#core.readU16(address + this.#lastShift);
    return this.#splice(address, 2).getUint16(0, true);
  }

  readU32(address: Address): number {
    if (this.#isInRun(address, 4)) return this.#core.readU32(address + this.#lastShift);
    return this.#splice(address, 4).getUint32(0, true);
  }

  readI32(address: Address): number {
    return this.readU32(address) | 0;
  }

  readF64(address: Address): number {
    if (this.#isInRun(address, 8)) return this.#core.readF64(address + this.#lastShift);
    return this.#splice(address, 8).getFloat64(0, true);
  }

  readPointer(address: Address): Address | undefined {
    if (this.#isInRun(address, 8)) {
      const at = address + this.#lastShift;
      return asAddress(this.#core.readU32(at), this.#core.readU32(at + 4));
    }
    const view = this.#splice(address, 8);
    return asAddress(view.getUint32(0, true), view.getUint32(4, true));
  }

  /** Copies `length` bytes, at most 1 GiB, across adjacent mappings. */
  readBytes(address: Address, length: number): Uint8Array {
    this.#requireReadable(address, length);
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const run = this.#locate(address + done);
      if (run.source === undefined) throw new FaultError(address + done, length - done, run.why);
      const wanted = Math.min(length - done, run.end - (address + done));
      bytes.set(run.source.readBytes(run.offset, wanted), done);
      done += wanted;
    }
    return bytes;
  }

  isReadable(address: Address, length: number): boolean {
    return this.#firstFault(address, length) === undefined;
  }

  #requireReadable(address: Address, length: number): void {
    if (!(length <= MAX_READ_BYTES)) throw new LimitError('bytes in one read of memory', length, MAX_READ_BYTES);
    const fault = this.#firstFault(address, length);
    if (fault !== undefined) throw fault;
  }

  #firstFault(address: Address, length: number): FaultError | undefined {
    if (!(Number.isSafeInteger(address) && address >= 0 && length >= 0)) return new FaultError(address, length, 'unmapped');
    for (let at = address; at < address + length;) {
      const run = this.#locate(at);
      if (run.source === undefined) return new FaultError(at, address + length - at, run.why);
      at = run.end;
    }
    return undefined;
  }

  /** Whether the bytes lie one after the other in the core; if so `#lastShift` leads from their address to their offset. */
  #isInRun(address: Address, length: number): boolean {
    return (address >= this.#lastStart && address + length <= this.#lastEnd) || this.#moveRun(address, length);
  }

  #moveRun(address: Address, length: number): boolean {
    const index = lastAtOrBelow(this.#starts, address);
    const mapping = this.mappings[index];
    const end = this.#runEnds[index] ?? 0;
    if (mapping === undefined || address >= mapping.savedEnd || address + length > end) return false;
    this.#lastStart = mapping.start;
    this.#lastEnd = end;
    this.#lastShift = mapping.coreOffset - mapping.start;
    return true;
  }

  /** Up to eight bytes from wherever they are. */
  #splice(address: Address, length: number): DataView {
    const bytes = this.readBytes(address, length);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  #locate(address: Address): Run {
    const index = lastAtOrBelow(this.#starts, address);
    const mapping = this.mappings[index];
    if (mapping === undefined || !(address < mapping.end)) return this.#locateInFile(address, 'unmapped', this.mappings[index + 1]?.start ?? ADDRESS_END);
    if (address < mapping.savedEnd)
      return { source: this.#core, offset: mapping.coreOffset + (address - mapping.start), end: this.#runEnds[index] ?? mapping.savedEnd, why: 'not-saved' };
    // What a cut file lost may have been written to; what could be written to and was not saved may have been as well.
    if (address < mapping.declaredEnd || (mapping.flags & PF_W) !== 0) return { source: undefined, offset: 0, end: mapping.end, why: 'not-saved' };
    return this.#locateInFile(address, 'not-saved', mapping.end);
  }

  #locateInFile(address: Address, whyElse: FaultReason, end: Address): Run {
    const file = this.findFileMapping(address);
    if (file === undefined) return { source: undefined, offset: 0, end, why: whyElse };
    const source = this.#attachedFile(file.path);
    if (source === undefined) return { source: undefined, offset: 0, end, why: 'file-missing' };
    const offset = file.offset + (address - file.start);
    const fileEnd = Math.min(end, file.end, address + source.size - offset);
    return fileEnd > address ? { source, offset, end: fileEnd, why: 'not-saved' } : { source: undefined, offset: 0, end, why: 'not-saved' };
  }

  #attachedFile(path: string): ByteSource | undefined {
    if (this.#attached.has(path) || this.#findFile === undefined) return this.#attached.get(path);
    const found = this.#findFile(path);
    this.#attached.set(path, found);
    return found;
  }

  #makeMappings(headers: readonly ProgramHeader[], problems: string[]): Mapping[] {
    const loads = headers
      .flatMap((h) => (h.type === PT_LOAD && h.vaddr !== undefined && h.memsz > 0 ? [{ ...h, start: h.vaddr }] : []))
      .sort((a, b) => a.start - b.start);
    const mappings: Mapping[] = [];
    let previousEnd = 0;
    // Segments of a real core share no bytes of the file: together they cannot hold more than it does.
    let budget = this.#core.size;
    let dropped = 0;
    let firstDropped = 0;
    for (const load of loads) {
      const end = load.start + load.memsz;
      if (load.start < previousEnd || end > ADDRESS_END) {
        firstDropped = dropped === 0 ? load.start : firstDropped;
        dropped += 1;
        continue;
      }
      const declared = Math.min(load.filesz, load.memsz);
      const saved = Math.max(0, Math.min(declared, this.#core.size - load.offset, budget));
      budget -= saved;
      previousEnd = end;
      const file = this.findFileMapping(load.start);
      mappings.push({
        start: load.start,
        end,
        flags: load.flags & 7,
        savedEnd: load.start + saved,
        declaredEnd: load.start + declared,
        coreOffset: load.offset,
        file: file === undefined ? undefined : { path: file.path, offset: file.offset + (load.start - file.start) },
      });
    }
    if (dropped > 0)
      problems.push(
        `${this.#core.name}: ${dropped} segments overlap others or leave the address space and were left out, the first at ${formatAddress(firstDropped)}`,
      );
    return mappings;
  }
}

/** Index of the last element of the sorted `values` that is not above `wanted`; -1 when all are. */
function lastAtOrBelow(values: Float64Array, wanted: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function withoutOverlaps(files: readonly FileMapping[]): FileMapping[] {
  const kept: FileMapping[] = [];
  let end = 0;
  for (const file of [...files].sort((a, b) => a.start - b.start)) {
    if (file.start < end) continue;
    kept.push(file);
    end = file.end;
  }
  return kept;
}

function runEndsOf(mappings: readonly Mapping[]): Float64Array {
  const ends = new Float64Array(mappings.length);
  for (let i = mappings.length - 1; i >= 0; i -= 1) {
    const mapping = mappings[i];
    if (mapping === undefined) continue;
    const next = mappings[i + 1];
    const goesOn =
      next?.start === mapping.end &&
      mapping.savedEnd === mapping.end &&
      next.savedEnd > next.start &&
      next.coreOffset === mapping.coreOffset + (mapping.end - mapping.start);
    ends[i] = goesOn ? (ends[i + 1] ?? mapping.savedEnd) : mapping.savedEnd;
  }
  return ends;
}
