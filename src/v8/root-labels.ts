/** What the roots of a heap are, in words a person understands: worked out for those that are looked at. */
import type { Address } from '../bytes/address.ts';
import type { Thread } from '../target/thread.ts';
import { framePlace } from './frame-places.ts';
import { type JsFrame, partOfFrame, walkJsFrames } from './frames.ts';
import { functionName, functionPlace, tryReadBoundFunction, tryReadFunction } from './functions.ts';
import { type HeapView, instanceTypeAt, readTarget, tryRead } from './heap.ts';
import { type HeapMemoryParts, addressOfRef } from './heap-memory.ts';
import type { Isolate } from './isolate.ts';
import { isJsFunctionType, typeNumber } from './layout.ts';
import type { ConstructorNames } from './names.ts';
import { REGISTER_PLACES, RootKind, type RootKindName } from './root-collector.ts';
import { globalHandleClassId } from './root-handles.ts';
import { ROOT_KIND_NAMES, strongRootName } from './root-names.ts';
import type { Roots } from './roots.ts';
import { internalClassName, snapshotNameOf, snapshotTypeOf } from './snapshot-names.ts';
import { WORD_SIZE } from './tagged.ts';

/** A root in words: `(Global handles)` / `HTTPParser persistent` / `class id 3`. */
export interface RootLabel {
  /** The kind as V8's heap snapshots name it. */
  readonly kind: string;
  /** Which one it is; empty where that cannot be told. */
  readonly name: string;
  /** More about it; may be empty. */
  readonly detail: string;
}

/** What labels are made of. */
export interface RootLabelSources {
  readonly view: HeapView;
  readonly parts: HeapMemoryParts;
  readonly names: ConstructorNames;
  readonly isolates: readonly Isolate[];
  readonly threads: readonly Thread[];
}

/** user_regs_struct (asm/user_64.h). */
const REGISTERS = ['r15', 'r14', 'r13', 'r12', 'rbp', 'rbx', 'r11', 'r10', 'r9', 'r8', 'rax', 'rcx', 'rdx', 'rsi', 'rdi', 'orig_rax', 'rip', 'cs', 'eflags', 'rsp'];

/** Words of a microtask among which its function is: a callable, or the handler of a reaction. */
const TASK_WORDS = [8, 16, 24, 32] as const;

/** What the isolate's own words are, by the types of what they refer to, before the heap (execution/thread-local-top.h). */
const ISOLATE_FIELDS: Readonly<Record<string, string>> = { NATIVE_CONTEXT: 'context', JS_MESSAGE_OBJECT: 'pending message', CODE: 'builtin' };

/** The first frame that ends above an address; the number of frames when there is none. */
function frameAt(frames: readonly JsFrame[], address: Address): number {
  let low = 0;
  let high = frames.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (frames[middle]!.fp + 16 > address) high = middle;
    else low = middle + 1;
  }
  return low;
}

class RootLabeler {
  readonly #sources: RootLabelSources;
  readonly #roots: Roots;
  readonly #kinds = Object.keys(RootKind) as RootKindName[];
  /** Frames of threads, innermost first, as they were needed. */
  readonly #stacks = new Map<Thread, readonly JsFrame[]>();

  constructor(sources: RootLabelSources, roots: Roots) {
    this.#sources = sources;
    this.#roots = roots;
  }

