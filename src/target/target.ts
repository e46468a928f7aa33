/** Opens a core file as the process it was. */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Address } from '../bytes/address.ts';
import { openFileSource, type ByteSource } from '../bytes/byte-source.ts';
import { AT_EXECFN, AT_RANDOM, PT_NOTE } from '../elf/constants.ts';
import { openElf } from '../elf/elf-file.ts';
import { decodeCoreNotes, type CoreNotes, type SignalInfo } from '../elf/notes.ts';
import { CoreleakError } from '../errors.ts';
import { AddressSpace } from './address-space.ts';
import { findStartArguments, type StartArguments } from './arguments.ts';
import { candidatePaths, chooseExecutable, type Executable } from './executable.ts';
import { findModule, findModuleSymbol } from './module.ts';
import { signalName } from './signals.ts';
import { makeThread, type Thread } from './thread.ts';

/** How a core is opened. */
export interface OpenTargetOptions {
  /** The executable to use, in place of the one that the core names. */
  readonly binary?: string;
  /** A folder below which the files that the core names are looked for when they are not at their own paths. */
  readonly sysroot?: string;
  /** Use `binary` even when it is not what the process ran. */
  readonly force?: boolean;
}

/** The dead process, seen through its core. */
export interface Target {
  /** The core file. */
  readonly path: string;
  /** Its size in bytes. */
  readonly fileBytes: number;
  /** Who wrote the core, as far as its notes tell. */
  readonly writer: 'kernel' | 'gcore' | undefined;
  readonly memory: AddressSpace;
  /** The thread that crashed, or else the first one, comes first. */
  readonly threads: readonly Thread[];
  /** 0 when the notes do not tell. */
  readonly pid: number;
  /** The short name of the executable; of the thread that died when the executable has no name; may be empty. */
  readonly command: string;
  /** `SIGABRT`; `undefined` when nothing stopped the process, as for gcore, whose notes carry the debugger's own signal. */
  readonly signal: string | undefined;
  readonly signalInfo: SignalInfo | undefined;
  /** Empty when the stack is not in the core. */
  readonly argv: readonly string[];
  /** `NAME=value` each, as the process was started with; it may hold secrets. */
  readonly environment: readonly string[];
  /** The auxiliary vector: a_type to a_un. */
  readonly auxv: ReadonlyMap<number, number>;
  readonly executable: Executable;
  /** When the core file was last written. */
  readonly takenAt: Date | undefined;
  /** What is missing or damaged, one line each. */
  readonly warnings: readonly string[];
  /** The address in the process of a symbol of the executable; `undefined` when it has none, or when it is thread-local. */
  findSymbol(name: string): Address | undefined;
  /**
   * Where a thread has the thread-local symbol of the executable whose st_value is `tlsOffset`.
   * On x86-64 the executable's block ends at fs_base (ELF Handling For Thread-Local Storage, variant II). `undefined` without PT_TLS or fs_base.
   */
  threadLocalAddress(thread: Thread, tlsOffset: number): Address | undefined;
  /** Closes every file that was opened; a second call does nothing. */
  close(): void;
}

/**
 * Opens the core at `corePath`. Only its headers and a few pages are read.
 *
 * A damaged core opens as long as its program headers are whole; `warnings` says what is missing.
 * @throws {UnsupportedError} when the file is no 64-bit x86-64 core, or a given file cannot be opened
 * @throws {MalformedInputError} when the core ends inside its headers
 * @throws {BinaryMismatchError} when `options.binary` is not what the process ran and `options.force` is not set
 */
export function openTarget(corePath: string, options: OpenTargetOptions = {}): Target {
  const opened: ByteSource[] = [];
  const open = (path: string): ByteSource => {
    const source = openFileSource(path);
    opened.push(source);
    return source;
  };
  const close = (): void => {
    for (const source of opened.splice(0)) source.close();
  };
  try {
    return loadTarget(open(corePath), options, open, close);
  } catch (error) {
    close();
    throw error;
  }
}

