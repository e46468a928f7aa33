/** Which file the dead process ran: what its core says of it, and a file at hand that is the same. */
import { join } from 'node:path';
import type { Address } from '../bytes/address.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import { AT_ENTRY, AT_EXECFN, AT_PHDR, ET_EXEC, PT_LOAD } from '../elf/constants.ts';
import { openElf, type ElfFile } from '../elf/elf-file.ts';
import type { CoreNotes } from '../elf/notes.ts';
import { BinaryMismatchError, CoreleakError } from '../errors.ts';
import type { AddressSpace } from './address-space.ts';
import { findCString } from './c-string.ts';
import { findImage, findModule, type Module } from './module.ts';

const PAGE = 4096;
const MAX_PATH_BYTES = 4096;

/** The executable of the process. */
export interface Executable {
  /** As the core names it. */
  readonly namedPath: string | undefined;
  /** The file in use; `undefined` when there is none that fits. */
  readonly path: string | undefined;
  readonly elf: ElfFile | undefined;
  /** What to add to an address of the file to get one of the process; 0 when it cannot be told. */
  readonly loadBias: number;
  /** Of what the core holds of the executable. */
  readonly buildId: string | undefined;
  /** Of the file in use. */
  readonly fileBuildId: string | undefined;
  /** `absent`: there is no file in use, or no build id to compare. */
  readonly match: 'build-id' | 'mismatch' | 'absent';
}

/** The choice of an executable needs these of its core. */
export interface ExecutableParts {
  readonly corePath: string;
  readonly memory: AddressSpace;
  readonly notes: CoreNotes;
  /** Opens a file and closes it with the target. */
  readonly open: (path: string) => ByteSource;
  readonly warnings: string[];
}

/** What a caller asked for. */
export interface ExecutableChoice {
  readonly binary?: string;
  readonly sysroot?: string;
  readonly force?: boolean;
}

/**
 * Chooses the executable: `binary` if given, else the file at the path the core names, else the one at that path below `sysroot`; the latter two only when they fit.
 *
 * Files fit when the build ids are the same. Where the core holds none, the layout of the file is compared with what the core tells of it, and a warning says so.
 * A file that fits is also attached to the memory, so that what the core left out of it can be read.
 * @throws {BinaryMismatchError} when `binary` is not what the process ran, unless `force` is set
 */
export function chooseExecutable(parts: ExecutableParts, choice: ExecutableChoice): Executable {
  const { memory, notes } = parts;
  const namedPath = findNamedPath(parts);
  const module = (namedPath === undefined ? undefined : findModule(memory, notes.files, namedPath)) ?? findImageByHeaders(parts, namedPath);
  if (choice.binary !== undefined) return useGiven(parts, choice.binary, namedPath, module, choice.force === true);
  for (const path of candidatePaths(namedPath, choice.sysroot)) {
    const opened = tryOpen(parts, path);
    if (opened === undefined) continue;
    const verdict = compare(opened, module, notes);
    if (verdict === 'build-id' || verdict === 'layout') return use(parts, path, opened, namedPath, module, verdict);
    opened.source.close();
    parts.warnings.push(`${path} is not the file that the process ran: build id ${opened.buildId ?? 'none'}, in the core ${module?.image.buildId ?? 'none'}`);
  }
  const loadBias = biasOf(notes, module?.image, module);
  return { namedPath, path: undefined, elf: undefined, loadBias, buildId: module?.image.buildId, fileBuildId: undefined, match: 'absent' };
}

/** Places to look for a file that a core names: the path itself, then below `sysroot`. Only absolute paths are looked for, and none leaves `sysroot`. */
export function candidatePaths(namedPath: string | undefined, sysroot: string | undefined): string[] {
  if (namedPath?.startsWith('/') !== true) return [];
  return sysroot === undefined ? [namedPath] : [namedPath, join(sysroot, join('/', namedPath))];
}

/** NT_FILE's name for what holds the program headers or the entry point; else AT_EXECFN, which execve(2) got and which may be relative or a script. */
function findNamedPath({ memory, notes }: ExecutableParts): string | undefined {
  for (const type of [AT_PHDR, AT_ENTRY]) {
    const address = notes.auxv.get(type);
    const file = address === undefined ? undefined : memory.findFileMapping(address);
    if (file !== undefined) return file.path;
  }
  const name = notes.auxv.get(AT_EXECFN);
  const text = name === undefined ? undefined : findCString(memory, name, MAX_PATH_BYTES);
  return text === '' ? undefined : text;
}

/** Where NT_FILE is missing: the program headers lie in the image's first page. */
function findImageByHeaders({ memory, notes }: ExecutableParts, namedPath: string | undefined): Module | undefined {
  const headers = notes.auxv.get(AT_PHDR);
  return headers === undefined ? undefined : findImage(memory, namedPath ?? 'executable', headers - (headers % PAGE));
}

