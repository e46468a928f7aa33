/** Builds small core files in memory, the way Linux or gdb writes them. */
import * as elf from '../../src/elf/constants.ts';
import { ByteWriter, IMAGE, PAGE, linkBase, writeElf, writeNote, type SegmentSpec } from './elf-writer.ts';

interface ThreadSpec {
  readonly tid: number;
  readonly signal?: number;
  readonly rip?: number;
  readonly rsp?: number;
  readonly rbp?: number;
  readonly fsBase?: number;
}

export interface MappedFileSpec {
  readonly start: number;
  readonly end: number;
  /** Byte offset in the file, a multiple of a page. */
  readonly offset: number;
  readonly path: string;
}

export interface CoreSpec {
  readonly writer?: 'kernel' | 'gcore';
  readonly threads?: readonly ThreadSpec[];
  readonly pid?: number;
  readonly fname?: string;
  readonly psargs?: string;
  readonly signal?: { readonly signo: number; readonly code?: number; readonly first?: number; readonly second?: number };
  readonly auxv?: readonly (readonly [number, number])[];
  readonly files?: readonly MappedFileSpec[];
  readonly mappings?: readonly SegmentSpec[];
  readonly machine?: number;
  readonly elfClass?: number;
  readonly data?: number;
  readonly usesPnXnum?: boolean;
  /** Bytes that stand in for the notes. */
  readonly rawNotes?: Uint8Array;
}

/** A PT_LOAD that the core saved whole. */
export function saved(start: number, data: Uint8Array, flags: number = elf.PF_R | elf.PF_W): SegmentSpec {
  return { type: elf.PT_LOAD, flags, vaddr: start, data };
}

/** A PT_LOAD of `size` bytes of which the core saved nothing. */
export function unsaved(start: number, size: number, flags: number = elf.PF_R): SegmentSpec {
  return { type: elf.PT_LOAD, flags, vaddr: start, data: new Uint8Array(0), memsz: size };
}

/** Bytes of a core. The kernel puts the notes first in the file, gdb last. */
export function writeCore(spec: CoreSpec): Uint8Array {
  const note: SegmentSpec = { type: elf.PT_NOTE, flags: 0, data: spec.rawNotes ?? writeNotes(spec), memsz: 0, align: spec.writer === 'gcore' ? 1 : 4 };
  const mappings = spec.mappings ?? [];
  const isFirst = spec.writer !== 'gcore';
  const { machine, elfClass, data, usesPnXnum } = spec;
  return writeElf({
    type: elf.ET_CORE,
    segments: isFirst ? [note, ...mappings] : [...mappings, note],
    ...(machine === undefined ? {} : { machine }),
    ...(elfClass === undefined ? {} : { elfClass }),
    ...(data === undefined ? {} : { data }),
    ...(usesPnXnum === undefined ? {} : { usesPnXnum }),
  });
}

function writeNotes(spec: CoreSpec): Uint8Array {
  const out = new ByteWriter();
  const core = (type: number, content: ByteWriter): void => {
    out.bytes(writeNote('CORE', type, content.finish()));
  };
  const threads = spec.threads ?? [];
  const thread = (t: ThreadSpec): void => core(elf.NT_PRSTATUS, writeThread(t));
  const process = (): void => {
    if (spec.pid === undefined) return;
    core(
      elf.NT_PRPSINFO,
      new ByteWriter()
        .zeros(24)
        .u32(spec.pid)
        .zeros(12)
        .text(spec.fname ?? 'a.out', 16)
        .text(spec.psargs ?? '', 80),
    );
  };
  const signal = (): void => {
    const s = spec.signal;
    if (s !== undefined)
      core(
        elf.NT_SIGINFO,
        new ByteWriter()
          .u32(s.signo)
          .u32(0)
          .u32(s.code ?? 0)
          .u32(0)
          .u32(s.first ?? 0)
          .u32(s.second ?? 0)
          .zeros(104),
      );
  };
  const rest = (): void => {
    if (spec.auxv !== undefined) core(elf.NT_AUXV, writeAuxv(spec.auxv));
    if (spec.files !== undefined) core(elf.NT_FILE, writeFiles(spec.files));
  };
  if (spec.writer === 'gcore') {
    process();
    for (const t of threads) {
      thread(t);
      signal();
    }
    rest();
    out.bytes(writeNote('GDB', 0xff000000, new TextEncoder().encode('<target/>\0')));
    return out.finish();
  }
  threads.slice(0, 1).forEach(thread);
  process();
  signal();
  rest();
  threads.slice(1).forEach(thread);
  return out.bytes(writeNote('LINUX', 0x202, new Uint8Array(8))).finish();
}

