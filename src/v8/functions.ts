/** Functions: their names as V8 gives them, the script and the place they were written in, and what bound ones are bound to. */
import { type Address } from '../bytes/address.ts';
import { type HeapView, hasType, instanceTypeAt, isStringAt, readSmi, readTarget, readWord, tryRead } from './heap.ts';
import { isJsFunctionType, typeNumber } from './layout.ts';
import { forEachNamedProperty } from './named-properties.ts';
import { type ScopeInfo, readScopeInfo, stringOfWord } from './scope-info.ts';
import { type SourcePlace, placeInScript } from './scripts.ts';
import { readString, stringLength } from './strings.ts';
import { objectStart, strongTarget } from './tagged.ts';

/** Longest function name that is read in full; generated code may have whole sources for names. */
const NAME_LENGTH = 1024;

/** Bound functions in a row that are followed. */
const MAX_BOUND_CHAIN = 64;

/** How a function was written (objects/function-kind.h). */
type FunctionKind =
  | 'function'
  | 'arrow'
  | 'method'
  | 'class constructor'
  | 'getter'
  | 'setter'
  | 'async'
  | 'async arrow'
  | 'async method'
  | 'generator'
  | 'async generator'
  | 'module'
  | 'class initializer';

/** By V8's number of the kind; the numbers did not change between 9.4 and 14.6. */
const FUNCTION_KINDS: readonly FunctionKind[] = [
  'function',
  'module',
  'module',
  'class constructor',
  'class constructor',
  'class constructor',
  'class constructor',
  'getter',
  'getter',
  'setter',
  'setter',
  'arrow',
  'async arrow',
  'async',
  'async method',
  'async method',
  'async generator',
  'async generator',
  'async generator',
  'generator',
  'generator',
  'generator',
  'method',
  'method',
  'class initializer',
  'class initializer',
];
const INSTANCE_INITIALIZER_KIND = 24;
const STATIC_INITIALIZER_KIND = 25;

/** SharedFunctionInfo::FunctionKindBits: the low bits of the flags. */
const KIND_MASK = 31;

/** What a function definition (a SharedFunctionInfo) says of itself. */
export interface FunctionFacts {
  /** V8's debug name: the name, else what the parser inferred (`exports.handler`); empty for an anonymous function. */
  readonly name: string;
  readonly kind: FunctionKind;
  /** The address of the definition, which all its closures share. */
  readonly shared: Address;
  readonly script: Address | undefined;
  readonly scriptName: string | undefined;
  /** Offset in the source at which its text starts, as Function.prototype.toString gives it; undefined for functions that are not JavaScript. */
  readonly definitionPosition: number | undefined;
  /** Offset at which its parameters start: V8's own position of a function, the one in heap snapshots and in DevTools. */
  readonly startPosition: number | undefined;
  readonly endPosition: number | undefined;
}

/** The definition of the function at `address`, or undefined when there is no function of JavaScript's plain kind. */
export function findSharedFunctionInfo(view: HeapView, address: Address): Address | undefined {
  if (!isJsFunctionType(view.layout, instanceTypeAt(view, address))) return undefined;
  const shared = tryRead(() => readTarget(view, objectStart(address) + view.layout.at.jsFunctionShared));
  return hasType(view, shared, 'SHARED_FUNCTION_INFO') ? shared : undefined;
}

/** The UncompiledData of a definition, which has its place and inferred name until it is compiled, and again after V8 dropped its code. */
function findUncompiledData(view: HeapView, shared: Address): Address | undefined {
  const { at } = view.layout;
  for (const offset of [at.sfiFunctionData, at.sfiUntrustedData]) {
    const data = Number.isNaN(offset) ? undefined : readTarget(view, shared + offset);
    const type = instanceTypeAt(view, data);
    if (type >= 0 && (view.layout.typeNames[type] ?? '').startsWith('UNCOMPILED_DATA')) return data;
  }
  return undefined;
}

function findScopeInfo(view: HeapView, shared: Address): ScopeInfo | undefined {
  const target = readTarget(view, shared + view.layout.at.sfiNameOrScopeInfo);
  return target === undefined ? undefined : readScopeInfo(view, target);
}

function kindNumber(view: HeapView, shared: Address): number {
  return view.memory.readU32(shared + view.layout.at.sfiFlags) & KIND_MASK;
}

/** SharedFunctionInfo::Name: a string of the definition or of its ScopeInfo; undefined when it is empty or there is none. */
function findOwnName(view: HeapView, shared: Address, scope: ScopeInfo | undefined): Address | undefined {
  const word = scope === undefined ? readWord(view, shared + view.layout.at.sfiNameOrScopeInfo) : scope.functionName;
  const name = stringOfWord(view, word);
  return name !== undefined && (stringLength(view, name) ?? 0) > 0 ? name : undefined;
}