/** Where the notes are missing: any image in memory with the build id of the given file. */
function findImageLike({ memory }: ExecutableParts, path: string, elf: ElfFile): Module | undefined {
  if (elf.buildId === undefined) return undefined;
  for (const mapping of memory.mappings) {
    if (mapping.savedEnd - mapping.start < PAGE || memory.readU32(mapping.start) !== 0x464c457f) continue;
    const module = findImage(memory, path, mapping.start);
    if (module?.image.buildId === elf.buildId) return module;
  }
  return undefined;
}

function tryOpen(parts: ExecutableParts, path: string): ElfFile | undefined {
  try {
    return openElf(parts.open(path));
  } catch (error) {
    if (error instanceof CoreleakError) return undefined;
    throw error;
  }
}

type Verdict = 'build-id' | 'layout' | 'mismatch' | 'unknown';

function compare(elf: ElfFile, module: Module | undefined, notes: CoreNotes): Verdict {
  const coreId = module?.image.buildId;
  if (coreId !== undefined) return coreId === elf.buildId ? 'build-id' : 'mismatch';
  const entry = notes.auxv.get(AT_ENTRY);
  if (module !== undefined) return sameHeaders(elf, module.image) ? 'layout' : 'mismatch';
  if (entry === undefined || elf.entry === undefined) return 'unknown';
  return fitsMappings(elf, entry - elf.entry, entry, notes) ? 'layout' : 'mismatch';
}

function sameHeaders(a: ElfFile, b: ElfFile): boolean {
  if (a.type !== b.type || a.entry !== b.entry || a.programHeaders.length !== b.programHeaders.length) return false;
  return a.programHeaders.every((header, i) => {
    const other = b.programHeaders[i];
    return (
      other !== undefined &&
      header.type === other.type &&
      header.offset === other.offset &&
      header.vaddr === other.vaddr &&
      header.filesz === other.filesz &&
      header.memsz === other.memsz
    );
  });
}

/** Whether the entry point lies in a PT_LOAD that is mapped where NT_FILE says it is. */
function fitsMappings(elf: ElfFile, bias: number, entry: Address, notes: CoreNotes): boolean {
  if (bias < 0 || bias % PAGE !== 0 || (elf.type === ET_EXEC && bias !== 0)) return false;
  const load = elf.programHeaders.find((h) => h.type === PT_LOAD && h.vaddr !== undefined && h.vaddr + bias <= entry && entry < h.vaddr + bias + h.memsz);
  if (load?.vaddr === undefined) return false;
  const file = notes.files.find((f) => f.start <= entry && entry < f.end);
  return file === undefined || file.start - file.offset === load.vaddr + bias - load.offset;
}

function biasOf(notes: CoreNotes, elf: ElfFile | undefined, module: Module | undefined): number {
  const entry = notes.auxv.get(AT_ENTRY);
  if (entry !== undefined && elf?.entry !== undefined && entry >= elf.entry) return entry - elf.entry;
  return module?.loadBias ?? 0;
}

function useGiven(parts: ExecutableParts, path: string, namedPath: string | undefined, found: Module | undefined, isForced: boolean): Executable {
  const elf = openElf(parts.open(path));
  const module = found ?? (parts.notes.auxv.size === 0 ? findImageLike(parts, path, elf) : undefined);
  const verdict = compare(elf, module, parts.notes);
  if (verdict !== 'mismatch') return use(parts, path, elf, namedPath, module, verdict);
  const coreId = module?.image.buildId;
  const what =
    coreId === undefined
      ? `${path} (build id ${elf.buildId ?? 'none'}) is not laid out like the executable of ${parts.corePath}`
      : `${path} (build id ${elf.buildId ?? 'none'}) is not the executable of ${parts.corePath} (build id ${coreId})`;
  if (!isForced) throw new BinaryMismatchError(what, coreId, elf.buildId);
  parts.warnings.push(what);
  // Its symbols are used as asked; its bytes are not taken for those of the process.
  return { namedPath, path, elf, loadBias: biasOf(parts.notes, elf, module), buildId: coreId, fileBuildId: elf.buildId, match: 'mismatch' };
}

function use(parts: ExecutableParts, path: string, elf: ElfFile, namedPath: string | undefined, module: Module | undefined, verdict: Verdict): Executable {
  const buildId = module?.image.buildId;
  const executable: Executable = {
    namedPath,
    path,
    elf,
    loadBias: biasOf(parts.notes, elf, module),
    buildId,
    fileBuildId: elf.buildId,
    match: verdict === 'build-id' ? 'build-id' : 'absent',
  };
  if (verdict === 'layout') parts.warnings.push(`${path}: the core holds no build id of its executable; the file fits by its layout only`);
  if (verdict === 'unknown') parts.warnings.push(`${path}: the core tells nothing of its executable; whether this is it cannot be checked`);
  if (verdict !== 'unknown' && namedPath !== undefined) parts.memory.attachFile(namedPath, elf.source);
  return executable;
}
