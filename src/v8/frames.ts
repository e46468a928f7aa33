/**
 * The JavaScript frames of a thread. V8 chains its frames by their frame pointers; where JavaScript calls C++ it notes the last frame in the isolate, and
 * where C++ calls JavaScript the new entry frame keeps that note. So native frames are stepped over without being read, whatever compiled them.
 *
 * Offsets are from execution/frame-constants.h, the same from 9.4 to 14.6 but for rows of canned.ts.
 */
import type { Address, AddressRange } from '../bytes/address.ts';
import type { Thread } from '../target/thread.ts';
import { codeTierAt } from './frame-code.ts';
import { type HeapView, hasType, instanceTypeAt, oddballAt, readSmi, readTarget, readWord, tryRead } from './heap.ts';
import { builtinId, findSharedFunctionInfo } from './functions.ts';
import type { Isolate } from './isolate.ts';
import { type V8Layout, isContextType } from './layout.ts';
import { WORD_SIZE, type Word } from './tagged.ts';

/**
 * `interpreted` and `baseline` frames run bytecode, `maglev` and `turbofan` ones (`optimised` where that cannot be told) code into which other functions may be
 * inlined: those are not found; `builtin` ones a function of the language; `exit` calls C++ and has a function when that is one of the language or of a C++
 * binding; `entry` was called by C++; `construct` stands below a constructor; `wasm`; `internal` for V8's own stubs.
 */
type FrameKind = 'interpreted' | 'baseline' | 'maglev' | 'turbofan' | 'optimised' | 'builtin' | 'exit' | 'entry' | 'construct' | 'wasm' | 'internal';

/** One frame. Addresses are of the stack of the thread; a frame's words end where those of its caller start. */
export interface JsFrame {
  /** The frame pointer: where the caller's own is saved, with the return address above it. */
  readonly fp: Address;
  /** Where the frame goes on when what it called returns: the thread's rip for the innermost; undefined where C++ was called. */
  readonly pc: Address | undefined;
  readonly kind: FrameKind;
  readonly function: Address | undefined;
  /** The receiver (`this`) of a frame with a function. */
  readonly receiver: Word | undefined;
  /** How many arguments the call gave, the receiver not counted. */
  readonly argumentCount: number;
  /** Address of the word of the first argument; the others follow it, the receiver stands before it. 0 without a function. */
  readonly argumentsAt: Address;
  /** Registers and expressions: the words below the frame pointer. */
  readonly expressions: AddressRange;
  /** What an interpreted or baseline frame runs, and how many registers it has. */
  readonly bytecodeArray: Address | undefined;
  readonly registerCount: number;
  /** Offset of the bytecode that an interpreted frame is at. */
  readonly bytecodeOffset: number | undefined;
}

export interface JsStack {
  /** Innermost first. */
  readonly frames: readonly JsFrame[];
  /** Whether the walk reached the outermost entry of JavaScript. */
  readonly isComplete: boolean;
}

const CONTEXT_OR_TYPE = -8;
const FUNCTION = -16;
const ARGUMENT_COUNT = -24;
const BYTECODE_ARRAY = -32;
const BYTECODE_OFFSET = -40;
const RECEIVER = 16;
/** EntryFrameConstants::kNextExitFrameFPOffset on x86-64: below the marker, the context's slot and five saved registers. */
const NEXT_EXIT = -64;
/** BuiltinExitFrameConstants: new.target, target, argc and, before 14.x, padding, then the receiver. */
const EXIT_TARGET = 24;
const EXIT_ARGUMENT_COUNT = 32;
const EXIT_PADDING = 40;
/** The words above an API exit frame among which its function is (ApiCallbackExitFrameConstants; the place changed in every version). */
const API_EXIT_FUNCTION = [16, 24, 32, 40, 48] as const;

const MAX_FRAMES = 1 << 20;
/** Frames looked at to find the innermost one. */
const MAX_SEARCH = 1 << 18;
const MAX_ARGUMENTS = 1 << 16;
/** Words of an isolate that are looked at: ThreadLocalTop lies before the heap in all versions. */
const MAX_ISOLATE_BYTES = 1 << 18;

