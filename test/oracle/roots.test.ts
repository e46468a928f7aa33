/** What V8 itself holds objects by: the kind and name of the root of each planted object, and the frames of two threads against the traces they printed. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MadeCore } from '../../cores/make.ts';
import { type Target, openTarget } from '../../src/target/target.ts';
import { framePlace } from '../../src/v8/frame-places.ts';
import { type JsFrame, walkJsFrames } from '../../src/v8/frames.ts';
import { functionName } from '../../src/v8/functions.ts';
import { addressOfRef, refOfAddress } from '../../src/v8/heap-memory.ts';
import { findMapOf, instanceTypeAt } from '../../src/v8/heap.ts';
import { ConstructorNames } from '../../src/v8/names.ts';
import { forEachNamedProperty } from '../../src/v8/named-properties.ts';
import { type MarkedHeap, type WalkedHeap, isReachable, planHeap, readHeap } from '../../src/v8/read-heap.ts';
import { type RootLabel, makeRootLabels, rootEdgeName } from '../../src/v8/root-labels.ts';
import { strongTarget } from '../../src/v8/tagged.ts';
import { tryReadString } from '../../src/v8/strings.ts';
import { describeCores, prepare } from '../support/real-cores.ts';

interface Opened {
  readonly made: MadeCore;
  readonly target: Target;
  readonly heap: WalkedHeap;
  readonly marked: MarkedHeap;
  readonly label: (index: number) => RootLabel;
}

async function open(made: MadeCore): Promise<Opened> {
  const target = openTarget(made.core, { binary: made.binary });
  const plan = planHeap(target);
  const { heap, marked } = await readHeap(plan, () => undefined);
  const label = makeRootLabels({ view: heap.view, parts: plan.parts, names: new ConstructorNames(heap.view), isolates: plan.isolates, threads: target.threads }, marked.roots);
  return { made, target, heap, marked, label };
}

/** Addresses of the objects of a class that have the property `planted` of their own: its instances without its prototype. */
function instancesOf({ heap }: Opened, className: string): number[] {
  const { view, plan } = heap;
  const names = new ConstructorNames(view);
  const maps = new Set([...heap.maps.values()].filter((row) => row.sample >= 0 && names.nameOfObject(addressOfRef(plan.parts, row.sample)) === className).map((row) => addressOfRef(plan.parts, row.ref)));
  return objectsOf(heap, (address) => maps.has(findMapOf(view, address)?.address ?? -1) && ownNames(heap, address).includes('planted'));
}

function ownNames({ view }: WalkedHeap, address: number): string[] {
  const names: string[] = [];
  forEachNamedProperty(view, address, ({ key }) => {
    names.push(tryReadString(view, key)?.text ?? '');
    return true;
  });
  return names;
}

function* starts({ plan }: WalkedHeap): Generator<number> {
  const { bits } = plan.parts;
  for (let pair = 0; pair * 2 < bits.length; pair++) {
    for (let rest = bits[pair * 2]!; rest !== 0; rest &= rest - 1) yield pair * 32 + (31 - Math.clz32(rest & -rest));
  }
}

function objectsOf(heap: WalkedHeap, test: (address: number) => boolean): number[] {
  return [...starts(heap)].filter((ref) => isReachable(heap.plan.parts, ref)).map((ref) => addressOfRef(heap.plan.parts, ref)).filter(test);
}

/** The labels of the roots that name an object itself. */
function labelsOf({ marked, heap, label }: Opened, address: number): RootLabel[] {
  const wanted = refOfAddress(heap.plan.parts, address);
  return [...marked.roots.refs].flatMap((ref, i) => (ref === wanted ? [label(i)] : []));
}

/** The objects whose words name `address`, found by looking at every word of the live heap. */
function holdersOf({ heap }: Opened, address: number): number[] {
  const { parts } = heap.plan;
  const wanted = { lo: (address % 2 ** 32) + 1, hi: Math.floor(address / 2 ** 32) };
  const holders: number[] = [];
  let current = -1;
  for (const ref of starts(heap)) {
    if (current >= 0 && isReachable(parts, current) && namesWord(parts.words, current, Math.min(ref, current + 4096), wanted)) holders.push(addressOfRef(parts, current));
    current = ref;
  }
  return holders;
}

