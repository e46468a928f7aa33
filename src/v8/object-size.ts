/** Sizes of variable objects, read from the objects' own words (facts/v8-heap.md section 3, objects/*.tq of each version). */
import { type HeapMemoryParts, SLOT_WORDS, slotOfPage } from './heap-memory.ts';
import type { V8Layout } from './layout.ts';
import { SizeKind } from './type-table.ts';

/** The constants that sizes depend on, as plain numbers. */
export interface SizeRules {
  readonly column: number;
  readonly codeHeader: number;
  readonly codeSizeField: number;
  readonly codeAlignment: number;
  readonly scopeFlagsRaw: number;
  readonly scopeFirstVariable: number;
  readonly scopeModuleCountEarly: number;
  readonly scopeNamesInlined: number;
  readonly scopeTypeClass: number;
  readonly scopeTypeEval: number;
  readonly scopeTypeFunction: number;
  readonly scopeTypeModule: number;
  readonly scopeTypeScript: number;
}

/** Takes the constants that sizes depend on from a layout. */
export function sizeRules(layout: V8Layout): SizeRules {
  const { at, column } = layout;
  return {
    column,
    codeHeader: at.codeHeader,
    codeSizeField: at.codeSizeField,
    codeAlignment: at.codeAlignment,
    scopeFlagsRaw: at.scopeFlagsRaw,
    scopeFirstVariable: at.scopeFirstVariable,
    scopeModuleCountEarly: at.scopeModuleCountEarly,
    scopeNamesInlined: at.scopeNamesInlined,
    scopeTypeClass: at.scopeTypeClass,
    scopeTypeEval: at.scopeTypeEval,
    scopeTypeFunction: at.scopeTypeFunction,
    scopeTypeModule: at.scopeTypeModule,
    scopeTypeScript: at.scopeTypeScript,
  };
}

/** Columns of TABLE_VERSIONS at which structures changed. */
const V10_2 = 1;
const V11_3 = 2;
const V12_4 = 3;
const V13_6 = 4;
const V14_6 = 5;

/** More context locals than a ScopeInfo can have: lies are cut off here. */
const MAX_LOCALS = 1 << 20;

/** Words of `bytes`, rounded up. */
const toWords = (bytes: number): number => Math.floor((bytes + 7) / 8);

/**
 * The number of 8-byte words of a ScopeInfo that starts at `words[w]`, or 0 for one that makes no sense. Its parts follow from the flags word:
 * fixed part, names and infos of context locals, then the optional parts in order (objects/scope-info.tq).
 */
function scopeInfoWords(rules: SizeRules, words: Uint32Array, w: number): number {
  const flags = rules.scopeFlagsRaw === 1 ? words[w + 2]! : words[w + 3]!;
  const locals = words[w + 7]! | 0;
  if (locals < 0 || locals > MAX_LOCALS) return 0;
  const type = flags & 15;
  const isModule = type === rules.scopeTypeModule;
  let n = 1 + rules.scopeFirstVariable;
  let moduleVariables = 0;
  if (rules.scopeModuleCountEarly === 1 && isModule) moduleVariables = words[w + 2 * n++ + 1]! | 0;
  n += (locals < rules.scopeNamesInlined ? locals : 1) + locals;
  if ((flags & (1 << 10)) !== 0) n++; // saved class variable
  const receiver = (flags >> 7) & 3;
  if (rules.column < V10_2 && (receiver === 1 || receiver === 2)) n++; // receiver info
  if (((flags >> 12) & 3) !== 0) n += 2; // function variable: name and slot
  if ((flags & (1 << 14)) !== 0) n++; // inferred function name
  if (rules.column < V13_6) {
    const isEmpty = (flags & (1 << 29)) !== 0;
    const SHADOW_REALM = 8;
    const hasPosition =
      type === rules.scopeTypeFunction ||
      type === rules.scopeTypeScript ||
      type === rules.scopeTypeEval ||
      isModule ||
      (rules.column >= V11_3 && type === SHADOW_REALM) ||
      (rules.column >= V10_2 && !isEmpty && type === rules.scopeTypeClass);
    if (hasPosition) n += 2;
  }
  if ((flags & (1 << 22)) !== 0) n++; // outer scope info
  if (rules.column < V13_6 && (flags & (1 << 28)) !== 0) n++; // locals block list
  if (isModule) {
    n++; // module info
    if (rules.scopeModuleCountEarly !== 1) moduleVariables = words[w + 2 * n++ + 1]! | 0;
    if (moduleVariables < 0 || moduleVariables > MAX_LOCALS) return 0;
    n += 3 * moduleVariables;
  }
  if (rules.column === V13_6 && (flags & (1 << 4)) !== 0) n++; // dependent code
  if (rules.column >= V14_6 && type === rules.scopeTypeFunction) n++; // unused parameter bits
  return n;
}

