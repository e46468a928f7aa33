/** The notes of an ELF file: iteration that survives lies about sizes, and the records that a Linux core carries. x86-64. */
import { asAddress, type Address } from '../bytes/address.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import { Cursor } from '../bytes/cursor.ts';
import { MalformedInputError } from '../errors.ts';
import { AT_NULL, NT_AUXV, NT_FILE, NT_GNU_BUILD_ID, NT_PRPSINFO, NT_PRSTATUS, NT_SIGINFO } from './constants.ts';

/** Far more notes than threads times notes per thread in any core. */
const MAX_NOTES = 2 ** 20;
/** A file's build id is among its first notes. */
const MAX_SEARCHED_NOTES = 2 ** 12;
/** Cores have one segment of notes. */
const MAX_NOTE_RANGES = 32;
const MAX_PROBLEMS = 20;
const MAX_NAME_BYTES = 256;
const MAX_RECORD_BYTES = 2 ** 26;
/** pr_reg begins here in NT_PRSTATUS; user_regs_struct has 27 words (asm/user_64.h). */
const REGISTERS_OFFSET = 112;
const REGISTER_WORDS = 27;

/** One note; its content is [offset, offset + size) of the source. */
export interface ElfNote {
  /** The owner: `CORE`, `LINUX`, `GNU`, `GDB`. */
  readonly name: string;
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

/**
 * The notes in [start, end) of `source`. A note that claims more bytes than are left ends the iteration, and so does the zero padding behind the last note.
 *
 * @param align 8 for notes with 8-byte alignment, anything else means 4, as readelf takes it
 * @param problems gets one line when the iteration ended early
 * @param maxNotes how many notes are read at most
 */
export function* iterateNotes(
  source: ByteSource,
  start: number,
  end: number,
  align: number,
  problems: string[],
  maxNotes: number = MAX_NOTES,
): Generator<ElfNote, void, undefined> {
  const limit = Math.min(end, source.size);
  if (limit < end) problems.push(`${source.name}: ${end - Math.max(limit, Math.min(start, end))} bytes of notes are not in the file`);
  const step = align === 8 ? 8 : 4;
  let at = start;
  for (let count = 0; at + 12 <= limit; count += 1) {
    if (count === maxNotes) {
      problems.push(`${source.name}: more than ${maxNotes} notes; the rest was left unread`);
      return;
    }
    const namesz = source.readU32(at);
    const descsz = source.readU32(at + 4);
    const type = source.readU32(at + 8);
    if (namesz === 0 && descsz === 0 && type === 0) return;
    const offset = roundUp(at + 12 + namesz, step);
    if (offset + descsz > limit || namesz > limit) {
      problems.push(`${source.name}: the note at offset ${at} claims more bytes than there are; it and the notes behind it were left unread`);
      return;
    }
    yield { name: decodeText(source.readBytes(at + 12, Math.min(namesz, MAX_NAME_BYTES))), type, offset, size: descsz };
    at = roundUp(offset + descsz, step);
  }
}

/** The content of the first NT_GNU_BUILD_ID note in [start, end), in hexadecimal digits; `undefined` when there is none. */
export function findBuildId(source: ByteSource, start: number, end: number, align: number): string | undefined {
  for (const note of iterateNotes(source, start, end, align, [], MAX_SEARCHED_NOTES)) {
    if (note.name !== 'GNU' || note.type !== NT_GNU_BUILD_ID || note.size === 0 || note.size > 64) continue;
    return Buffer.from(source.readBytes(note.offset, note.size)).toString('hex');
  }
  return undefined;
}

/** One thread as NT_PRSTATUS describes it. */
export interface ThreadStatus {
  readonly tid: number;
  /** pr_cursig; 0 when no signal was on its way. */
  readonly signal: number;
  /** user_regs_struct: 27 words as (low, high) pairs. */
  readonly registers: Uint32Array;
}

/** The process as NT_PRPSINFO describes it. */
interface ProcessInfo {
  readonly pid: number;
  /** pr_fname: the short name of the thread that died, at most 15 characters. */
  readonly fname: string;
  /** pr_psargs: the first 79 characters of the command line, as far as the writer filled it. */
  readonly psargs: string;
}

/** Why the process was stopped, from NT_SIGINFO. */
export interface SignalInfo {
  readonly signo: number;
  /** si_code: positive from the kernel itself, zero or negative when a process sent the signal. */
  readonly code: number;
  /** The process that sent the signal; `undefined` when the kernel did. */
  readonly sender: { readonly pid: number; readonly uid: number } | undefined;
  /** si_addr: what the faulting instruction touched; `undefined` for signals that have none. */
  readonly faultAddress: Address | undefined;
}

/** One mapping of a file, from NT_FILE. */
export interface FileMapping {
  readonly start: Address;
  readonly end: Address;
  /** Byte offset of `start` in the file. */
  readonly offset: number;
  /** As the kernel named it; ` (deleted)` at its end means that the file was gone. */
  readonly path: string;
}

/** Everything the notes of a core tell. */
export interface CoreNotes {
  /** In the order of the notes; in a kernel core the thread that died comes first. */
  readonly threads: readonly ThreadStatus[];
  readonly process: ProcessInfo | undefined;
  readonly signalInfo: SignalInfo | undefined;
  /** a_type to a_un; values that fit no 53 bits are left out. */
  readonly auxv: ReadonlyMap<number, number>;
  /** The raw bytes of NT_AUXV, as they also lie on the main stack. */
  readonly auxvBytes: Uint8Array;
  readonly files: readonly FileMapping[];
  /** gdb writes NT_PRPSINFO first and NT_GDB_TDESC last; Linux writes NT_PRSTATUS, NT_PRPSINFO, NT_SIGINFO (fs/binfmt_elf.c, fill_note_info). */
  readonly writer: 'kernel' | 'gcore' | undefined;
  readonly problems: readonly string[];
}

/** Decodes the notes in the given ranges of a core. Damaged notes are left out with a problem; unknown ones silently. */
export function decodeCoreNotes(
  source: ByteSource,
  ranges: readonly { readonly offset: number; readonly filesz: number; readonly align: number }[],
): CoreNotes {
  const problems: string[] = [];
  const threads: ThreadStatus[] = [];
  const auxv = new Map<number, number>();
  const files: FileMapping[] = [];
  const order: number[] = [];
  let process: ProcessInfo | undefined;
  let signalInfo: SignalInfo | undefined;
  let auxvBytes: Uint8Array = new Uint8Array(0);
  let hasGdbNote = false;
  let notesLeft = MAX_NOTES;
  if (ranges.length > MAX_NOTE_RANGES)
    problems.push(`${source.name}: ${ranges.length} segments of notes; all but the first ${MAX_NOTE_RANGES} were left unread`);
  for (const range of ranges.slice(0, MAX_NOTE_RANGES)) {
    for (const note of iterateNotes(source, range.offset, range.offset + range.filesz, range.align, problems, notesLeft)) {
      notesLeft -= 1;
      hasGdbNote ||= note.name === 'GDB';
      if (note.name !== 'CORE') continue;
      if (order.length < 4) order.push(note.type);
      const cursor = new Cursor(source, { start: note.offset, end: note.offset + Math.min(note.size, MAX_RECORD_BYTES) });
      try {
        if (note.type === NT_PRSTATUS) threads.push(decodeThread(cursor));
        else if (note.type === NT_PRPSINFO) process ??= decodeProcess(cursor);
        else if (note.type === NT_SIGINFO) signalInfo ??= decodeSignal(cursor);
        else if (note.type === NT_AUXV && auxvBytes.length === 0) auxvBytes = decodeAuxv(cursor, auxv);
        else if (note.type === NT_FILE && files.length === 0) decodeFiles(cursor, files);
      } catch (error) {
        if (!(error instanceof MalformedInputError)) throw error;
        if (problems.length < MAX_PROBLEMS) problems.push(error.message);
      }
    }
  }
  const isKernel = order[0] === NT_PRSTATUS && order[1] === NT_PRPSINFO && order[2] === NT_SIGINFO && !hasGdbNote;
  const isGdb = hasGdbNote || (order[0] === NT_PRPSINFO && order[1] === NT_PRSTATUS);
  return { threads, process, signalInfo, auxv, auxvBytes, files, writer: isKernel ? 'kernel' : isGdb ? 'gcore' : undefined, problems };
}

/** struct elf_prstatus (linux/elfcore.h): pr_cursig at 12, pr_pid at 32, pr_reg at 112. */
function decodeThread(cursor: Cursor): ThreadStatus {
  cursor.skip(12, 'pr_info');
  const signal = cursor.u16('pr_cursig');
  cursor.skip(18, 'pr_sigpend');
  const tid = cursor.u32('pr_pid');
  cursor.skip(REGISTERS_OFFSET - 36, 'pr_utime');
  const registers = new Uint32Array(2 * REGISTER_WORDS);
  for (let i = 0; i < registers.length; i += 1) registers[i] = cursor.u32('pr_reg');
  return { tid, signal, registers };
}

/** struct elf_prpsinfo: pr_pid at 24, pr_fname at 40, pr_psargs at 56. */
function decodeProcess(cursor: Cursor): ProcessInfo {
  cursor.skip(24, 'pr_flag');
  const pid = cursor.u32('pr_pid');
  cursor.skip(12, 'pr_ppid');
  const fname = cursor.text(16, 'pr_fname');
  return { pid, fname, psargs: cursor.text(80, 'pr_psargs').trimEnd() };
}

/** siginfo_t: si_signo, si_errno, si_code, then at 16 either si_pid and si_uid or si_addr (sigaction(2)). */
function decodeSignal(cursor: Cursor): SignalInfo {
  const signo = cursor.i32('si_signo');
  cursor.skip(4, 'si_errno');
  const code = cursor.i32('si_code');
  cursor.skip(4, 'padding');
  const first = cursor.u32('si_pid');
  const second = cursor.u32('si_uid');
  // SIGILL, SIGTRAP, SIGBUS, SIGFPE and SIGSEGV carry an address when the kernel raised them.
  const hasAddress = code > 0 && [4, 5, 7, 8, 11].includes(signo);
  return { signo, code, sender: code <= 0 ? { pid: first, uid: second } : undefined, faultAddress: hasAddress ? asAddress(first, second) : undefined };
}

function decodeAuxv(cursor: Cursor, auxv: Map<number, number>): Uint8Array {
  const bytes = cursor.source.readBytes(cursor.offset, Math.min(cursor.remaining, 2 ** 16));
  while (cursor.remaining >= 16 && auxv.size < 2 ** 12) {
    const type = cursor.u64('a_type');
    const value = cursor.u64('a_un');
    if (type === AT_NULL) break;
    if (value < Number.MAX_SAFE_INTEGER) auxv.set(type, value);
  }
  return bytes;
}

/** count, page_size, then count times (start, end, offset in pages), then the paths, each with its NUL (fs/binfmt_elf.c, fill_files_note). */
function decodeFiles(cursor: Cursor, files: FileMapping[]): void {
  const count = cursor.u64('NT_FILE count');
  const pageSize = cursor.u64('NT_FILE page_size');
  if (count * 24 > cursor.remaining)
    throw new MalformedInputError(cursor.source.name, cursor.offset, 'NT_FILE count', `${count} entries do not fit in ${cursor.remaining} bytes`);
  const paths = cursor.source.readBytes(cursor.offset + count * 24, cursor.remaining - count * 24);
  let at = 0;
  for (let i = 0; i < count; i += 1) {
    const start = cursor.address('NT_FILE start');
    const end = cursor.address('NT_FILE end');
    const offset = cursor.u64('NT_FILE offset') * pageSize;
    const nul = paths.indexOf(0, at);
    if (nul < 0) throw new MalformedInputError(cursor.source.name, cursor.offset, 'NT_FILE path', 'it has no end');
    const path = decodeText(paths.subarray(at, nul));
    at = nul + 1;
    if (start !== undefined && end !== undefined && start < end && Number.isSafeInteger(offset)) files.push({ start, end, offset, path });
  }
}

function decodeText(bytes: Uint8Array): string {
  const nul = bytes.indexOf(0);
  return new TextDecoder().decode(nul < 0 ? bytes : bytes.subarray(0, nul));
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
