/** The values of `globalThis.zoo` in the core of the program value-kinds, in the notation of cores/README.md: the one place that knows how a value is read. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { openTarget } from '../../src/target/target.ts';
import { readBufferBytes, readViewElements } from '../../src/v8/binary-data.ts';
import { listEntries } from '../../src/v8/collections.ts';
import { readContextChain } from '../../src/v8/contexts.ts';
import type { PropertyValue } from '../../src/v8/elements.ts';
import { findFunctionContext, functionPlace } from '../../src/v8/functions.ts';
import type { HeapView } from '../../src/v8/heap.ts';
import { addressOfRef } from '../../src/v8/heap-memory.ts';
import { typeNumber } from '../../src/v8/layout.ts';
import { findOwnProperty, listOwnProperties, wordOfValue } from '../../src/v8/objects.ts';
import type { OwnProperty } from '../../src/v8/objects.ts';
import { planHeap, readHeap } from '../../src/v8/read-heap.ts';
import type { WalkedHeap } from '../../src/v8/read-heap.ts';
import { readString, tryReadString } from '../../src/v8/strings.ts';
import { strongTarget } from '../../src/v8/tagged.ts';
import type { Word } from '../../src/v8/tagged.ts';
import { describeObjectAt, describeValue } from '../../src/v8/value.ts';
import type { ObjectValue, Value } from '../../src/v8/value-types.ts';

/** One value as a reader of the core sees it. */
export interface ReadValue {
  readonly kind: string;
  readonly text: string;
}

const LISTED = 20;
const LONG_STRING = 200;

/** Kinds by their names in the notation, where those differ. */
const KIND_NAMES: Readonly<Record<string, string>> = {
  smi: 'number',
  boundFunction: 'bound',
  weakMap: 'weakmap',
  weakSet: 'weakset',
  weakRef: 'weakref',
  arrayBuffer: 'arraybuffer',
  typedArray: 'typedarray',
  dataView: 'dataview',
  primitiveWrapper: 'boxed',
};

function stringText(view: HeapView, address: number): string {
  const whole = readString(view, address);
  if (whole.length <= LONG_STRING) return JSON.stringify(whole);
  const digest = createHash('sha256').update(Buffer.from(whole, 'utf16le')).digest('hex').slice(0, 16);
  return `${JSON.stringify(whole.slice(0, 40))}… ${whole.length} sha256:${digest}`;
}

const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));
const listText = (items: readonly string[], total: number): string => `${items.slice(0, LISTED).join(', ')}${total > LISTED ? `, …${total}` : ''}`;
const itemText = (value: number | bigint): string => (typeof value === 'bigint' ? `${value}n` : numberText(value));

/** The text of a value within another's. */
function innerText(view: HeapView, value: Value): string {
  switch (value.kind) {
    case 'smi':
    case 'number':
      return numberText(value.value);
    case 'string':
      return JSON.stringify(readString(view, value.address));
    case 'symbol':
      return `Symbol(${value.description})`;
    case 'bigint':
      return `${value.value}n`;
    case 'boolean':
      return String(value.value);
    case 'null':
    case 'undefined':
    case 'hole':
      return value.kind;
    case 'array':
      return '[Array]';
    case 'function':
    case 'boundFunction':
      return '[Function]';
    case 'internal':
      return `<${value.typeName}>`;
    case 'unreadable':
      return `<${value.reason}>`;
    default:
      return `[${value.constructorName}]`;
  }
}

const wordText = (view: HeapView, word: Word): string => innerText(view, describeValue(view, word));

function propertyText(view: HeapView, value: PropertyValue): string {
  switch (value.kind) {
    case 'word':
      return wordText(view, value.word);
    case 'number':
      return numberText(value.value);
    case 'accessor':
      return '[Accessor]';
    default:
      return value.kind;
  }
}

const keyText = (property: OwnProperty): string => (property.keyKind === 'symbol' ? `Symbol(${property.key})` : property.key);

function objectText(view: HeapView, address: number, limit = LISTED): string {
  const list = listOwnProperties(view, address, { limit: limit + 1, hideInternal: true })!;
  return listText(
    list.properties.slice(0, limit).map((property) => `${keyText(property)}: ${propertyText(view, property.value)}`),
    list.total,
  );
}

function arrayText(view: HeapView, address: number, length: number): string {
  const items = listOwnProperties(view, address, { limit: 200_000 })!.properties.filter((property) => property.keyKind === 'index');
  const isWhole = items.length === length;
  return listText(
    items.map((item) => (isWhole ? '' : `${item.key}: `) + propertyText(view, item.value)),
    items.length,
  );
}

function collectionText(view: HeapView, address: number, total: number): string {
  const { entries } = listEntries(view, address, LISTED)!;
  return listText(
    entries.map(({ key, value }) => wordText(view, key) + (value === undefined ? '' : ` => ${wordText(view, value)}`)),
    total,
  );
}

function functionText(view: HeapView, value: ObjectValue & { readonly kind: 'function' }): string {
  const place = functionPlace(view, value.facts);
  const where = place === undefined ? '' : `${basename(value.facts.scriptName ?? '')}:${place.line}:${place.column}`;
  // V8 names accessors with what they are.
  const name = value.facts.kind === 'getter' || value.facts.kind === 'setter' ? value.facts.name.slice(4) : value.facts.name;
  return `${name || '(anonymous)'} ${where}`;
}

