/** Where in its source a frame is: from a bytecode's offset to a line and a column. */
import type { Address } from '../bytes/address.ts';
import type { JsFrame } from './frames.ts';
import { functionPlace, tryReadFunction } from './functions.ts';
import { type HeapView, hasType, readSmi, readTarget, tryRead } from './heap.ts';
import { type SourcePlace, placeInScript } from './scripts.ts';

/** A place in a script. */
export interface FramePlace {
  readonly scriptName: string | undefined;
  readonly place: SourcePlace;
  /** Whether it is the call that the frame is at; else it is where its function is written. */
  readonly isCall: boolean;
}

const MAX_TABLE_BYTES = 1 << 24;
/** Bits of seven that a number in the table may take: 64-bit positions. */
const MAX_GROUPS = 10;

/** Reads numbers of seven bits a byte, lowest first, in doubles, since positions may have more than 32 bits. */
class TableReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isDone(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The next number; NaN when the table ends in it. */
  next(): number {
    let value = 0;
    for (let group = 0, scale = 1; group < MAX_GROUPS; group++, scale *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 0x7f) * scale;
      if ((byte & 0x80) === 0) return value;
    }
    return Number.NaN;
  }

  /** The next number with its sign in the lowest bit: 0, -1, 1, -2, ... */
  nextSigned(): number {
    const value = this.next();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

/** A SourcePosition is an offset in the script plus one, above a bit for positions outside of JavaScript, below the number of an inlined function (codegen/source-position.h). */
const SCRIPT_OFFSET_END = 2 ** 30;

/** The entry of a function itself stands before its first bytecode (common/globals.h: kFunctionEntryBytecodeOffset). */
const FUNCTION_ENTRY = -1;

/**
 * The offset in the script that a table of source positions gives for a bytecode: of the last entry at or before it (codegen/source-position-table.cc).
 * Every entry is the distance of the code, whose sign (or, where `isPacked`, lowest bit) marks statements, and that of the position. Undefined when no entry fits.
 */
export function positionOfBytecode(table: Uint8Array, bytecodeOffset: number, isPacked: boolean): number | undefined {
  const reader = new TableReader(table);
  let offset = FUNCTION_ENTRY;
  let position = 0;
  let found: number | undefined;
  while (!reader.isDone) {
    const number = isPacked ? Math.floor(reader.next() / 4) : reader.nextSigned();
    offset += number < 0 ? -(number + 1) : number;
    position += reader.nextSigned();
    if (!(offset <= bytecodeOffset) || Number.isNaN(position)) break;
    found = (Math.floor(position / 2) % SCRIPT_OFFSET_END) - 1;
  }
  return found !== undefined && found >= 0 ? found : undefined;
}

/** The source positions of a BytecodeArray; undefined when V8 has not kept any, as for functions that were compiled lazily and never in a stack trace. */
function readPositionTable(view: HeapView, bytecodeArray: Address): Uint8Array | undefined {
  const { at } = view.layout;
  const table = readTarget(view, bytecodeArray + at.bytecodeSourcePositions);
  if (table === undefined || !(hasType(view, table, 'BYTE_ARRAY') || hasType(view, table, 'TRUSTED_BYTE_ARRAY'))) return undefined;
  const length = readSmi(view, table + at.fixedArrayLength);
  if (length === undefined || length <= 0 || length > MAX_TABLE_BYTES) return undefined;
  return view.memory.readBytes(table + at.fixedArrayData, length);
}

/** The offset in its script of the call that a frame is at; undefined for frames that run machine code, or whose positions V8 has not kept. */
function callPosition(view: HeapView, frame: JsFrame): number | undefined {
  const { bytecodeArray, bytecodeOffset } = frame;
  if (bytecodeArray === undefined || bytecodeOffset === undefined) return undefined;
  const table = tryRead(() => readPositionTable(view, bytecodeArray));
  return table === undefined ? undefined : positionOfBytecode(table, bytecodeOffset, view.layout.at.sourcePositionsPacked === 1);
}

/**
 * Where a frame is: the call it is at, when it is an interpreted one and V8 has kept its positions (it does from the first stack trace through the
 * function on), or else where its function is written. Undefined without a function or a script.
 */
export function framePlace(view: HeapView, frame: JsFrame): FramePlace | undefined {
  if (frame.function === undefined) return undefined;
  const facts = tryReadFunction(view, frame.function);
  const script = facts?.script;
  if (facts === undefined || script === undefined) return undefined;
  const position = callPosition(view, frame);
  const call = position === undefined ? undefined : placeInScript(view, script, position);
  const place = call ?? functionPlace(view, facts);
  return place === undefined ? undefined : { scriptName: facts.scriptName, place, isCall: call !== undefined };
}
