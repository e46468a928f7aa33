/** Places in scripts: from an offset in the source to a line and a column, as V8 prints them. */
import { type Address } from '../bytes/address.ts';
import { type HeapView, findMapOf, hasType, isFixedArrayType, isStringAt, readArrayLength, readSmi, readTarget, tryRead } from './heap.ts';
import { readString, stringLength } from './strings.ts';
import { WORD_SIZE, objectStart } from './tagged.ts';

/** A place in a script, line and column counted from 1 as in stack traces. */
export interface SourcePlace {
  readonly line: number;
  readonly column: number;
}

/** Scripts whose lines are remembered at a time, for one view, and the lines of all of them together. */
const MAX_SCRIPTS = 1024;
const MAX_LINES = 1 << 22;

/** The longest source whose lines are counted, in characters. */
const MAX_SOURCE = 1 << 27;

interface LineCache {
  readonly ends: Map<Address, Int32Array | null>;
  lines: number;
}

const LINE_CACHES = new WeakMap<HeapView, LineCache>();

const LF = 0x0a;
const CR = 0x0d;
const LINE_SEPARATOR = 0x2028;
const PARAGRAPH_SEPARATOR = 0x2029;

/** Offsets of the ends of all lines of a source, as V8 finds them (objects/string.cc: CalculateLineEnds); the end of the source ends the last one. */
export function lineEndsOf(source: string): Int32Array {
  const ends: number[] = [];
  for (let i = 0; i < source.length; i++) {
    const c = source.charCodeAt(i);
    if (c === LF || (c === CR && source.charCodeAt(i + 1) !== LF) || c === LINE_SEPARATOR || c === PARAGRAPH_SEPARATOR) ends.push(i);
  }
  ends.push(source.length);
  return Int32Array.from(ends);
}

function readLineEndsTable(view: HeapView, table: Address): Int32Array | undefined {
  const length = readArrayLength(view, table);
  if (length === undefined || length === 0 || length > MAX_LINES) return undefined;
  const ends = new Int32Array(length);
  for (let i = 0; i < length; i++) {
    const end = readSmi(view, table + view.layout.at.fixedArrayData + i * WORD_SIZE);
    if (end === undefined || (i > 0 && end < ends[i - 1]!)) return undefined;
    ends[i] = end;
  }
  return ends;
}

function loadLineEnds(view: HeapView, script: Address): Int32Array | undefined {
  const { at } = view.layout;
  const table = readTarget(view, script + at.scriptLineEnds);
  const type = table === undefined ? undefined : findMapOf(view, table)?.instanceType;
  if (table !== undefined && type !== undefined && isFixedArrayType(view.layout, type)) {
    const ends = readLineEndsTable(view, table);
    if (ends !== undefined) return ends;
  }
  const source = readTarget(view, script + at.scriptSource);
  if (!isStringAt(view, source) || (stringLength(view, source) ?? MAX_SOURCE + 1) > MAX_SOURCE) return undefined;
  return lineEndsOf(readString(view, source));
}

function findLineEnds(view: HeapView, script: Address): Int32Array | undefined {
  let cache = LINE_CACHES.get(view);
  if (cache === undefined || cache.ends.size >= MAX_SCRIPTS || cache.lines >= MAX_LINES) {
    cache = { ends: new Map<Address, Int32Array | null>(), lines: 0 };
    LINE_CACHES.set(view, cache);
  }
  const known = cache.ends.get(script);
  if (known !== undefined) return known ?? undefined;
  const ends = tryRead(() => loadLineEnds(view, script));
  cache.ends.set(script, ends ?? null);
  cache.lines += ends?.length ?? 0;
  return ends;
}

/** The place of an offset in the source of a script (objects/script.cc: GetPositionInfo); undefined when neither the source nor its lines are in the core. */
export function placeInScript(view: HeapView, script: Address, position: number): SourcePlace | undefined {
  const start = objectStart(script);
  if (position < 0 || !hasType(view, start, 'SCRIPT')) return undefined;
  const ends = findLineEnds(view, start);
  if (ends === undefined || position > ends[ends.length - 1]!) return undefined;
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ends[middle]! < position) low = middle + 1;
    else high = middle;
  }
  const column = low === 0 ? position : position - ends[low - 1]! - 1;
  const { at } = view.layout;
  const lineOffset = tryRead(() => readSmi(view, start + at.scriptLineOffset)) ?? 0;
  const columnOffset = low === 0 ? (tryRead(() => readSmi(view, start + at.scriptColumnOffset)) ?? 0) : 0;
  return { line: low + lineOffset + 1, column: column + columnOffset + 1 };
}
