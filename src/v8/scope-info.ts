/** ScopeInfo: what V8 keeps of a scope of the source - its kind, the names of the variables that live in contexts, its place in the script. */
import { type Address } from '../bytes/address.ts';
import { type HeapView, findMapOf, isStringAt, readArrayLength, readSmi, readTarget, readWord } from './heap.ts';
import { typeNumber } from './layout.ts';
import { readString } from './strings.ts';
import { WORD_SIZE, type Word, objectStart, smiValue, strongTarget } from './tagged.ts';

/** The facts of one ScopeInfo. Positions are offsets in the source of the script. */
export interface ScopeInfo {
  readonly address: Address;
  readonly scopeType: ScopeType;
  readonly functionKind: number;
  /** Variables that live in the context. */
  readonly contextLocalCount: number;
  /** The first slot of a context of this scope that holds a variable. */
  readonly contextHeaderLength: number;
  /** The word where V8 has the name of the function: a string, or Smi 0 for one that has no name shared by all its closures. */
  readonly functionName: Word | undefined;
  /** The slot of the context in which a named function expression keeps itself, when it does. */
  readonly functionNameSlot: number | undefined;
  readonly inferredName: Address | undefined;
  readonly startPosition: number | undefined;
  readonly endPosition: number | undefined;
  readonly outer: Address | undefined;
  /** The word, counted from behind the map, at which the part of a module's scope starts. */
  readonly modulePart: number | undefined;
}

export type ScopeType = 'class' | 'eval' | 'function' | 'module' | 'script' | 'catch' | 'block' | 'with' | 'other';

/** Bits of ScopeFlags (objects/scope-info.tq, the same from 9.4 to 14.6 as far as they are used here). */
const SCOPE_TYPE_MASK = 15;
const RECEIVER_SHIFT = 7;
const HAS_SAVED_CLASS_VARIABLE = 1 << 10;
const FUNCTION_VARIABLE_SHIFT = 12;
const HAS_INFERRED_NAME = 1 << 14;
const FUNCTION_KIND_SHIFT = 17;
const HAS_OUTER = 1 << 22;
const HAS_CONTEXT_EXTENSION = 1 << 26;
const HAS_LOCALS_BLOCK_LIST = 1 << 28;
const IS_EMPTY = 1 << 29;
/** VariableAllocationInfo: NONE, STACK, CONTEXT, UNUSED. */
const ALLOCATION_MASK = 3;
const IN_CONTEXT = 2;
const ON_STACK = 1;

const LOCAL_COUNT_WORD = 2;

/** More variables in one scope than this are damage: V8's parser gives up at 4,194,303 (ast/scopes.h: kMaxLocals of the register file). */
const MAX_LOCALS = 1 << 22;

function scopeTypeOf(view: HeapView, flags: number): ScopeType {
  const { at } = view.layout;
  const type = flags & SCOPE_TYPE_MASK;
  if (type === at.scopeTypeClass) return 'class';
  if (type === at.scopeTypeEval) return 'eval';
  if (type === at.scopeTypeFunction) return 'function';
  if (type === at.scopeTypeModule) return 'module';
  if (type === at.scopeTypeScript) return 'script';
  // The block-like scopes follow the others in the same order before and after 13.x put SCRIPT and REPL first (common/globals.h: enum ScopeType).
  switch (type - Math.max(at.scopeTypeModule, at.scopeTypeScript)) {
    case 1:
      return 'catch';
    case 2:
      return 'block';
    case 3:
      return 'with';
    default:
      return 'other';
  }
}

/** Whether the positions stand behind the names, as they did before 13.x gave every ScopeInfo two fixed words for them. */
function hasLatePositions(view: HeapView, type: ScopeType, flags: number): boolean {
  switch (type) {
    case 'function':
    case 'script':
    case 'eval':
    case 'module':
      return true;
    case 'class':
      return view.layout.column > 0 && (flags & IS_EMPTY) === 0;
    default:
      return (flags & SCOPE_TYPE_MASK) === view.layout.at.scopeTypeScript + 4 && view.layout.column >= 2;
  }
}