/** SharedFunctionInfo::inferred_name. */
function findInferredName(view: HeapView, shared: Address, scope: ScopeInfo | undefined): Address | undefined {
  if (scope !== undefined) return isStringAt(view, scope.inferredName) ? scope.inferredName : undefined;
  const data = findUncompiledData(view, shared);
  const name = data === undefined ? undefined : readTarget(view, data + view.layout.at.uncompiledInferredName);
  return isStringAt(view, name) ? name : undefined;
}

/**
 * The name of the definition at `shared` without what was inferred: what V8's heap snapshot calls a closure.
 * @throws {FaultError} when a part of it is not in the core
 */
export function readSharedName(view: HeapView, shared: Address): string {
  const name = findOwnName(view, shared, findScopeInfo(view, shared));
  return name === undefined ? '' : readString(view, name, NAME_LENGTH);
}

/** V8 names the functions that initialise class fields itself since 12.x (objects/shared-function-info.cc: DebugName). */
const NAMES_INITIALIZERS_FROM_COLUMN = 3;

function readDebugName(view: HeapView, shared: Address, scope: ScopeInfo | undefined): string {
  const kind = kindNumber(view, shared);
  if (view.layout.column >= NAMES_INITIALIZERS_FROM_COLUMN) {
    if (kind === INSTANCE_INITIALIZER_KIND) return '<instance_members_initializer>';
    if (kind === STATIC_INITIALIZER_KIND) return '<static_initializer>';
  }
  const name = findOwnName(view, shared, scope) ?? findInferredName(view, shared, scope);
  return name === undefined ? '' : readString(view, name, NAME_LENGTH);
}

/**
 * V8's debug name of the definition at `shared` (SharedFunctionInfo::DebugName): its name, else the name the parser inferred, else empty.
 * @throws {FaultError} when a part of it is not in the core
 */
function readSharedDebugName(view: HeapView, shared: Address): string {
  return readDebugName(view, shared, findScopeInfo(view, shared));
}

/** The debug name of the function at `address`; undefined when there is no function, or its name is not in the core. */
export function functionName(view: HeapView, address: Address): string | undefined {
  const shared = findSharedFunctionInfo(view, address);
  return shared === undefined ? undefined : tryRead(() => readSharedDebugName(view, shared));
}

/** The script of the definition at `shared`; undefined for functions of C++ and of the language. */
export function findScript(view: HeapView, shared: Address): Address | undefined {
  const { at } = view.layout;
  const script = tryRead(() => readTarget(view, shared + at.sfiScript));
  if (hasType(view, script, 'SCRIPT')) return script;
  if (script === undefined || Number.isNaN(at.debugInfoScript) || !hasType(view, script, 'DEBUG_INFO')) return undefined;
  const original = tryRead(() => readTarget(view, script + at.debugInfoScript));
  return hasType(view, original, 'SCRIPT') ? original : undefined;
}

/** Longest script name that is read in full. */
const SCRIPT_NAME_LENGTH = 4096;

/**
 * The name of the script at `address` as stack traces print it: what a `sourceURL` comment says, else the file or `node:` name it was compiled with.
 * @throws {FaultError} when it is not in the core
 */
export function readScriptName(view: HeapView, address: Address): string | undefined {
  const { at } = view.layout;
  for (const offset of [at.scriptSourceUrl, at.scriptName]) {
    const name = readTarget(view, address + offset);
    if (isStringAt(view, name) && (stringLength(view, name) ?? 0) > 0) return readString(view, name, SCRIPT_NAME_LENGTH);
  }
  return undefined;
}

/** A distance between text and parameters that does not fit its field (objects/shared-function-info.h: kFunctionTokenOutOfRange). */
const TOKEN_OUT_OF_RANGE = 0xffff;

type Positions = Pick<FunctionFacts, 'definitionPosition' | 'startPosition' | 'endPosition'>;
const NO_POSITIONS: Positions = { definitionPosition: undefined, startPosition: undefined, endPosition: undefined };

/** Where a definition is in its script (SharedFunctionInfo::StartPosition, EndPosition and function_token_position). */
function readPositions(view: HeapView, shared: Address, scope: ScopeInfo | undefined): Positions {
  const { at } = view.layout;
  let startPosition = scope?.startPosition;
  let endPosition = scope?.endPosition;
  if (startPosition === undefined) {
    const data = findUncompiledData(view, shared);
    if (data === undefined) return NO_POSITIONS;
    startPosition = view.memory.readI32(data + at.uncompiledStart);
    endPosition = view.memory.readI32(data + at.uncompiledEnd);
  }
  const distance = view.memory.readU16(shared + at.sfiTokenOffset);
  const isNear = distance !== TOKEN_OUT_OF_RANGE && distance <= startPosition;
  return { definitionPosition: isNear ? startPosition - distance : startPosition, startPosition, endPosition };
}

