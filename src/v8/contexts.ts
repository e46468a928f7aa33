/** What closures hold: the chain of contexts, with the names of their variables and the words in their slots. */
import { type Address } from '../bytes/address.ts';
import { type HeapView, hasType, instanceTypeAt, readSmi, readTarget, readWord, tryRead } from './heap.ts';
import { isContextType, typeNumber } from './layout.ts';
import { readModuleBindings } from './modules.ts';
import { type ScopeInfo, type ScopeType, readContextLocalNames, readScopeInfo, stringOfWord } from './scope-info.ts';
import { tryReadString } from './strings.ts';
import { WORD_SIZE, type Word, objectStart, strongTarget } from './tagged.ts';

/** What made a context; `native` is the global scope of a realm, at the end of every chain. */
export type ContextKind = 'await' | 'block' | 'catch' | 'debug-evaluate' | 'eval' | 'function' | 'module' | 'native' | 'script' | 'with' | 'unknown';

/** Kinds by distance from the first context type (objects/contexts.tq; types are numbered by name). */
const CONTEXT_KINDS: readonly ContextKind[] = ['await', 'block', 'catch', 'debug-evaluate', 'eval', 'function', 'module', 'native', 'script', 'with'];

/** What a slot holds. */
interface SlotValue {
  readonly value: Word;
  /** The variable's value where V8 keeps it as a plain double, without an object of its own; `value` is then of no meaning. */
  readonly number: number | undefined;
}

/** One variable of a context. */
interface ContextVariable extends SlotValue {
  /** Undefined when the scope's table of names cannot be read. */
  readonly name: string | undefined;
  /** Its index in the context; undefined for a module's exports and imports, which live in cells of their own. */
  readonly slot: number | undefined;
}

/** One context of a chain. */
export interface ContextFrame {
  readonly address: Address;
  readonly kind: ContextKind;
  readonly scopeType: ScopeType | undefined;
  readonly scope: ScopeInfo | undefined;
  readonly variables: readonly ContextVariable[];
  /** Variables that the scope has; more than `variables` when the limit cut them. */
  readonly variableCount: number;
  /** What a `with` statement or a module is about: the object in the extension slot. */
  readonly extension: Word | undefined;
}

/** A chain of contexts from the inside out. */
export interface ContextChain {
  readonly frames: readonly ContextFrame[];
  /** The chain leads back to itself, is longer than the limit, or breaks off at something that is no context. */
  readonly isCut: boolean;
}

/** How much of a chain is read. */
export interface ContextLimits {
  readonly maxFrames?: number;
  readonly maxVariables?: number;
}

const MAX_FRAMES = 256;
const MAX_VARIABLES = 10_000;
const NAME_LENGTH = 256;

function kindOf(view: HeapView, type: number): ContextKind {
  return CONTEXT_KINDS[type - view.layout.at.firstContextType] ?? 'unknown';
}

/** Address of a context's slot. */
function slotAddress(view: HeapView, context: Address, slot: number): Address {
  return context + view.layout.at.fixedArrayData + slot * WORD_SIZE;
}

/** The kind of the context at `address`; undefined when there is none. */
export function contextKindAt(view: HeapView, address: Address): ContextKind | undefined {
  const type = instanceTypeAt(view, address);
  return isContextType(view.layout, type) ? kindOf(view, type) : undefined;
}

/** The value behind a slot: since 14.x a slot may hold a cell that holds it (objects/contexts.h: ContextCell). */
function valueInSlot(view: HeapView, word: Word): SlotValue {
  const target = strongTarget(word.lo, word.hi);
  const inCell = target !== undefined && hasType(view, target, 'CONTEXT_CELL') ? readContextCell(view, target) : undefined;
  return inCell ?? { value: word, number: undefined };
}

/** States of a ContextCell whose number stands untagged behind the word (objects/contexts.h: ContextCell::State). */
const CELL_INT32 = 2;
const CELL_FLOAT64 = 3;

/** A variable's value within a ContextCell. A number that the cell holds untagged is found in `number`. */
function readContextCell(view: HeapView, cell: Address): SlotValue | undefined {
  const { at } = view.layout;
  return tryRead(() => {
    const state = view.memory.readU32(cell + at.contextCellState);
    if (state === CELL_INT32) return { value: { lo: 0, hi: view.memory.readI32(cell + at.contextCellNumber) }, number: undefined };
    const value = readWord(view, cell + at.contextCellValue);
    return { value, number: state === CELL_FLOAT64 ? view.memory.readF64(cell + at.contextCellNumber) : undefined };
  });
}

