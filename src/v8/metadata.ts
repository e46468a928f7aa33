/** Collects what the binary and its memory say about V8 and Node: the `v8dbg_` constants and the version strings. */
import type { Target } from '../target/target.ts';
import { FaultError } from '../errors.ts';

/** The executable's ELF file, as the target opened it. */
export type TargetElf = NonNullable<Target['executable']['elf']>;

/** The postmortem constants of one V8 build. */
export interface V8Metadata {
  /** `v8dbg_` names without the prefix, as they stand in the symbol table, with their values. */
  readonly constants: ReadonlyMap<string, number>;
  /** Field offsets by `Class.field`: the type at the end of a symbol's name changes between versions, so it is left out. */
  readonly fields: ReadonlyMap<string, number>;
  /** Instance types by name without `_TYPE`, such as `JS_ARRAY`. */
  readonly types: ReadonlyMap<string, number>;
  readonly nodeVersion: string | undefined;
  readonly v8Version: string | undefined;
}

const PREFIX = 'v8dbg_';

/**
 * Reads the constants from the executable file, which holds them in .dynsym too, so that a stripped binary serves.
 * A constant in .bss has no bytes in the file: by ELF's rule its value is 0.
 */
function readV8Constants(elf: TargetElf): ReadonlyMap<string, number> {
  const constants = new Map<string, number>();
  const exported = elf.exportedSymbolsWithPrefix(PREFIX);
  for (const symbol of exported.length > 0 ? exported : elf.symbolsWithPrefix(PREFIX)) {
    const name = symbol.name.slice(PREFIX.length);
    if (name.startsWith('parent_') || constants.has(name)) continue;
    const bytes = elf.readAtVirtualAddress(symbol.value, 4);
    constants.set(name, new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true));
  }
  return constants;
}

/** Splits constants into field offsets and instance types; the key of a field is `Class.field` whatever type follows in the symbol. */
export function indexConstants(constants: ReadonlyMap<string, number>): Pick<V8Metadata, 'fields' | 'types'> {
  const fields = new Map<string, number>();
  const types = new Map<string, number>();
  for (const [name, value] of constants) {
    if (name.startsWith('class_')) {
      const [owner, field] = name.slice('class_'.length).split('__');
      if (owner !== undefined && field !== undefined && !fields.has(`${owner}.${field}`)) fields.set(`${owner}.${field}`, value);
    } else if (name.startsWith('type_')) {
      const type = /__(.+?)(?:_TYPE)?$/.exec(name)?.[1];
      if (type !== undefined) types.set(type, value);
    }
  }
  return { fields, types };
}

const MAX_VERSION_LENGTH = 64;

/** The bytes as a version number, or undefined when they are anything else. */
function versionText(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString('latin1');
  return /^[0-9]+\.[0-9]+[\w.+-]*$/.test(text) ? text : undefined;
}

/**
 * The version in a libstdc++ `std::string`, and the size of such a string: {pointer, length, buffer} of 32 bytes, or the older
 * copy-on-write form (the official Node 16) of one pointer whose length stands 24 bytes before the text.
 */
function readVersionString(target: Target, address: number): { readonly text: string; readonly size: number } | undefined {
  const start = target.memory.readPointer(address);
  if (start === undefined || start < 0x1000) return undefined;
  for (const form of [
    { lengthAt: address + 8, size: 32 },
    { lengthAt: start - 24, size: 8 },
  ]) {
    if (!target.memory.isReadable(form.lengthAt, 8)) continue;
    const length = target.memory.readU32(form.lengthAt);
    if (length === 0 || length > MAX_VERSION_LENGTH || target.memory.readU32(form.lengthAt + 4) !== 0 || !target.memory.isReadable(start, length)) continue;
    const text = versionText(target.memory.readBytes(start, length));
    if (text !== undefined) return { text, size: form.size };
  }
  return undefined;
}

/** V8's version from its own numbers: `12.4`. Source: src/utils/version.h, class Version. */
function readV8Numbers(target: Target): string | undefined {
  const numbers = ['major', 'minor', 'build', 'patch'].map((part) => target.findSymbol(`_ZN2v88internal7Version6${part}_E`));
  if (numbers[0] === undefined || numbers[1] === undefined) return undefined;
  return numbers.map((address) => (address === undefined ? 0 : target.memory.readU32(address))).join('.');
}

/**
 * Reads Node's version table, `node::per_process::metadata`: its first members are the strings of process.versions, `node` and `v8` leading.
 * Source: src/node_metadata.h, class Metadata, struct Versions (v16 to v26).
 */
function readVersions(target: Target): Pick<V8Metadata, 'nodeVersion' | 'v8Version'> {
  try {
    const table = target.findSymbol('_ZN4node11per_process8metadataE');
    const node = table === undefined ? undefined : readVersionString(target, table);
    const v8 = table === undefined || node === undefined ? undefined : readVersionString(target, table + node.size);
    return { nodeVersion: node?.text, v8Version: v8?.text ?? readV8Numbers(target) };
  } catch (error) {
    if (error instanceof FaultError) return { nodeVersion: undefined, v8Version: undefined };
    throw error;
  }
}

/** Collects everything the executable and the core say about the engine. */
export function readMetadata(target: Target, elf: TargetElf): V8Metadata {
  const constants = readV8Constants(elf);
  return { constants, ...indexConstants(constants), ...readVersions(target) };
}