/** The kinds of typed frames by V8's names; all others are V8's own stubs. */
function kindOfType(name: string): FrameKind {
  if (name === 'EntryFrame' || name === 'ConstructEntryFrame') return 'entry';
  if (name.endsWith('ExitFrame') && !name.startsWith('Wasm')) return 'exit';
  if (name === 'ConstructFrame' || name === 'FastConstructFrame') return 'construct';
  if (name === 'BuiltinFrame' || name.startsWith('JavaScriptBuiltinContinuation')) return 'builtin';
  return name.includes('Wasm') ? 'wasm' : 'internal';
}

/** The type marker of a frame (a number shifted by one, in the place of a context); undefined for frames without one. */
function markerAt(view: HeapView, fp: Address): string | undefined {
  const { lo, hi } = readWord(view, fp + CONTEXT_OR_TYPE);
  return hi === 0 && (lo & 1) === 0 ? view.layout.frameTypes[lo >>> 1] : undefined;
}

/** Whether a frame without a marker is one of a function: it has a context and a function in their places. */
function isFunctionFrame(view: HeapView, fp: Address): boolean {
  const context = readTarget(view, fp + CONTEXT_OR_TYPE);
  if (context === undefined || !isContextType(view.layout, instanceTypeAt(view, context))) return false;
  const target = readTarget(view, fp + FUNCTION);
  return target !== undefined && findSharedFunctionInfo(view, target) !== undefined;
}

function kindOfFunctionFrame(view: HeapView, fp: Address, target: Address, pc: Address | undefined): FrameKind {
  const shared = findSharedFunctionInfo(view, target);
  if (shared !== undefined && builtinId(view, shared) !== undefined) return 'builtin';
  // Code that took over in the middle of a loop leaves the words of the interpreter's frame as they were.
  const tier = pc === undefined ? undefined : codeTierAt(view, pc);
  if (tier !== undefined && tier !== 'other') return tier;
  if (!hasType(view, readTarget(view, fp + BYTECODE_ARRAY), 'BYTECODE_ARRAY')) return 'optimised';
  return readSmi(view, fp + BYTECODE_OFFSET) === undefined ? 'baseline' : 'interpreted';
}

/** A count of arguments as a word: a plain number, or a Smi in the frames of C++ builtins. */
function countAt(view: HeapView, address: Address): number {
  const { lo, hi } = readWord(view, address);
  const count = lo === 0 ? hi : hi === 0 ? lo : MAX_ARGUMENTS;
  return count < MAX_ARGUMENTS ? count : 0;
}

type Call = Pick<JsFrame, 'function' | 'receiver' | 'argumentCount' | 'argumentsAt'>;
const NO_CALL: Call = { function: undefined, receiver: undefined, argumentCount: 0, argumentsAt: 0 };

function functionAt(view: HeapView, address: Address): Address | undefined {
  const target = readTarget(view, address);
  return target !== undefined && findSharedFunctionInfo(view, target) !== undefined ? target : undefined;
}

function callOfExit(view: HeapView, fp: Address, type: string): Call {
  if (type.startsWith('Api')) {
    for (const offset of API_EXIT_FUNCTION) {
      const target = functionAt(view, fp + offset);
      if (target !== undefined) return { ...NO_CALL, function: target };
    }
    return NO_CALL;
  }
  const target = type === 'BuiltinExitFrame' ? functionAt(view, fp + EXIT_TARGET) : undefined;
  if (target === undefined) return NO_CALL;
  const isPadded = oddballAt(view, readTarget(view, fp + EXIT_PADDING)) === 'hole';
  const receiverAt = fp + EXIT_PADDING + (isPadded ? WORD_SIZE : 0);
  // The count includes the receiver and the words between the return address and it.
  const extra = (receiverAt - fp) / WORD_SIZE - 1;
  return { function: target, receiver: readWord(view, receiverAt), argumentCount: Math.max(0, countAt(view, fp + EXIT_ARGUMENT_COUNT) - extra), argumentsAt: receiverAt + WORD_SIZE };
}

function callOfFunction(view: HeapView, fp: Address, target: Address): Call {
  return {
    function: target,
    receiver: readWord(view, fp + RECEIVER),
    argumentCount: Math.max(0, countAt(view, fp + ARGUMENT_COUNT) - view.layout.at.frameArgcReceiver),
    argumentsAt: fp + RECEIVER + WORD_SIZE,
  };
}