function writeThread(t: ThreadSpec): ByteWriter {
  const words = new Array<number>(27).fill(0);
  words[4] = t.rbp ?? 0;
  words[16] = t.rip ?? 0;
  words[19] = t.rsp ?? 0;
  words[21] = t.fsBase ?? 0;
  const out = new ByteWriter()
    .zeros(12)
    .u16(t.signal ?? 0)
    .zeros(18)
    .u32(t.tid)
    .zeros(76);
  for (const word of words) out.u64(word);
  return out.u64(0);
}

/** Bytes of an auxiliary vector, AT_NULL at its end included. */
function writeAuxv(auxv: readonly (readonly [number, number])[]): ByteWriter {
  const out = new ByteWriter();
  for (const [type, value] of auxv) out.u64(type).u64(value);
  return out.u64(0).u64(0);
}

function writeFiles(files: readonly MappedFileSpec[]): ByteWriter {
  const out = new ByteWriter().u64(files.length).u64(PAGE);
  for (const f of files)
    out
      .u64(f.start)
      .u64(f.end)
      .u64(f.offset / PAGE);
  for (const f of files) out.text(f.path);
  return out;
}

/** The mappings and NT_FILE entries of a process that runs an executable made by writeExecutable, as Linux saves them: headers and data, not text and rodata. */
export function mapExecutable(
  bytes: Uint8Array,
  type: number,
  path: string,
  bias: number,
): { readonly mappings: SegmentSpec[]; readonly files: MappedFileSpec[] } {
  const at = linkBase(type) + bias;
  const part = (start: number, end: number): Uint8Array => bytes.slice(start, end);
  return {
    mappings: [
      saved(at, part(0, PAGE), elf.PF_R),
      unsaved(at + IMAGE.text, PAGE, elf.PF_R | elf.PF_X),
      unsaved(at + IMAGE.rodata, PAGE),
      saved(at + IMAGE.data, part(IMAGE.data, IMAGE.data + PAGE)),
      saved(at + IMAGE.bss, new Uint8Array(PAGE)),
    ],
    files: [
      { start: at, end: at + PAGE, offset: 0, path },
      { start: at + IMAGE.text, end: at + IMAGE.rodata, offset: IMAGE.text, path },
      { start: at + IMAGE.rodata, end: at + IMAGE.data, offset: IMAGE.rodata, path },
      { start: at + IMAGE.data, end: at + IMAGE.bss, offset: IMAGE.data, path },
    ],
  };
}

export interface StackSpec {
  /** Where the mapping ends. */
  readonly end: number;
  readonly argv: readonly string[];
  readonly environment: readonly string[];
  readonly auxv: readonly (readonly [number, number])[];
  readonly execfn: string;
  /** How many NULLs end the environment; unsetenv(3) leaves more than one. */
  readonly nulls?: number;
}

/** One page of main stack as execve(2) lays it out, and the auxiliary vector with AT_RANDOM and AT_EXECFN added. */
export function writeStack(spec: StackSpec): { readonly mapping: SegmentSpec; readonly auxv: readonly (readonly [number, number])[]; readonly rsp: number } {
  const start = spec.end - PAGE;
  const strings = new ByteWriter();
  const stringsAt = start + PAGE / 2;
  const place = (text: string): number => {
    const at = stringsAt + strings.length;
    strings.text(text);
    return at;
  };
  const random = stringsAt;
  strings.zeros(16);
  const argv = spec.argv.map(place);
  const environment = spec.environment.map(place);
  const auxv: (readonly [number, number])[] = [...spec.auxv, [elf.AT_RANDOM, random], [elf.AT_EXECFN, place(spec.execfn)]];
  const words = new ByteWriter().u64(argv.length);
  for (const pointer of argv) words.u64(pointer);
  words.u64(0);
  for (const pointer of environment) words.u64(pointer);
  for (let i = 0; i < (spec.nulls ?? 1); i += 1) words.u64(0);
  words.bytes(writeAuxv(auxv).finish());
  const rsp = start + PAGE / 2 - words.length;
  const bytes = new Uint8Array(PAGE);
  bytes.set(words.finish(), rsp - start);
  bytes.set(strings.finish(), PAGE / 2);
  return { mapping: saved(start, bytes), auxv, rsp };
}