/** Address of a word of a ScopeInfo, counted from behind the map. */
function wordAt(address: Address, index: number): Address {
  return address + WORD_SIZE * (index + 1);
}

function readFlags(view: HeapView, address: Address): number | undefined {
  return view.layout.at.scopeFlagsRaw === 1 ? view.memory.readU32(wordAt(address, 0)) : readSmi(view, wordAt(address, 0));
}

/** The word at which the names (or their hash table) start, and the words they take. */
function namesOf(view: HeapView, flags: number, count: number): { readonly first: number; readonly words: number } {
  const { at } = view.layout;
  const isModule = (flags & SCOPE_TYPE_MASK) === at.scopeTypeModule;
  return { first: at.scopeFirstVariable + (isModule ? at.scopeModuleCountEarly : 0), words: count < at.scopeNamesInlined ? count : 1 };
}

/**
 * Reads the ScopeInfo at `address`; undefined when there is none, or its counts cannot be true.
 * @throws {FaultError} when a part of it is not in the core
 */
export function readScopeInfo(view: HeapView, address: Address): ScopeInfo | undefined {
  const start = objectStart(address);
  if (findMapOf(view, start)?.instanceType !== typeNumber(view.layout, 'SCOPE_INFO')) return undefined;
  const flags = readFlags(view, start);
  const count = readSmi(view, wordAt(start, LOCAL_COUNT_WORD));
  if (flags === undefined || count === undefined || count < 0 || count > MAX_LOCALS) return undefined;
  const scopeType = scopeTypeOf(view, flags);
  const names = namesOf(view, flags, count);
  let word = names.first + names.words + count;
  if ((flags & HAS_SAVED_CLASS_VARIABLE) !== 0) word++;
  // Before 10.x a receiver had a word for its slot (objects/scope-info.tq: receiver_info, 9.4).
  const receiver = (flags >>> RECEIVER_SHIFT) & ALLOCATION_MASK;
  if (view.layout.column === 0 && (receiver === IN_CONTEXT || receiver === ON_STACK)) word++;
  const variable = (flags >>> FUNCTION_VARIABLE_SHIFT) & ALLOCATION_MASK;
  let functionName: Word | undefined;
  let functionNameSlot: number | undefined;
  if (variable !== 0) {
    functionName = readWord(view, wordAt(start, word));
    if (variable === IN_CONTEXT) functionNameSlot = readSmi(view, wordAt(start, word + 1));
    word += 2;
  }
  let inferredName: Address | undefined;
  if ((flags & HAS_INFERRED_NAME) !== 0) inferredName = readTarget(view, wordAt(start, word++));
  let position: number | undefined;
  if (view.layout.at.scopeFlagsRaw === 1) position = view.layout.at.scopeFirstVariable - 2;
  else if (hasLatePositions(view, scopeType, flags)) {
    position = word;
    word += 2;
  }
  const outer = (flags & HAS_OUTER) === 0 ? undefined : readTarget(view, wordAt(start, word++));
  if (view.layout.at.scopeFlagsRaw === 0 && (flags & HAS_LOCALS_BLOCK_LIST) !== 0) word++;
  return {
    address: start,
    scopeType,
    functionKind: (flags >>> FUNCTION_KIND_SHIFT) & 31,
    contextLocalCount: count,
    contextHeaderLength: view.layout.at.contextMinSlots + ((flags & HAS_CONTEXT_EXTENSION) === 0 ? 0 : 1),
    functionName,
    functionNameSlot,
    inferredName,
    startPosition: position === undefined ? undefined : readSmi(view, wordAt(start, position)),
    endPosition: position === undefined ? undefined : readSmi(view, wordAt(start, position + 1)),
    outer,
    modulePart: scopeType === 'module' ? word : undefined,
  };
}