/** Makes sure that the page of a slot is in the heap memory before words of it are read. */
export type EnsureLoaded = (slot: number) => void;

/** Bytes of instructions and metadata of a code object, or -1 when the Code object that says so is not in the heap memory. */
function codeBytes(rules: SizeRules, parts: HeapMemoryParts, words: Uint32Array, w: number, ensureLoaded: EnsureLoaded): number {
  if (rules.column >= V12_4) return words[w + rules.codeSizeField / 4]!;
  if (rules.column < V11_3) return words[w + rules.codeSizeField / 4]! + words[w + rules.codeSizeField / 4 + 1]!;
  // 11.3: the InstructionStream's Code object, its first field, has the sizes.
  const lo = words[w + 2]!;
  const hi = words[w + 3]!;
  if ((lo & 7) !== 1 || hi >>> 15 !== 0) return -1;
  const slot = slotOfPage(parts, (hi << 14) | (lo >>> 18));
  if (slot < 0) return -1;
  ensureLoaded(slot);
  const code = slot * SLOT_WORDS * 2 + ((lo & 0x3fff8) >>> 2);
  return parts.words[code + rules.codeSizeField / 4]! + parts.words[code + rules.codeSizeField / 4 + 1]!;
}

/** The number of 8-byte words of the object that starts at `words[w]`, 0 when its words make no sense or its kind has no rule. `param` is the map's, see SizeKind. */
export function variableWords(
  rules: SizeRules,
  parts: HeapMemoryParts,
  words: Uint32Array,
  w: number,
  kind: number,
  param: number,
  ensureLoaded: EnsureLoaded,
): number {
  const length32 = words[w + 2]!;
  const smi = words[w + 3]! | 0;
  switch (kind) {
    case SizeKind.words:
      return smi < 0 ? 0 : param / 8 + smi;
    case SizeKind.bytes:
      return smi < 0 ? 0 : 2 + toWords(smi);
    case SizeKind.seqOneByte:
      return 2 + toWords(words[w + 3]!);
    case SizeKind.seqTwoByte:
      return 2 + toWords(words[w + 3]! * 2);
    case SizeKind.descriptors:
      return param / 8 + 3 * (length32 & 0xffff);
    case SizeKind.propertyArray:
      return 2 + (smi & 0x3ff);
    case SizeKind.feedbackVector:
      return param / 8 + length32;
    case SizeKind.feedbackMetadata:
      return toWords(16 + 4 * Math.ceil(length32 / 6) + param * words[w + 3]!);
    case SizeKind.bytecode:
      return smi < 0 ? 0 : toWords(param + smi);
    case SizeKind.freeSpace:
      return param === 1 ? smi >> 3 : smi;
    case SizeKind.bigInt:
      return 2 + ((length32 >>> 1) & 0x3fffffff);
    case SizeKind.scopeInfo:
      return scopeInfoWords(rules, words, w);
    case SizeKind.preparseData:
      return 2 + toWords(length32) + words[w + 3]!;
    case SizeKind.smallOrdered: {
      const prefix = param === 3 ? 8 : 0; // a name dictionary has its hash before the counters
      const buckets = (words[w + 2 + prefix / 4]! >>> 16) & 0xff;
      const capacity = buckets * 2;
      const data = toWords(8 + prefix + 3) * 8;
      return toWords(data + capacity * param * 8 + buckets + capacity);
    }
    case SizeKind.coverage:
      return toWords(16 + 16 * length32);
    case SizeKind.code: {
      const bytes = codeBytes(rules, parts, words, w, ensureLoaded);
      if (bytes < 0) return 0;
      const header = rules.column === V11_3 ? 16 : rules.codeHeader;
      return (Math.ceil((header + bytes) / rules.codeAlignment) * rules.codeAlignment) / 8;
    }
    case SizeKind.mapOnly:
      return 1;
    default:
      return 0;
  }
}
