/** The ELF files that the process had loaded, as its core shows them. */
import type { Address } from '../bytes/address.ts';
import { bufferSource } from '../bytes/byte-source.ts';
import { SHN_ABS, STT_TLS } from '../elf/constants.ts';
import { hasElfMagic, openElf, type ElfFile } from '../elf/elf-file.ts';
import type { FileMapping } from '../elf/notes.ts';
import { CoreleakError } from '../errors.ts';
import type { AddressSpace } from './address-space.ts';

/** Enough for an ELF header, its program headers and the build id note behind them; Linux saves the first page only. */
const HEADER_BYTES = 64 * 1024;

/** One ELF file that the process had mapped. */
export interface Module {
  /** As NT_FILE spells it. */
  readonly path: string;
  /** Where the file's first byte was mapped. */
  readonly start: Address;
  /** What the core saved of the file's beginning, parsed: header, program headers, and the build id when it lies there. */
  readonly image: ElfFile;
  /** What to add to an address of the file to get one of the process. */
  readonly loadBias: number;
}

/** Reads the ELF image whose first byte is at `start`; `undefined` when the core did not save it or it is none. */
export function findImage(memory: AddressSpace, path: string, start: Address): Module | undefined {
  const saved = memory.findMapping(start);
  // Only what the core itself holds says which file it was.
  const bytes = new Uint8Array(Math.max(0, Math.min(HEADER_BYTES, saved === undefined ? 0 : saved.savedEnd - start)));
  if (memory.readInto(bytes, start) < bytes.length || !hasElfMagic(bytes)) return undefined;
  try {
    const image = openElf(bufferSource(`${path} in memory`, bytes));
    return image.imageStart === undefined ? undefined : { path, start, image, loadBias: start - image.imageStart };
  } catch (error) {
    if (error instanceof CoreleakError) return undefined;
    throw error;
  }
}

/** The module of `path`: its lowest mapping of the file's first byte that holds an ELF image. */
export function findModule(memory: AddressSpace, files: readonly FileMapping[], path: string): Module | undefined {
  for (const file of files) {
    if (file.path !== path || file.offset !== 0) continue;
    const module = findImage(memory, path, file.start);
    if (module !== undefined) return module;
  }
  return undefined;
}

/** The address in the process of a symbol of `elf`; `undefined` when there is none, or when it is thread-local and so has one address for each thread. */
export function findModuleSymbol(elf: ElfFile, loadBias: number, name: string): Address | undefined {
  const symbol = elf.lookupSymbols([name]).get(name);
  if (symbol === undefined || (symbol.info & 15) === STT_TLS) return undefined;
  return symbol.sectionIndex === SHN_ABS ? symbol.value : symbol.value + loadBias;
}