/** Longest variable name that is read in full. */
const NAME_LENGTH = 256;

/** The key-value pairs of a NameToIndexHashTable start here (objects/hash-table.h: counts of elements, deleted elements and capacity stand before them). */
const TABLE_START = 3;

function readHashedNames(view: HeapView, table: Address, names: (string | undefined)[], limit: number): void {
  const length = readArrayLength(view, table);
  if (length === undefined) return;
  const data = table + view.layout.at.fixedArrayData;
  for (let i = TABLE_START; i + 1 < length; i += 2) {
    const value = smiValue(readWord(view, data + (i + 1) * WORD_SIZE));
    if (value === undefined || value < 0 || value >= limit) continue;
    const key = readTarget(view, data + i * WORD_SIZE);
    if (isStringAt(view, key)) names[value] = readString(view, key, NAME_LENGTH);
  }
}

/**
 * The names of the variables of a scope that live in its contexts, in the order of their slots, at most `limit`; undefined for a name that cannot be read.
 * A scope with many variables keeps them in a hash table instead of a row (objects/scope-info.h: kScopeInfoMaxInlinedLocalNamesSize).
 * @throws {FaultError} when a part of them is not in the core
 */
export function readContextLocalNames(view: HeapView, scope: ScopeInfo, limit: number): (string | undefined)[] {
  const flags = readFlags(view, scope.address) ?? 0;
  const { first, words } = namesOf(view, flags, scope.contextLocalCount);
  const count = Math.min(scope.contextLocalCount, limit);
  const names = new Array<string | undefined>(count).fill(undefined);
  if (words === 1 && scope.contextLocalCount >= view.layout.at.scopeNamesInlined) {
    const table = readTarget(view, wordAt(scope.address, first));
    if (table !== undefined) readHashedNames(view, table, names, count);
    return names;
  }
  for (let i = 0; i < count; i++) {
    const name = readTarget(view, wordAt(scope.address, first + i));
    if (isStringAt(view, name)) names[i] = readString(view, name, NAME_LENGTH);
  }
  return names;
}

/** The string that a word of a ScopeInfo refers to, if it does. */
export function stringOfWord(view: HeapView, word: Word | undefined): Address | undefined {
  const target = word === undefined ? undefined : strongTarget(word.lo, word.hi);
  return isStringAt(view, target) ? target : undefined;
}

/** A variable of a module that other modules can see, or that is theirs: exports count up from 1, imports down from -1. */
export interface ModuleVariable {
  readonly name: string | undefined;
  readonly cellIndex: number;
}

/** ModuleVariable: name, index, properties. */
const MODULE_VARIABLE_WORDS = 3;

/**
 * The variables of a module's scope that live in cells, at most `limit`: what it exports and imports. The others are in its context.
 * @throws {FaultError} when a part of them is not in the core
 */
export function readModuleVariables(view: HeapView, scope: ScopeInfo, limit: number): ModuleVariable[] {
  if (scope.modulePart === undefined) return [];
  const { at } = view.layout;
  // SourceTextModuleInfo stands first; the count moved to the front in 12.x.
  let word = scope.modulePart + 1;
  const count = at.scopeModuleCountEarly === 1 ? readSmi(view, wordAt(scope.address, at.scopeFirstVariable)) : readSmi(view, wordAt(scope.address, word++));
  const variables: ModuleVariable[] = [];
  for (let i = 0; i < Math.min(count ?? 0, limit, MAX_LOCALS); i++, word += MODULE_VARIABLE_WORDS) {
    const name = readTarget(view, wordAt(scope.address, word));
    const cellIndex = readSmi(view, wordAt(scope.address, word + 1));
    if (cellIndex !== undefined) variables.push({ name: isStringAt(view, name) ? readString(view, name, NAME_LENGTH) : undefined, cellIndex });
  }
  return variables;
}