function callOf(view: HeapView, fp: Address, type: string | undefined, kind: FrameKind): Call {
  if (type === undefined) return callOfFunction(view, fp, readTarget(view, fp + FUNCTION)!);
  if (kind === 'exit') return callOfExit(view, fp, type);
  const target = kind === 'builtin' ? functionAt(view, fp + FUNCTION) : undefined;
  return target === undefined ? NO_CALL : { ...NO_CALL, function: target };
}

/** What is known of a stack before it is walked. */
interface Walk {
  readonly view: HeapView;
  /** The stack from the stack pointer to the outermost entry frame. */
  readonly stack: AddressRange;
}

/** The caller's frame pointer; undefined when the chain ends or breaks here. `isEnd` says which. */
function nextFrame({ view, stack }: Walk, fp: Address, type: string | undefined): { readonly fp: Address | undefined; readonly isEnd: boolean } {
  const isEntry = type !== undefined && kindOfType(type) === 'entry';
  const next = view.memory.readPointer(isEntry ? fp + NEXT_EXIT : fp);
  if (isEntry && next === 0) return { fp: undefined, isEnd: true };
  // Frames lie above those they called: the walk ends whatever the words say.
  const isSound = next !== undefined && next > fp && next <= stack.end && next % WORD_SIZE === 0;
  return { fp: isSound ? next : undefined, isEnd: false };
}

/** Whether the chain of frames from `fp` leads to the outermost entry frame. Takes its steps from `budget`, so that many chains that lead nowhere end in time. */
function leadsOut(walk: Walk, start: Address, budget: { steps: number }): boolean {
  let fp: Address | undefined = start;
  for (; fp !== undefined && budget.steps > 0; budget.steps--) {
    const type = markerAt(walk.view, fp);
    if (type === undefined && !isFunctionFrame(walk.view, fp)) return false;
    if (fp === walk.stack.end) return type !== undefined && kindOfType(type) === 'entry';
    fp = nextFrame(walk, fp, type).fp;
  }
  return false;
}

/** The frame pointers that an isolate notes: of the outermost entry frame, and of the frame that called C++ last. */
function findAnchors(view: HeapView, isolate: Isolate, stack: AddressRange): { readonly entry: Address | undefined; readonly exit: Address | undefined } {
  let entry: Address | undefined;
  let exit: Address | undefined;
  const end = Math.min(isolate.heap, isolate.address + MAX_ISOLATE_BYTES);
  for (let at = isolate.address; at < end; at += WORD_SIZE) {
    const fp = view.memory.readPointer(at);
    if (fp === undefined || fp < stack.start + WORD_SIZE || fp >= stack.end - 2 * WORD_SIZE || fp % WORD_SIZE !== 0) continue;
    const type = markerAt(view, fp);
    const kind = type === undefined ? undefined : kindOfType(type);
    // js_entry_sp and c_entry_fp (execution/thread-local-top.h). Other words may hold what they once were, further in.
    if (kind === 'entry' && (entry === undefined || fp > entry)) entry = fp;
    else if ((kind === 'exit' || type === 'WasmExitFrame') && (exit === undefined || fp < exit)) exit = fp;
  }
  return { entry, exit: entry !== undefined && exit !== undefined && exit < entry ? exit : undefined };
}

/** The innermost frame of a thread that was in JavaScript itself, or in C++ that it called without an exit frame. */
function findInnermost(walk: Walk, thread: Thread): Address | undefined {
  const { stack } = walk;
  const { rbp } = thread;
  const budget = { steps: MAX_SEARCH };
  if (rbp !== undefined && rbp >= stack.start && rbp <= stack.end && rbp % WORD_SIZE === 0 && leadsOut(walk, rbp, budget)) return rbp;
  // The entry frame itself would be found where nothing else is: that is no answer.
  for (let fp = stack.start + WORD_SIZE; fp < stack.end && budget.steps > 0; fp += WORD_SIZE) {
    const next = walk.view.memory.readPointer(fp);
    if (next !== undefined && next > fp && next <= stack.end && leadsOut(walk, fp, budget)) return fp;
  }
  return undefined;
}