  label(index: number): RootLabel {
    const kindName = this.#kinds[this.#roots.kinds[index] ?? -1];
    if (kindName === undefined) throw new RangeError(`no root ${index}`);
    const kind = ROOT_KIND_NAMES[kindName];
    const place = this.#roots.places[index]!;
    const object = addressOfRef(this.#sources.parts, this.#roots.refs[index]!);
    const words = tryRead(() => this.#words(kindName, place, object, index));
    return { kind, name: words?.name ?? '', detail: words?.detail ?? '' };
  }

  #words(kind: RootKindName, place: Address, object: Address, index: number): Pick<RootLabel, 'name' | 'detail'> {
    const { view } = this.#sources;
    switch (kind) {
      case 'strongRoot':
      case 'builtin': {
        const table = this.#roots.tables.find(({ start, end }) => place >= start && place < end);
        if (table === undefined) return { name: '', detail: '' };
        return { name: kind === 'builtin' ? `builtin ${(place - table.start) / WORD_SIZE}` : strongRootName(view, place, table, object), detail: '' };
      }
      case 'globalHandle': {
        const classId = globalHandleClassId(view.memory, place);
        return { name: `${this.#describe(object)} persistent`, detail: classId === 0 ? '' : `class id ${classId}` };
      }
      case 'isolate':
        return { name: ISOLATE_FIELDS[view.layout.typeNames[instanceTypeAt(view, object)] ?? ''] ?? '', detail: '' };
      case 'microtask':
        return { name: this.#describeTask(object), detail: '' };
      case 'stack':
        return place < 0 ? this.#describeRegister(-1 - place) : this.#describeStackWord(place);
      case 'tracedHandle': {
        const owner = this.#roots.tracedOwners.get(index);
        const name = owner === undefined ? '' : this.#describe(addressOfRef(this.#sources.parts, owner));
        return { name: this.#describe(object), detail: name === '' ? '' : `of ${name}` };
      }
      case 'eternalHandle':
      case 'handleScope':
      case 'readOnly':
      case 'startupCache':
      case 'shareableCache':
        return { name: this.#describe(object), detail: '' };
    }
  }

  /** An object by the name that a snapshot gives it; what is neither an object of JavaScript nor a function, by its class. */
  #describe(object: Address): string {
    const { view, names } = this.#sources;
    const type = instanceTypeAt(view, object);
    if (type < 0) return '';
    switch (snapshotTypeOf(view, type)) {
      case 'closure':
        return `closure ${this.#describeFunction(object)}`;
      case 'object':
        return names.nameOfObject(object);
      case 'string':
      case 'concatenated string':
      case 'sliced string':
        return 'string';
      default:
        return (snapshotNameOf(view, names, object) ?? '') || internalClassName(view, type);
    }
  }

  #describeFunction(address: Address): string {
    const { view } = this.#sources;
    const bound = tryReadBoundFunction(view, address);
    if (bound !== undefined) return `bound ${this.#describeFunction(bound.target)}`;
    const name = functionName(view, address);
    const facts = tryReadFunction(view, address);
    const place = facts === undefined ? undefined : functionPlace(view, facts);
    return withPlace(name, facts?.scriptName, place);
  }

  #describeTask(task: Address): string {
    const { view } = this.#sources;
    const name = internalClassName(view, instanceTypeAt(view, task));
    for (const offset of TASK_WORDS) {
      const target = readTarget(view, task + offset);
      const type = instanceTypeAt(view, target);
      const isFunction = isJsFunctionType(view.layout, type) || (type >= 0 && type === typeNumber(view.layout, 'JS_BOUND_FUNCTION'));
      if (target !== undefined && isFunction) return `${name} of ${this.#describeFunction(target)}`;
    }
    return name;
  }

  #describeRegister(place: number): Pick<RootLabel, 'name' | 'detail'> {
    const thread = this.#sources.threads[Math.floor(place / REGISTER_PLACES)];
    const register = place % REGISTER_PLACES;
    return { name: `register ${REGISTERS[register] ?? register}`, detail: thread === undefined ? '' : `thread ${thread.tid}` };
  }

  #framesOf(thread: Thread): readonly JsFrame[] {
    const known = this.#stacks.get(thread);
    if (known !== undefined) return known;
    const isolate = this.#sources.isolates.find(({ tid }) => tid === thread.tid);
    const frames = isolate === undefined ? [] : walkJsFrames(this.#sources.view, thread, isolate).frames;
    this.#stacks.set(thread, frames);
    return frames;
  }

  #describeStackWord(address: Address): Pick<RootLabel, 'name' | 'detail'> {
    const { view, threads } = this.#sources;
    const thread = threads.find(({ stack }) => stack !== undefined && address >= stack.start && address < stack.end);
    if (thread === undefined) return { name: '', detail: '' };
    const frames = this.#framesOf(thread);
    const index = frameAt(frames, address);
    // The arguments of a call are above the frame that was called, among the words of its caller.
    for (const frame of [frames[index - 1], frames[index]]) {
      const part = frame?.function === undefined ? undefined : partOfFrame(view.layout, frame, address);
      if (frame === undefined || part === undefined || (frame.kind === 'exit' && part === 'value')) continue;
      return { name: `frame of ${this.#describeFrame(frame)}`, detail: part };
    }
    const caller = frames.slice(index).find((frame) => frame.function !== undefined);
    if (caller === undefined) return { name: 'native code', detail: `thread ${thread.tid}` };
    const isNative = frames[index]?.kind === 'exit' || frames[index]?.kind === 'wasm';
    return { name: `${isNative ? 'native code' : 'frame of V8'} under ${this.#describeFrame(caller)}`, detail: '' };
  }

  #describeFrame(frame: JsFrame): string {
    const { view } = this.#sources;
    if (frame.function === undefined) return '';
    const place = framePlace(view, frame);
    return withPlace(functionName(view, frame.function), place?.scriptName, place?.place);
  }
}

/** `onData (server.js:10:5)`: the last part of the script's name is enough to find it. */
function withPlace(name: string | undefined, script: string | undefined, place: { readonly line: number; readonly column: number } | undefined): string {
  const shown = name === undefined || name === '' ? '(anonymous)' : name;
  if (script === undefined) return shown;
  const file = script.startsWith('node:') ? script : script.slice(script.lastIndexOf('/') + 1);
  return `${shown} (${file}${place === undefined ? '' : `:${place.line}:${place.column}`})`;
}

/** A function that says what the root of an index (of the columns of `roots`) is. Stacks are walked when the first root of one is asked for. */
export function makeRootLabels(sources: RootLabelSources, roots: Roots): (index: number) => RootLabel {
  const labeler = new RootLabeler(sources, roots);
  return (index) => labeler.label(index);
}

/** A label as the name of an edge from the node of its kind: `frame of onData (server.js:10:5), argument 1`. */
export function rootEdgeName(label: RootLabel): string {
  return label.detail === '' ? label.name : label.name === '' ? label.detail : `${label.name}, ${label.detail}`;
}
