import { describe, expect, it } from 'vitest';
import type { Thread } from '../../../src/target/thread.ts';
import { framePlace, positionOfBytecode } from '../../../src/v8/frame-places.ts';
import { type JsFrame, partOfFrame, walkJsFrames } from '../../../src/v8/frames.ts';
import type { HeapView } from '../../../src/v8/heap.ts';
import type { Isolate } from '../../../src/v8/isolate.ts';
import type { Word } from '../../../src/v8/tagged.ts';
import { FakeHeap, ref, smi } from '../../support/fake-v8-heap.ts';

const FRAME_TYPES = { 1: 'EntryFrame', 3: 'ExitFrame', 17: 'StubFrame', 23: 'ConstructFrame', 25: 'BuiltinExitFrame' };
const [ENTRY, STUB, CONSTRUCT, BUILTIN_EXIT] = [1, 17, 23, 25];

const raw = (value: number): Word => ({ lo: value % 2 ** 32, hi: Math.floor(value / 2 ** 32) });
const marker = (type: number): Word => ({ lo: type * 2, hi: 0 });

/** A stack that is laid out from its outer end: frames are pushed as the processor does it. */
class FakeStack {
  readonly heap: FakeHeap;
  readonly view: HeapView;
  readonly start: number;
  readonly end: number;
  readonly isolate: number;
  sp: number;
  fp = 0;

  constructor(version = '11.3') {
    this.heap = new FakeHeap(version);
    this.view = { memory: this.heap, layout: { ...this.heap.layout, frameTypes: FRAME_TYPES } };
    this.start = this.heap.allocate(8192);
    this.end = this.start + 8192;
    this.isolate = this.heap.allocate(512);
    this.sp = this.end - 256;
  }
  push(...words: Word[]): void {
    for (const word of words) {
      this.sp -= 8;
      this.heap.setWord(this.sp, word);
    }
  }
  /** Return address and the caller's frame pointer; the new frame starts here. */
  call(pc = 0x40_0000): number {
    this.push(raw(pc), raw(this.fp));
    this.fp = this.sp;
    return this.fp;
  }
  entry(nextExit: number): number {
    this.call();
    this.push(marker(ENTRY), ref(this.context()));
    for (let i = 0; i < 5; i++) this.push(raw(this.start + 8 * i));
    this.push(raw(nextExit));
    return this.fp;
  }
  context(): number {
    return this.heap.array([smi(0), smi(0)], 'FUNCTION_CONTEXT');
  }
  /** A frame of a function: arguments last to first, the receiver, then what the function pushes. */
  function(target: number, args: readonly Word[], ...words: Word[]): number {
    this.push(...[...args].reverse(), ref(this.heap.oddballs.undefined));
    this.call();
    this.push(ref(this.context()), ref(target), raw(args.length + this.heap.layout.at.frameArgcReceiver), ...words);
    return this.fp;
  }
  typed(type: number, ...words: Word[]): number {
    this.call();
    this.push(marker(type), ...words);
    return this.fp;
  }
  note(offset: number, fp: number): void {
    this.heap.setWord(this.isolate + offset, raw(fp));
  }
  walk(registers: Partial<Thread> = {}): ReturnType<typeof walkJsFrames> {
    const thread: Thread = {
      tid: 7,
      signal: 0,
      registers: new Uint32Array(54),
      rip: 0x1234,
      rsp: this.sp,
      rbp: undefined,
      fsBase: undefined,
      stack: { start: this.sp, end: this.end },
      ...registers,
    };
    const isolate: Isolate = { address: this.isolate, heap: this.isolate + 512, kind: 'main', tid: 7 };
    return walkJsFrames(this.view, thread, isolate);
  }
}

/** A function; `builtin` is the id of one of the language. */
function makeFunction(heap: FakeHeap, builtin?: number): number {
  const { at } = heap.layout;
  const shared = heap.record('SHARED_FUNCTION_INFO', 10, { [at.sfiFunctionData]: builtin === undefined ? ref(heap.emptyArray) : smi(builtin) });
  const target = heap.record('JS_FUNCTION', 8, { [at.jsFunctionShared]: ref(shared) });
  return target;
}

/** Bytecode with a frame of `registers` registers. */
function makeBytecode(heap: FakeHeap, registers: number, positions?: readonly number[]): number {
  const { at } = heap.layout;
  const address = heap.record('BYTECODE_ARRAY', 12);
  heap.setU32(address + at.bytecodeFrameSize, registers * 8);
  if (positions !== undefined) {
    const table = heap.record('BYTE_ARRAY', 2 + Math.ceil(positions.length / 8), { [at.fixedArrayLength]: smi(positions.length) });
    heap.setBytes(table + at.fixedArrayData, Uint8Array.from(positions));
    heap.setWord(address + at.bytecodeSourcePositions, ref(table));
  }
  return address;
}

const kinds = (frames: readonly JsFrame[]): string[] => frames.map(({ kind }) => kind);