function namesWord(words: Uint32Array, from: number, to: number, { lo, hi }: { lo: number; hi: number }): boolean {
  for (let ref = from; ref < to; ref++) if (words[ref * 2] === lo && words[ref * 2 + 1] === hi) return true;
  return false;
}

/** The edges of the nodes that V8's snapshot has for kinds of roots. */
function edgesOfRoots(path: string): Map<string, number> {
  const file = JSON.parse(readFileSync(path, 'utf8')) as { nodes: number[]; strings: string[]; snapshot: { meta: { node_fields: string[] } } };
  const fields = file.snapshot.meta.node_fields;
  const [width, name, count] = [fields.length, fields.indexOf('name'), fields.indexOf('edge_count')];
  const edges = new Map<string, number>();
  const GROUPS = 64; // the nodes of roots come first
  for (let node = 0; node < GROUPS; node++) edges.set(file.strings[file.nodes[node * width + name]!]!, file.nodes[node * width + count]!);
  return edges;
}

function describeRoots(opened: () => Opened): void {
  const only = (className: string): number => {
    const found = instancesOf(opened(), className);
    expect(found, className).toHaveLength(1);
    return found[0]!;
  };

  it.each([
    ['HeldByLocal', /^frame of withLocal \(roots\.cjs:\d+:\d+\), register r\d+$/],
    ['HeldByArgument', /^frame of withArgument \(roots\.cjs:\d+:\d+\), argument 1$/],
    ['HeldByReceiver', /^frame of callWithThis \(roots\.cjs:\d+:\d+\), this$/],
    ['HeldByWorkerLocal', /^frame of inner \(roots\.cjs:\d+:\d+\), register r\d+$/],
  ])('finds %s on the stack, in the frame that holds it', (className, expected) => {
    const labels = labelsOf(opened(), only(className));
    expect(new Set(labels.map(({ kind }) => kind))).toEqual(new Set(['(Stack roots)']));
    expect(labels.map(rootEdgeName).filter((label) => expected.test(label))).toHaveLength(1);
    expect(labels.map(rootEdgeName).filter((label) => !/^(frame of|native code under)/.test(label))).toEqual([]);
    expect(holdersOf(opened(), only(className))).toEqual([]);
  });

  it('finds the object that a handle scope alone holds', () => {
    const found = objectsOf(opened().heap, (address) => instanceTypeAt(opened().heap.view, address) === opened().heap.plan.layout.types['JS_OBJECT'] && ownNames(opened().heap, address).includes('heldByHandleScope'));
    expect(found.length).toBeGreaterThan(0);
    for (const address of found) {
      expect(labelsOf(opened(), address).map(({ kind }) => kind)).toContain('(Handle scope)');
      // Newer versions of JSON.parse keep a copy of what they parsed, in handles too: whatever holds the object hangs on handles in the end.
      const ancestors = new Set([address]);
      for (const one of ancestors) for (const holder of holdersOf(opened(), one)) ancestors.add(holder);
      expect(ancestors.size).toBeLessThan(10);
      for (const one of ancestors) if (holdersOf(opened(), one).length === 0) expect(labelsOf(opened(), one).map(({ kind }) => kind)).toContain('(Handle scope)');
    }
  });

  it('finds the request that a global handle holds', () => {
    const address = only('HeldByGlobalHandle');
    // Up from the object: contexts and callbacks, Node's own among them, then the request. Node's functions have roots of their own, as near as the request in some versions.
    const MAX_STEPS = 8;
    const MAX_HOLDERS = 400;
    const seen = new Set([address]);
    let holders = [address];
    const labels: RootLabel[] = [];
    const isRequest = ({ kind, name }: RootLabel): boolean => kind === '(Global handles)' && name === 'FSReqCallback persistent';
    for (let step = 0; step < MAX_STEPS && !labels.some(isRequest) && holders.length < MAX_HOLDERS; step++) {
      holders = holders.flatMap((holder) => holdersOf(opened(), holder)).filter((holder) => !seen.has(holder) && seen.add(holder));
      for (const holder of holders) labels.push(...labelsOf(opened(), holder));
    }
    expect(labels.filter(isRequest), JSON.stringify(labels)).toHaveLength(1);
  });

  it('finds the task that is to run next', () => {
    const { marked, label } = opened();
    const labels = [...marked.roots.kinds].map((_, i) => i).map((i) => label(i)).filter(({ kind }) => kind === '(Micro tasks)');
    expect(labels.map(({ name }) => name)).toEqual([expect.stringMatching(/^PromiseFulfillReactionJobTask of onMicrotask \(roots\.cjs:\d+:\d+\)$/)]);
    only('HeldByMicrotask');
  });

  it('holds no object by a root of its own that a variable or a timer holds', () => {
    for (const className of ['HeldByGlobalVariable', 'HeldByTimer']) expect(labelsOf(opened(), only(className)).map(rootEdgeName), className).toEqual([]);
  });

  it('names the entries of the root list that change', () => {
    const { marked, label, heap } = opened();
    const { view, plan } = heap;
    const byName = new Map<string, number>();
    for (let i = 0; i < marked.roots.refs.length; i++) {
      const { kind, name } = label(i);
      if (kind === '(Strong root list)') byName.set(name, addressOfRef(plan.parts, marked.roots.refs[i]!));
    }
    const lists = ['api_symbol_table', 'public_symbol_table', 'api_private_symbol_table'].map((name) => instanceTypeAt(view, byName.get(name)));
    expect(new Set(lists).size).toBe(1);
    // Scripts are held weakly by their list: it names the program's own.
    const list = byName.get('script_list')!;
    const length = view.memory.readU32(list + 20);
    const scripts = Array.from({ length }, (_, i) => {
      const at = list + 24 + i * 8;
      const script = strongTarget(view.memory.readU32(at) - 2, view.memory.readU32(at + 4));
      return script === undefined ? -1 : instanceTypeAt(view, script);
    });
    expect(scripts.filter((type) => type === plan.layout.types['SCRIPT']).length).toBeGreaterThan(10);
    expect(byName.has('undefined_value')).toBe(true);
  });

  it('finds what the C++ objects of wrappers hold, and whose they are', () => {
    const { marked, heap, label } = opened();
    const { view, plan } = heap;
    const { refs, tracedOwners } = marked.roots;
    const names = new ConstructorNames(view);
    const isScript = ([root, owner]: [number, number]): boolean =>
      instanceTypeAt(view, addressOfRef(plan.parts, refs[root]!)) === plan.layout.types['SHARED_FUNCTION_INFO'] && names.nameOfObject(addressOfRef(plan.parts, owner)) === 'Script';
    const scripts = [...tracedOwners].filter(isScript);
    // Node keeps compiled scripts this way since 24.
    expect(scripts.length > 0).toBe(plan.layout.column >= 4);
    for (const [root] of scripts) expect(label(root)).toMatchObject({ kind: '(Traced handles)', detail: 'of Script' });
  });

  it('finds as many objects in the caches of the startup snapshot as V8 itself', () => {
    const { marked, heap, made } = opened();
    const edges = edgesOfRoots(made.snapshot!);
    // The end marker of a cache is no root here.
    for (const [kind, name] of [['startupCache', '(Startup object cache)'], ['shareableCache', '(Shareable object cache)']] as const) {
      expect(marked.roots.counts[kind] / heap.plan.isolates.length, name).toBe(Math.max(0, (edges.get(name) ?? 0) - 1));
    }
    expect(edges.get('(Startup object cache)')).toBeGreaterThan(1000);
  });

  it('counts weak global handles, which are no roots', () => {
    expect(opened().marked.roots.weakHandles).toBeGreaterThan(0);
  });
}