function readVariables(view: HeapView, context: Address, scope: ScopeInfo, length: number, limit: number): ContextVariable[] {
  const names = readContextLocalNames(view, scope, limit);
  const variables: ContextVariable[] = [];
  for (const [i, name] of names.entries()) {
    const slot = scope.contextHeaderLength + i;
    if (slot >= length) break;
    variables.push({ name, ...valueInSlot(view, readWord(view, slotAddress(view, context, slot))), slot });
  }
  // A named function expression that is used inside itself has a slot of its own behind the others.
  const own = scope.functionNameSlot;
  if (own !== undefined && own < length && variables.length < limit && !variables.some((variable) => variable.slot === own)) {
    const name = stringOfWord(view, scope.functionName);
    const text = name === undefined ? undefined : tryReadString(view, name, NAME_LENGTH)?.text;
    variables.push({ name: text, ...valueInSlot(view, readWord(view, slotAddress(view, context, own))), slot: own });
  }
  return variables;
}

function readFrame(view: HeapView, context: Address, type: number, limit: number): ContextFrame {
  const { at } = view.layout;
  const kind = kindOf(view, type);
  const length = readSmi(view, context + at.fixedArrayLength) ?? 0;
  const info = readTarget(view, slotAddress(view, context, at.contextScopeInfo));
  const scope = info === undefined ? undefined : tryRead(() => readScopeInfo(view, info));
  // The native context's slots are V8's own, and its scope has no variables.
  const isNative = type === typeNumber(view.layout, 'NATIVE_CONTEXT');
  const variables = scope === undefined || isNative ? [] : (tryRead(() => readVariables(view, context, scope, length, limit)) ?? []);
  const hasExtension = scope !== undefined && scope.contextHeaderLength > at.contextMinSlots && length > at.contextMinSlots;
  const module = kind === 'module' && hasExtension ? readTarget(view, slotAddress(view, context, at.contextMinSlots)) : undefined;
  if (module !== undefined) {
    const bindings = tryRead(() => readModuleBindings(view, module, scope!, limit - variables.length)) ?? [];
    variables.push(...bindings.map((binding) => ({ ...binding, number: undefined, slot: undefined })));
  }
  return {
    address: context,
    kind,
    scopeType: scope?.scopeType,
    scope,
    variables,
    variableCount: isNative ? 0 : Math.max(scope?.contextLocalCount ?? 0, variables.length),
    extension: hasExtension && !isNative ? readWord(view, slotAddress(view, context, at.contextMinSlots)) : undefined,
  };
}

/** Reads the chain that starts with the context at `address`, up to and with the native context. Never throws: it is cut where it cannot be read. */
export function readContextChain(view: HeapView, address: Address, limits: ContextLimits = {}): ContextChain {
  const maxFrames = limits.maxFrames ?? MAX_FRAMES;
  const seen = new Set<Address>();
  const frames: ContextFrame[] = [];
  let context: Address | undefined = objectStart(address);
  while (context !== undefined) {
    const type = instanceTypeAt(view, context);
    if (!isContextType(view.layout, type) || seen.has(context) || frames.length >= maxFrames) return { frames, isCut: true };
    seen.add(context);
    const current: Address = context;
    const frame = tryRead(() => readFrame(view, current, type, limits.maxVariables ?? MAX_VARIABLES));
    if (frame === undefined) return { frames, isCut: true };
    frames.push(frame);
    if (frame.kind === 'native') return { frames, isCut: false };
    context = tryRead(() => readTarget(view, slotAddress(view, current, view.layout.at.contextPrevious)));
  }
  return { frames, isCut: true };
}

/** The name of the function whose call made a context, if its scope tells; empty for an anonymous one. */
export function contextFunctionName(view: HeapView, frame: ContextFrame): string {
  const own = frame.scope === undefined ? undefined : (stringOfWord(view, frame.scope.functionName) ?? frame.scope.inferredName);
  return own === undefined ? '' : (tryReadString(view, own, NAME_LENGTH)?.text ?? '');
}