function objectValueText(view: HeapView, value: ObjectValue): string {
  const name = value.constructorName;
  const at = (address: number | undefined): string => (address === undefined ? '' : innerText(view, describeObjectAt(view, address)));
  switch (value.kind) {
    case 'array':
    case 'arguments':
      return `${name}(${value.length})[${arrayText(view, value.address, value.length)}]`;
    case 'map':
    case 'set':
    case 'weakMap':
    case 'weakSet':
      return `${name}(${value.size}){${collectionText(view, value.address, value.size)}}`;
    case 'function':
      return functionText(view, value);
    case 'boundFunction': {
      const words = value.bound.boundArguments === undefined ? [] : readWords(view, value.bound.boundArguments);
      return `bound ${value.targetName}(${[`this ${wordText(view, value.bound.boundThis)}`, ...words].join(', ')})`;
    }
    case 'weakRef':
      return `${name}{${at(value.target)}}`;
    case 'date':
      return Number.isNaN(value.time) ? 'Invalid Date' : new Date(value.time).toISOString();
    case 'regexp':
      return `/${value.source}/${value.flags}`;
    case 'error':
      return value.stack === undefined ? `${name}: ${value.message ?? ''}` : tryReadString(view, value.stack)!.text.split('\n').slice(0, 2).join('\n');
    case 'promise':
      return `${name}{${value.result === undefined ? value.state : `${value.state}: ${wordText(view, value.result)}`}}`;
    case 'arrayBuffer':
      return `${name}(${value.buffer.byteLength})[${listText([...readBufferBytes(view, value.buffer, LISTED)!].map(String), value.buffer.byteLength)}]`;
    case 'typedArray':
    case 'dataView':
    case 'buffer':
      return `${name}(${value.view.length})[${listText(readViewElements(view, value.view, 0, LISTED)!.map(itemText), value.view.length)}]`;
    case 'proxy':
      return `Proxy{${value.target === undefined ? 'revoked' : at(value.target)}}`;
    case 'generator':
    case 'asyncFunction':
      return `${value.name} ${value.state}`;
    case 'primitiveWrapper':
      return `${name}{${wordText(view, value.value)}}`;
    default:
      return `${name}{${objectText(view, value.address)}}`;
  }
}

function readWords(view: HeapView, array: number): string[] {
  const length = view.memory.readU32(array + view.layout.at.fixedArrayLength + 4);
  return Array.from({ length }, (_, i) => {
    const at = array + view.layout.at.fixedArrayData + 8 * i;
    return wordText(view, { lo: view.memory.readU32(at), hi: view.memory.readU32(at + 4) });
  });
}

function readValue(view: HeapView, value: Value): ReadValue {
  const kind = KIND_NAMES[value.kind] ?? value.kind;
  if (!('constructorName' in value)) return { kind, text: value.kind === 'string' ? stringText(view, value.address) : innerText(view, value) };
  return { kind: value.kind === 'arrayBuffer' && value.buffer.isShared ? 'sharedarraybuffer' : kind, text: objectValueText(view, value) };
}

function contextText(view: HeapView, fn: number): string {
  const [frame] = readContextChain(view, findFunctionContext(view, fn)!).frames;
  const variables = frame!.variables.map(({ name, value, number }) => [name, number === undefined ? wordText(view, value) : numberText(number)] as const);
  return `{${variables
    .sort(([a], [b]) => (a! < b! ? -1 : 1))
    .map(([name, text]) => `${name}: ${text}`)
    .join(', ')}}`;
}

/** The word of `globalThis.zoo` of the one realm that has it. */
function findZoo(heap: WalkedHeap): number {
  const wanted = typeNumber(heap.view.layout, 'JS_GLOBAL_OBJECT');
  for (const row of heap.maps.values()) {
    if (row.type !== wanted) continue;
    const word = wordOfValue(findOwnProperty(heap.view, addressOfRef(heap.plan.parts, row.sample), 'zoo'));
    const zoo = word === undefined ? undefined : strongTarget(word.lo, word.hi);
    if (zoo !== undefined) return zoo;
  }
  throw new Error('no global object of the core has a property zoo');
}

function readAll(view: HeapView, zoo: number): Record<string, ReadValue> {
  const values: Record<string, ReadValue> = {};
  for (const { key, value } of listOwnProperties(view, zoo)!.properties) {
    if (value.kind !== 'word') continue;
    const described = describeValue(view, value.word);
    values[key] = readValue(view, described);
    if (described.kind === 'function' && described.facts.script !== undefined)
      values[`${key}#context`] = { kind: 'context', text: contextText(view, described.address) };
  }
  return values;
}

/**
 * Reads every property of `globalThis.zoo`; a function's context comes under its name with `#context` behind it.
 *
 * @param corePath core of the program value-kinds
 * @param binary the Node binary that it was made with
 */
export async function readZoo(corePath: string, binary: string): Promise<Record<string, ReadValue>> {
  const target = openTarget(corePath, { binary });
  try {
    const { heap } = await readHeap(planHeap(target), () => undefined);
    return readAll(heap.view, findZoo(heap));
  } finally {
    target.close();
  }
}