/** `at name (place)` of a printed trace; calls that were awaited are no frames. */
function printedFrames(stack: string): { name: string; place: string | undefined }[] {
  const lines = stack.split('\n').filter((line) => /^ {4}at /.test(line) && !/^ {4}at async /.test(line));
  return lines.map((line) => {
    const place = /\(?([^\s()]+:\d+:\d+)\)?$/.exec(line)?.[1];
    const called = /^ {4}at (.+) \(/.exec(line)?.[1] ?? '';
    // `Object.get value [as value]`, `new Base`: the function's own name is last.
    const name = called.replace(/ \[as .*\]$/, '').replace(/^new /, '').replace(/^[\w$]+\./, '');
    return { name: name === '<anonymous>' ? '' : name, place };
  });
}

function isPrinted(frame: JsFrame): boolean {
  return ['interpreted', 'baseline', 'maglev', 'turbofan'].includes(frame.kind);
}

function describeFrames(opened: () => Opened): void {
  it.each(['main', 'worker'] as const)('walks the frames that the %s thread printed', (which) => {
    const { heap, target, made } = opened();
    const { view, plan } = heap;
    const isolate = plan.isolates.find(({ kind }) => kind === which)!;
    const { frames, isComplete } = walkJsFrames(view, target.threads.find(({ tid }) => tid === isolate.tid)!, isolate);
    expect(isComplete).toBe(true);
    const printed = printedFrames(made.facts[which === 'main' ? 'stack' : 'workerStack'] as string);
    const own = printed.filter(({ place }) => place !== undefined);
    // The frames that were added after the trace are innermost: at least wait() itself.
    const walked = frames.filter(isPrinted).map((frame) => ({ frame, place: framePlace(view, frame) }));
    const extra = walked.length - own.length;
    // Since 14.x the trace of an async function leaves out who runs its promises.
    expect(walked.slice(0, extra).map(({ frame }) => functionName(view, frame.function!))).toContain('wait');
    for (const [i, { name, place }] of own.entries()) {
      const { frame, place: found } = walked[i + extra]!;
      expect(functionName(view, frame.function!), `frame ${i}`).toBe(name);
      const at = found === undefined ? '' : `${found.scriptName ?? ''}:${found.place.line}:${found.place.column}`;
      if (frame.kind !== 'interpreted') {
        expect(found?.isCall, name).toBe(false);
        expect(at.split(':')[0], name).toBe(place!.split(':')[0]);
      } else if (i > 0) expect(at, name).toBe(place);
      // The innermost printed frame has made another call since.
      else expect(at.replace(/:\d+$/, ''), name).toBe(place!.replace(/:\d+$/, ''));
    }
    const builtins = frames.filter(({ kind }) => kind === 'builtin' || kind === 'exit').map((frame) => (frame.function === undefined ? '' : functionName(view, frame.function)));
    for (const { name, place } of printed) if (place === undefined) expect(builtins).toContain(name);
  });

  it('tells interpreted, baseline, optimised, constructing and native frames apart', () => {
    const { heap, target } = opened();
    const [isolate] = heap.plan.isolates;
    const { frames } = walkJsFrames(heap.view, target.threads.find(({ tid }) => tid === isolate!.tid)!, isolate!);
    const kindOf = (name: string): string | undefined => frames.find((frame) => frame.function !== undefined && functionName(heap.view, frame.function) === name)?.kind;
    expect(kindOf('withBaselineCode')).toBe('baseline');
    expect(kindOf('withOptimisedCode')).toBe('turbofan');
    expect(kindOf('withLocal')).toBe('interpreted');
    expect(kindOf('forEach')).toBe('builtin');
    expect(kindOf('parse')).toBe('exit');
    expect(frames.filter(({ kind }) => kind === 'construct')).toHaveLength(2);
    expect(frames.filter(({ kind }) => kind === 'entry')).toHaveLength(2);
    const recursions = frames.filter((frame) => frame.function !== undefined && functionName(heap.view, frame.function) === 'recurse');
    expect(recursions.map((frame) => [frame.argumentCount, heap.view.memory.readU32(frame.argumentsAt + 4)])).toEqual([[2, 0], [2, 1], [2, 2], [2, 3]]);
  });

  it('finds no frames in threads that run no JavaScript', () => {
    const { heap, target } = opened();
    const others = target.threads.filter(({ tid }) => !heap.plan.isolates.some((isolate) => isolate.tid === tid));
    expect(others.length).toBeGreaterThan(3);
    for (const thread of others) for (const isolate of heap.plan.isolates) expect(walkJsFrames(heap.view, thread, isolate).frames).toEqual([]);
  });
}

await describeCores('roots', (made) => {
  const opened = prepare(() => open(made()));
  describe('roots', () => {
    describeRoots(opened);
  });
  describe('frames', () => {
    describeFrames(opened);
  });
  it('is a core of the program', () => {
    expect(basename(made().facts['script'] as string)).toBe('roots.cjs');
  });
});