describe('walkJsFrames', () => {
  it('walks from the last exit to the outermost entry, over what C++ has in between', () => {
    const stack = new FakeStack();
    const { heap } = stack;
    const [outer, inner, sort] = [makeFunction(heap), makeFunction(heap), makeFunction(heap, 42)];
    const bytecode = makeBytecode(heap, 2);
    const first = stack.entry(0);
    stack.function(outer, [smi(5)], ref(bytecode), smi(heap.layout.at.bytecodeArrayHeader - 1 + 9), smi(1), smi(2));
    stack.function(sort, [], smi(0));
    // C++ that was called, with words that look like anything, and a frame pointer that leads nowhere.
    stack.push(smi(0), ref(outer), smi(1), raw(24), ref(sort), ref(heap.oddballs.undefined));
    const exit = stack.typed(BUILTIN_EXIT);
    for (let i = 0; i < 20; i++) stack.push(ref(inner));
    stack.fp = 0x1_0001;
    stack.entry(exit);
    stack.typed(STUB, ref(inner));
    stack.function(inner, [], ref(bytecode), ref(heap.array([], 'FEEDBACK_VECTOR')));
    const last = stack.typed(3);
    stack.note(64, first);
    stack.note(96, last);
    const { frames, isComplete } = stack.walk();
    expect(isComplete).toBe(true);
    expect(kinds(frames)).toEqual(['exit', 'baseline', 'internal', 'entry', 'exit', 'builtin', 'interpreted', 'entry']);
    expect(frames.map((frame) => frame.function)).toEqual([undefined, inner, undefined, undefined, sort, sort, outer, undefined]);
    expect(frames[6]!.bytecodeOffset).toBe(9);
    expect(frames[6]!.argumentCount).toBe(1);
    expect(heap.readU32(frames[6]!.argumentsAt + 4)).toBe(5);
    expect(frames.map(({ pc }) => pc)).toEqual([undefined, 0x40_0000, 0x40_0000, 0x40_0000, undefined, 0x40_0000, 0x40_0000, 0x40_0000]);
  });

  it('starts from rbp, or else from the first frame on the stack that leads out, when JavaScript itself was running', () => {
    const stack = new FakeStack();
    const target = makeFunction(stack.heap);
    const first = stack.entry(0);
    stack.note(64, first);
    stack.typed(CONSTRUCT, smi(0));
    const fp = stack.function(target, [smi(1), smi(2)], smi(0), smi(0));
    expect(kinds(stack.walk({ rbp: fp }).frames)).toEqual(['optimised', 'construct', 'entry']);
    expect(stack.walk({ rbp: fp }).frames[0]).toMatchObject({ pc: 0x1234, argumentCount: 2, function: target });
    // A function of C++ without a frame of its own: rbp holds anything.
    stack.push(raw(stack.end - 8), raw(3), raw(stack.sp + 64));
    expect(kinds(stack.walk({ rbp: 24 }).frames)).toEqual(['optimised', 'construct', 'entry']);
  });

  it('goes by the code that runs, where that took over the frame of the interpreter in the middle of a loop', () => {
    const stack = new FakeStack();
    const { heap } = stack;
    const first = stack.entry(0);
    stack.note(64, first);
    const fp = stack.function(makeFunction(heap), [], ref(makeBytecode(heap, 1)), smi(60), smi(0));
    const code = heap.record('CODE', 32);
    const kinds = ([0, 1, 2] as const).map((tier) => {
      heap.setU32(code + heap.layout.at.codeFlags, heap.layout.at.codeKindBaseline + tier);
      const [frame] = stack.walk({ rbp: fp, rip: code + 200 }).frames;
      return [frame!.kind, frame!.bytecodeOffset];
    });
    expect(kinds).toEqual([['baseline', undefined], ['maglev', undefined], ['turbofan', undefined]]);
    expect(stack.walk({ rbp: fp }).frames[0]!.kind).toBe('interpreted');
  });

  it('finds nothing in a thread that is not in JavaScript, or in another isolate', () => {
    const stack = new FakeStack();
    stack.function(makeFunction(stack.heap), [], smi(0), smi(0));
    expect(stack.walk()).toEqual({ frames: [], isComplete: true });
    stack.note(64, stack.entry(0));
    expect(stack.walk({ tid: 8 })).toEqual({ frames: [], isComplete: true });
    expect(stack.walk({ stack: undefined })).toEqual({ frames: [], isComplete: true });
  });

  it.each(['backwards', 'to itself', 'out of the stack', 'into the middle of nowhere'])('ends at a frame pointer that leads %s', (where) => {
    const stack = new FakeStack();
    const target = makeFunction(stack.heap);
    const first = stack.entry(0);
    const middle = stack.function(target, [], smi(0), smi(0));
    const inner = stack.function(target, [], smi(0), smi(0));
    const exit = stack.typed(3);
    stack.note(64, first);
    stack.note(96, exit);
    const wrong = { backwards: exit, 'to itself': middle, 'out of the stack': stack.end + 64, 'into the middle of nowhere': middle + 24 }[where]!;
    stack.heap.setWord(middle, raw(wrong));
    const { frames, isComplete } = stack.walk();
    expect(isComplete).toBe(false);
    expect(frames.map(({ fp }) => fp)).toEqual([exit, inner, middle]);
  });

  it('gives up in time on a stack full of frames that lead nowhere', () => {
    const stack = new FakeStack();
    const { heap } = stack;
    const first = stack.entry(0);
    stack.note(64, first);
    // Every word is the frame pointer of a frame that a marker makes plausible; the last one breaks the chain.
    for (let i = 0; i < 400; i++) {
      stack.push(marker(STUB), raw(0));
      heap.setWord(stack.sp, raw(stack.sp + 16));
    }
    heap.setWord(first - 72, raw(8));
    const { frames, isComplete } = stack.walk();
    expect(frames).toEqual([]);
    expect(isComplete).toBe(false);
  });

  it('ends where the stack is not in the core', () => {
    const stack = new FakeStack();
    const target = makeFunction(stack.heap);
    const first = stack.entry(0);
    const lost = stack.function(target, [], smi(0), smi(0));
    const exit = stack.typed(3);
    stack.note(64, first);
    stack.note(96, exit);
    stack.heap.lose(lost - 32, 64);
    expect(stack.walk().isComplete).toBe(false);
  });

  it.each(['9.4', '10.2', '14.6'])('counts the arguments of a call, as %s does with or without the receiver', (version) => {
    const stack = new FakeStack(version);
    stack.note(64, stack.entry(0));
    const fp = stack.function(makeFunction(stack.heap), [smi(1), smi(2)], smi(0), smi(0));
    const [frame] = stack.walk({ rbp: fp }).frames;
    expect(frame!.argumentCount).toBe(2);
    expect(stack.heap.readU32(frame!.argumentsAt + 4)).toBe(1);
  });
});