function readFrame(view: HeapView, fp: Address, type: string | undefined, pc: Address | undefined, start: Address): JsFrame {
  const target = type === undefined ? readTarget(view, fp + FUNCTION) : undefined;
  const kind = type !== undefined ? kindOfType(type) : kindOfFunctionFrame(view, fp, target!, pc);
  const hasBytecode = kind === 'interpreted' || kind === 'baseline';
  const bytecodeArray = hasBytecode ? readTarget(view, fp + BYTECODE_ARRAY) : undefined;
  const offset = kind === 'interpreted' ? readSmi(view, fp + BYTECODE_OFFSET) : undefined;
  return {
    fp,
    pc,
    kind,
    ...callOf(view, fp, type, kind),
    expressions: { start, end: fp },
    bytecodeArray,
    registerCount: bytecodeArray === undefined ? 0 : Math.max(0, view.memory.readI32(bytecodeArray + view.layout.at.bytecodeFrameSize) >> 3),
    // The word counts from the tagged pointer to the array (interpreter/interpreter-assembler.h).
    bytecodeOffset: offset === undefined ? undefined : offset - (view.layout.at.bytecodeArrayHeader - 1),
  };
}

const NO_FRAMES: JsStack = { frames: [], isComplete: true };

function walkFrames(view: HeapView, thread: Thread, isolate: Isolate, whole: AddressRange): JsStack {
  const anchors = findAnchors(view, isolate, whole);
  if (anchors.entry === undefined) return NO_FRAMES;
  const walk: Walk = { view, stack: { start: whole.start, end: anchors.entry } };
  let fp = anchors.exit ?? findInnermost(walk, thread);
  if (fp === undefined) return { frames: [], isComplete: false };
  const frames: JsFrame[] = [];
  let pc = anchors.exit === undefined ? thread.rip : undefined;
  let start = whole.start;
  while (frames.length < MAX_FRAMES) {
    const type = markerAt(view, fp);
    if (type === undefined && !isFunctionFrame(view, fp)) return { frames, isComplete: false };
    frames.push(readFrame(view, fp, type, pc, start));
    const next = nextFrame(walk, fp, type);
    if (next.fp === undefined) return { frames, isComplete: next.isEnd };
    const isEntry = type !== undefined && kindOfType(type) === 'entry';
    pc = isEntry ? undefined : view.memory.readPointer(fp + WORD_SIZE);
    start = fp + 2 * WORD_SIZE;
    fp = next.fp;
  }
  return { frames, isComplete: false };
}

/**
 * Walks the JavaScript frames of a thread that was in `isolate`, innermost first. A thread that is not in JavaScript, such as one that waits in its
 * event loop, has none. Words that are not in the core end the walk, which then says that it is not complete.
 */
export function walkJsFrames(view: HeapView, thread: Thread, isolate: Isolate): JsStack {
  const { stack } = thread;
  if (stack === undefined || isolate.tid !== thread.tid) return NO_FRAMES;
  return tryRead(() => walkFrames(view, thread, isolate, stack)) ?? { frames: [], isComplete: false };
}

/** Kinds of frames that have a context and a function in fixed places. */
const HAVE_FUNCTION_WORDS: ReadonlySet<FrameKind> = new Set<FrameKind>(['interpreted', 'baseline', 'maglev', 'turbofan', 'optimised', 'builtin']);

/** The part of a frame that an address of the stack lies in, as a person would say it; undefined when it is none of this frame's. */
export function partOfFrame(layout: V8Layout, frame: JsFrame, address: Address): string | undefined {
  if (frame.argumentsAt !== 0) {
    const argument = (address - frame.argumentsAt) / WORD_SIZE;
    if (argument === -1) return 'this';
    if (argument >= 0 && argument < frame.argumentCount) return `argument ${argument + 1}`;
  }
  if (address < frame.expressions.start || address >= frame.fp + 2 * WORD_SIZE) return undefined;
  if (!HAVE_FUNCTION_WORDS.has(frame.kind)) return 'value';
  switch (address - frame.fp) {
    case CONTEXT_OR_TYPE:
      return 'context';
    case FUNCTION:
      return 'function';
    case BYTECODE_ARRAY:
      return frame.bytecodeArray === undefined ? 'value' : 'bytecode';
    default: {
      const register = (frame.fp - layout.at.frameFirstRegister - address) / WORD_SIZE;
      return register >= 0 && register < frame.registerCount ? `register r${register}` : 'value';
    }
  }
}