/** Reads the definition at `shared`; undefined when there is none, or a part of it is not in the core. */
export function tryReadSharedFunctionInfo(view: HeapView, shared: Address): FunctionFacts | undefined {
  if (!hasType(view, shared, 'SHARED_FUNCTION_INFO')) return undefined;
  return tryRead(() => {
    const start = objectStart(shared);
    const scope = findScopeInfo(view, start);
    const script = findScript(view, start);
    return {
      name: readDebugName(view, start, scope),
      kind: FUNCTION_KINDS[kindNumber(view, start)] ?? 'function',
      shared: start,
      script,
      scriptName: script === undefined ? undefined : tryRead(() => readScriptName(view, script)),
      ...(script === undefined ? NO_POSITIONS : readPositions(view, start, scope)),
    };
  });
}

/** ClassPositions: start and end of the text of a class, which its constructor keeps under a private symbol (objects/struct.tq). */
const CLASS_START = 8;

/** Where the text of a class starts: its constructor's own text is only that of the method. */
function findClassStart(view: HeapView, address: Address): number | undefined {
  let start: number | undefined;
  forEachNamedProperty(view, address, (property) => {
    const target = property.isAccessor ? undefined : strongTarget(property.value.lo, property.value.hi);
    if (target === undefined || !hasType(view, target, 'CLASS_POSITIONS')) return true;
    start = readSmi(view, target + CLASS_START);
    return false;
  });
  return start;
}

/** Reads the function at `address`; undefined when there is none, or a part of it is not in the core. */
export function tryReadFunction(view: HeapView, address: Address): FunctionFacts | undefined {
  const shared = findSharedFunctionInfo(view, address);
  const facts = shared === undefined ? undefined : tryReadSharedFunctionInfo(view, shared);
  if (facts?.kind !== 'class constructor') return facts;
  const start = tryRead(() => findClassStart(view, address));
  return start === undefined ? facts : { ...facts, definitionPosition: start };
}

/**
 * Where the text of a definition starts in its script: the place that a person looks for. Undefined when it has no script, or neither the
 * script's source nor its table of lines is at hand.
 */
export function functionPlace(view: HeapView, facts: Pick<FunctionFacts, 'script' | 'definitionPosition'>): SourcePlace | undefined {
  if (facts.script === undefined || facts.definitionPosition === undefined) return undefined;
  return placeInScript(view, facts.script, facts.definitionPosition);
}

/** Where the parameters of a definition start in its script: what V8's heap snapshot and DevTools give as the place of a function. */
export function parametersPlace(view: HeapView, facts: Pick<FunctionFacts, 'script' | 'startPosition'>): SourcePlace | undefined {
  if (facts.script === undefined || facts.startPosition === undefined) return undefined;
  return placeInScript(view, facts.script, facts.startPosition);
}

/** The context in which the function at `address` was made; undefined when there is none. */
export function findFunctionContext(view: HeapView, address: Address): Address | undefined {
  if (!isJsFunctionType(view.layout, instanceTypeAt(view, address))) return undefined;
  return tryRead(() => readTarget(view, objectStart(address) + view.layout.at.jsFunctionContext));
}

/** What a bound function leads to. */
export interface BoundFunction {
  /** The function or other callable that is bound, at the end of the chain. */
  readonly target: Address;
  /** How many bound functions stand in a row, this one included. */
  readonly depth: number;
  /** The bound `this` of the function itself. */
  readonly boundThis: { readonly lo: number; readonly hi: number };
  /** The array of the arguments bound by the function itself. */
  readonly boundArguments: Address | undefined;
  /** Whether the chain was longer than is followed, or leads back to itself. */
  readonly isCut: boolean;
}

const BOUND_THIS = 8;
const BOUND_ARGUMENTS = 16;

/** Reads the bound function at `address`; undefined when there is none, or a part of it is not in the core. */
export function tryReadBoundFunction(view: HeapView, address: Address): BoundFunction | undefined {
  if (!hasType(view, address, 'JS_BOUND_FUNCTION')) return undefined;
  return tryRead(() => {
    const start = objectStart(address);
    const offset = view.layout.at.jsBoundTarget;
    let target = readTarget(view, start + offset);
    let depth = 1;
    while (target !== undefined && depth < MAX_BOUND_CHAIN && instanceTypeAt(view, target) === typeNumber(view.layout, 'JS_BOUND_FUNCTION')) {
      target = readTarget(view, target + offset);
      depth++;
    }
    if (target === undefined) return undefined;
    const boundArguments = readWord(view, start + offset + BOUND_ARGUMENTS);
    return {
      target,
      depth,
      boundThis: readWord(view, start + offset + BOUND_THIS),
      boundArguments: strongTarget(boundArguments.lo, boundArguments.hi),
      isCut: depth >= MAX_BOUND_CHAIN,
    };
  });
}

/** The id of the builtin that a definition runs, for functions of the language; undefined for JavaScript and C++ functions. */
export function builtinId(view: HeapView, shared: Address): number | undefined {
  const { at } = view.layout;
  for (const offset of [at.sfiUntrustedData, at.sfiFunctionData]) {
    const id = Number.isNaN(offset) ? undefined : tryRead(() => readSmi(view, objectStart(shared) + offset));
    if (id !== undefined && id > 0) return id;
  }
  return undefined;
}