describe('partOfFrame', () => {
  it('tells arguments, registers and fixed words of a frame apart', () => {
    const stack = new FakeStack();
    const { heap } = stack;
    const first = stack.entry(0);
    stack.note(64, first);
    stack.push(smi(77));
    const fp = stack.function(makeFunction(heap), [smi(1), smi(2)], ref(makeBytecode(heap, 2)), smi(60), smi(10), smi(11), smi(12));
    const [frame] = stack.walk({ rbp: fp }).frames;
    const part = (offset: number): string | undefined => partOfFrame(stack.view.layout, frame!, fp + offset);
    expect([16, 24, 32, 40].map(part)).toEqual(['this', 'argument 1', 'argument 2', undefined]);
    expect([-8, -16, -24, -32, -40, -48, -56, -64].map(part)).toEqual(['context', 'function', 'value', 'bytecode', 'value', 'register r0', 'register r1', 'value']);
    expect(part(-4096)).toBeUndefined();
  });
});

describe('positionOfBytecode', () => {
  // (bytecode, position): the function itself at 10, then 0 -> 12, 5 -> 40, 9 -> 25.
  const signed = [0x01, 22 << 1, 0x02, 2 << 2, 0x0b, (28 << 2) & 0x7f, 0x08, 59];
  it('takes the last entry at or before the bytecode', () => {
    expect([-1, 0, 4, 5, 8, 9, 1000].map((offset) => positionOfBytecode(Uint8Array.from(signed), offset, false))).toEqual([10, 12, 12, 40, 40, 25, 25]);
  });

  it('reads the form of 14.x, whose lowest bits of the code tell statements', () => {
    const packed = [0x02, 22 << 1, 0x07, 2 << 2, 0x16, (28 << 2) & 0x7f, 0x13, 59];
    expect([-1, 0, 4, 5, 8, 9].map((offset) => positionOfBytecode(Uint8Array.from(packed), offset, true))).toEqual([10, 12, 12, 40, 40, 25]);
  });

  it('finds nothing in an empty table, and no more than is there in one that is cut or damaged', () => {
    expect(positionOfBytecode(new Uint8Array(), 5, false)).toBeUndefined();
    expect(positionOfBytecode(Uint8Array.from(signed.slice(0, 5)), 9, false)).toBe(12);
    expect(positionOfBytecode(new Uint8Array(64).fill(0xff), 9, false)).toBeUndefined();
  });
});

describe('framePlace', () => {
  it('gives no place to frames without a function or a script', () => {
    const stack = new FakeStack();
    const first = stack.entry(0);
    stack.note(64, first);
    const fp = stack.function(makeFunction(stack.heap), [], ref(makeBytecode(stack.heap, 0, [1, 2])), smi(60));
    const { frames } = stack.walk({ rbp: fp });
    expect(frames.map((frame) => framePlace(stack.view, frame))).toEqual([undefined, undefined]);
  });
});