function loadTarget(core: ByteSource, options: OpenTargetOptions, open: (path: string) => ByteSource, close: () => void): Target {
  const elf = openElf(core, 'core');
  const notes = decodeCoreNotes(
    core,
    elf.programHeaders.filter((h) => h.type === PT_NOTE),
  );
  const memory = new AddressSpace({ core, programHeaders: elf.programHeaders, files: notes.files });
  const warnings = [...elf.problems, ...notes.problems, ...memory.problems];
  if (memory.missingBytes > 0)
    warnings.push(`${core.name}: the file is cut: ${memory.missingBytes} of ${memory.savedBytes + memory.missingBytes} bytes of memory are missing`);
  if (notes.threads.length === 0) warnings.push(`${core.name}: no thread is described in the notes`);

  const executable = chooseExecutable({ corePath: core.name, memory, notes, open, warnings }, options);
  memory.onMissingFile((path) => findMappedFile(path, memory, notes, options.sysroot, open));

  const threads = notes.threads.map((status) => makeThread(status, memory));
  const start = findArguments(notes, memory);
  if (start === undefined) warnings.push(`${core.name}: the arguments of the process were not found on its stack`);
  const tls = executable.elf?.tls;

  return {
    path: core.name,
    fileBytes: core.size,
    writer: notes.writer,
    memory,
    threads,
    pid: notes.process?.pid ?? threads[0]?.tid ?? 0,
    command: commandOf(executable, notes),
    signal: signalOf(notes),
    signalInfo: notes.signalInfo,
    argv: start?.argv ?? [],
    environment: start?.environment ?? [],
    auxv: notes.auxv,
    executable,
    takenAt: statSync(core.name, { throwIfNoEntry: false })?.mtime,
    warnings,
    findSymbol: (name) => (executable.elf === undefined ? undefined : findModuleSymbol(executable.elf, executable.loadBias, name)),
    threadLocalAddress: (thread, tlsOffset) => {
      if (tls === undefined || thread.fsBase === undefined) return undefined;
      const align = Math.max(1, tls.align);
      const address = thread.fsBase - Math.ceil(tls.memsz / align) * align + tlsOffset;
      return address >= 0 ? address : undefined;
    },
    close,
  };
}

function findArguments(notes: CoreNotes, memory: AddressSpace): StartArguments | undefined {
  for (const type of [AT_RANDOM, AT_EXECFN]) {
    const anchor = notes.auxv.get(type);
    const found = anchor === undefined ? undefined : findStartArguments(memory, notes.auxvBytes, anchor);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The executable's file name, for fname is what the thread that died called itself (`MainThread` in Node 24). */
function commandOf(executable: Executable, notes: CoreNotes): string {
  const path = executable.namedPath ?? executable.path;
  return path === undefined ? (notes.process?.fname ?? '') : basename(path.replace(/ \(deleted\)$/, ''));
}

/** gdb stops a process with SIGSTOP or SIGTRAP, or with nothing at all; those say nothing of the process itself. */
function signalOf(notes: CoreNotes): string | undefined {
  const number = notes.signalInfo?.signo ?? notes.threads[0]?.signal ?? 0;
  const name = signalName(number);
  return notes.writer === 'gcore' && (name === 'SIGSTOP' || name === 'SIGTRAP') ? undefined : name;
}

/** A file that the process had mapped, if one with the build id that the core saved of it is at hand. */
function findMappedFile(
  path: string,
  memory: AddressSpace,
  notes: CoreNotes,
  sysroot: string | undefined,
  open: (path: string) => ByteSource,
): ByteSource | undefined {
  const buildId = findModule(memory, notes.files, path)?.image.buildId;
  if (buildId === undefined) return undefined;
  for (const candidate of candidatePaths(path, sysroot)) {
    try {
      const source = open(candidate);
      if (isImageOf(source, buildId)) return source;
      source.close();
    } catch (error) {
      if (!(error instanceof CoreleakError)) throw error;
    }
  }
  return undefined;
}

function isImageOf(source: ByteSource, buildId: string): boolean {
  try {
    return openElf(source).buildId === buildId;
  } catch (error) {
    if (error instanceof CoreleakError) return false;
    throw error;
  }
}
