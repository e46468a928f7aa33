/**
 * One line that says what a value is, for tables and tickets. Bounded in length and in what is read for it; it never throws.
 * Text of the dead process comes out as it is: whoever prints the line escapes it.
 */
import { type Address, formatAddress } from '../bytes/address.ts';
import { CoreleakError } from '../errors.ts';
import { readBufferBytes, readViewElements } from './binary-data.ts';
import { listEntries } from './collections.ts';
import type { PropertyValue } from './elements.ts';
import { functionPlace } from './functions.ts';
import type { HeapView } from './heap.ts';
import { listModuleExports } from './modules.ts';
import { type OwnProperty, listOwnProperties } from './objects.ts';
import { tryReadString } from './strings.ts';
import { type Word, objectStart, wordOfAddress } from './tagged.ts';
import { constructorNamesOf, describeObjectAt, describeValue } from './value.ts';
import type { ObjectValue, Value } from './value-types.ts';

/** How much a preview tells. */
export interface PreviewOptions {
  /** Whether the contents of strings are shown; their lengths are otherwise. */
  readonly strings?: boolean;
  /** The most characters of the line. */
  readonly maxLength?: number;
}

const DEFAULT_LENGTH = 120;
const MIN_LENGTH = 16;

/** Parts of one value that are read at all; the line is full long before. */
const MAX_PARTS = 64;
const KEY_LENGTH = 40;
const NAME_LENGTH = 60;
const INNER_STRING_LENGTH = 40;
const ELLIPSIS = '…';

/** Integers up to here are spelled out. */
const LARGEST_PLAIN_INTEGER = 999_999_999;
const FEW_DIGITS = 3;
/** Numbers of up to so many characters are shown as they are. */
const PLAIN_LENGTH = 8;
/** Room for `, …123456 more`. */
const REST_LENGTH = 14;

interface Context {
  readonly view: HeapView;
  readonly strings: boolean;
  readonly maxLength: number;
}

function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, Math.max(0, maxLength - 1))}${ELLIPSIS}`;
}

/** A number in few characters: `1.71e12` for a time stamp. */
function formatNumber(value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (!Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) <= LARGEST_PLAIN_INTEGER)) return String(value);
  const short = Number(value.toPrecision(FEW_DIGITS));
  const text = String(value);
  const few = text.length <= PLAIN_LENGTH ? text : Math.abs(value) >= 1e6 || Math.abs(value) < 1e-3 ? short.toExponential() : String(short);
  return few.replace('e+', 'e');
}

function formatString(context: Context, address: Address, length: number, maxLength: number): string {
  if (!context.strings) return `"${ELLIPSIS}${length} chars"`;
  const read = tryReadString(context.view, address, maxLength);
  if (read === undefined) return unreadable(address);
  return read.isTruncated ? `"${read.text}${ELLIPSIS}" (${length} chars)` : `"${read.text}"`;
}

function unreadable(address: Address | undefined): string {
  return address === undefined ? '<unreadable>' : `<unreadable ${formatAddress(address)}>`;
}

/** Joins parts while the line has room, and says how many more there are. */
function joinParts(parts: Iterable<string>, total: number, room: number): string {
  const shown: string[] = [];
  let length = 0;
  let isFull = false;
  for (const part of parts) {
    if (shown.length > 0 && length + part.length + REST_LENGTH > room) {
      isFull = true;
      break;
    }
    shown.push(cut(part, room));
    length += part.length + 2;
  }
  const left = total - shown.length;
  if (left > 0 || isFull) shown.push(`${ELLIPSIS}${Math.max(left, 1)} more`);
  return shown.join(', ');
}

function placeOf(context: Context, value: ObjectValue & { readonly kind: 'function' }): string {
  const { facts } = value;
  if (facts.script === undefined) return 'native';
  const place = functionPlace(context.view, facts);
  const file = cut(facts.scriptName?.split('/').at(-1) ?? 'unknown script', NAME_LENGTH);
  return place === undefined ? file : `${file}:${place.line}:${place.column}`;
}

function formatFunction(context: Context, value: ObjectValue & { readonly kind: 'function' }): string {
  const word = value.facts.kind === 'class constructor' ? 'class' : 'function';
  return `${word} ${cut(value.facts.name, NAME_LENGTH) || '(anonymous)'} (${placeOf(context, value)})`;
}

/** A value in a few characters, for a place within another. */
function formatInner(context: Context, value: Value): string {
  switch (value.kind) {
    case 'smi':
    case 'number':
      return formatNumber(value.value);
    case 'string':
      return formatString(context, value.address, value.length, INNER_STRING_LENGTH);
    case 'symbol':
      return `Symbol(${cut(value.description, KEY_LENGTH)})`;
    case 'bigint':
      return value.value === undefined ? `bigint of ${value.bits} bits` : `${cut(String(value.value), KEY_LENGTH)}n`;
    case 'boolean':
      return String(value.value);
    case 'null':
    case 'undefined':
      return value.kind;
    case 'hole':
      return 'empty';
    case 'internal':
      return `<${value.typeName}>`;
    case 'unreadable':
      return value.reason === 'cleared' ? '<cleared>' : unreadable(value.address);
    case 'array':
      return value.constructorName === 'Array' ? `[${ELLIPSIS}${value.length}]` : `${cut(value.constructorName, NAME_LENGTH)}(${value.length})`;
    case 'function':
      return `function ${cut(value.facts.name, NAME_LENGTH)}`.trimEnd();
    case 'boundFunction':
      return `bound ${cut(value.targetName, NAME_LENGTH)}`.trimEnd();
    case 'map':
    case 'set':
    case 'weakMap':
    case 'weakSet':
      return `${cut(value.constructorName, NAME_LENGTH)}(${value.size})`;
    case 'arrayBuffer':
      return `${cut(value.constructorName, NAME_LENGTH)}(${value.buffer.byteLength})`;
    case 'typedArray':
    case 'dataView':
    case 'buffer':
      return `${cut(value.constructorName, NAME_LENGTH)}(${value.view.length})`;
    case 'date':
      return formatDate(value.time);
    case 'object':
      return value.constructorName === 'Object'
        ? `{${ELLIPSIS}${listOwnProperties(context.view, value.address, { limit: 1 })?.total ?? 0}}`
        : cut(value.constructorName, NAME_LENGTH);
    default:
      return cut(value.constructorName, NAME_LENGTH);
  }
}

function formatDate(time: number): string {
  const MAX_TIME = 8.64e15;
  return Number.isNaN(time) || Math.abs(time) > MAX_TIME ? 'Invalid Date' : new Date(time).toISOString();
}

function formatPropertyValue(context: Context, value: PropertyValue): string {
  switch (value.kind) {
    case 'word':
      return formatInner(context, describeValue(context.view, value.word));
    case 'number':
      return formatNumber(value.value);
    case 'accessor':
      return '[accessor]';
    case 'undefined':
      return 'undefined';
    case 'native':
      return '[native]';
  }
}

function formatKey(property: OwnProperty): string {
  const key = cut(property.key, KEY_LENGTH);
  return property.keyKind === 'symbol' ? `[${key}]` : key;
}

/** Properties that V8 computes, such as `length` and `stack`, say nothing that the rest of the line does not. */
function isWorthShowing(property: OwnProperty): boolean {
  return property.value.kind !== 'native';
}

function* propertyParts(context: Context, properties: readonly OwnProperty[]): Generator<string> {
  for (const property of properties) {
    if (isWorthShowing(property)) yield `${formatKey(property)}: ${formatPropertyValue(context, property.value)}`;
  }
}

function formatProperties(context: Context, address: Address, room: number, namedOnly = false): string {
  const list = listOwnProperties(context.view, address, { limit: MAX_PARTS, maxKeyLength: KEY_LENGTH + 1, hideInternal: true, namedOnly });
  if (list === undefined || list.properties.length === 0) return '';
  const hidden = list.properties.filter((property) => !isWorthShowing(property)).length;
  return joinParts(propertyParts(context, list.properties), list.total - hidden, room);
}

function* elementParts(context: Context, address: Address): Generator<string> {
  let expected = 0;
  for (const property of listOwnProperties(context.view, address, { limit: MAX_PARTS })?.properties ?? []) {
    if (property.keyKind !== 'index') break;
    const index = Number(property.key);
    const text = formatPropertyValue(context, property.value);
    yield index === expected ? text : `${index}: ${text}`;
    expected = index + 1;
  }
}

function formatElements(context: Context, name: string, address: Address, length: number, room: number): string {
  const prefix = name === 'Array' ? '' : `${cut(name, NAME_LENGTH)}(${length}) `;
  if (length > MAX_PARTS) return `${prefix}[${ELLIPSIS}${length}]`;
  return `${prefix}[${joinParts(elementParts(context, address), 0, room - prefix.length)}]`;
}

function* entryParts(context: Context, address: Address): Generator<string> {
  for (const { key, value } of listEntries(context.view, address, MAX_PARTS)?.entries ?? []) {
    const name = formatInner(context, describeValue(context.view, key));
    yield value === undefined ? name : `${name} => ${formatInner(context, describeValue(context.view, value))}`;
  }
}

function formatObject(context: Context, value: ObjectValue, room: number): string {
  const name = cut(value.constructorName, NAME_LENGTH);
  const word = (target: Address): string => formatInner(context, describeObjectAt(context.view, target));
  switch (value.kind) {
    case 'function':
      return formatFunction(context, value);
    case 'boundFunction':
      return `bound ${cut(value.targetName, NAME_LENGTH) || word(value.bound.target)}${value.bound.depth > 1 ? ` (bound ${value.bound.depth} times)` : ''}`;
    case 'array':
    case 'arguments':
      return formatElements(context, name, value.address, value.length, room);
    case 'map':
    case 'set':
    case 'weakMap':
    case 'weakSet':
      return `${name}(${value.size}) {${joinParts(entryParts(context, value.address), value.size, room - name.length)}}`;
    case 'weakRef':
      return `${name} {${value.target === undefined ? '<cleared>' : word(value.target)}}`;
    case 'date':
      return formatDate(value.time);
    case 'regexp':
      return context.strings ? `/${cut(value.source, room)}/${value.flags}` : `/${ELLIPSIS}${value.source.length} chars/${value.flags}`;
    case 'error': {
      const message = value.message === undefined || !context.strings ? '' : `: ${cut(value.message, room)}`;
      return `${name}${message}`;
    }
    case 'promise':
      return `${name} {${value.result === undefined ? value.state : `${value.state}: ${formatInner(context, describeValue(context.view, value.result))}`}}`;
    case 'arrayBuffer': {
      const bytes = context.strings ? readBufferBytes(context.view, value.buffer, MAX_PARTS) : undefined;
      const shown = bytes === undefined ? '' : ` [${joinParts([...bytes].map(String), value.buffer.byteLength, room)}]`;
      return `${name}(${value.buffer.byteLength})${value.buffer.isDetached ? ' detached' : shown}`;
    }
    case 'typedArray':
    case 'dataView':
    case 'buffer': {
      const elements = context.strings || value.kind === 'typedArray' ? readViewElements(context.view, value.view, 0, MAX_PARTS) : undefined;
      const shown = elements === undefined ? '' : ` [${joinParts(elements.map(String), value.view.length, room)}]`;
      return `${name}(${value.view.length})${value.view.isDetached ? ' detached' : shown}`;
    }
    case 'proxy':
      return `Proxy {${value.target === undefined ? 'revoked' : word(value.target)}}`;
    case 'generator':
    case 'asyncFunction':
      return `${value.kind === 'generator' ? 'generator' : 'async function'} ${cut(value.name, NAME_LENGTH) || '(anonymous)'} {${value.state}}`;
    case 'primitiveWrapper':
      return `${name} {${formatInner(context, describeValue(context.view, value.value))}}`;
    case 'iterator':
      return `${name} {${value.over === undefined ? '' : word(value.over)}}`;
    case 'moduleNamespace': {
      const bindings = listModuleExports(context.view, value.address, MAX_PARTS);
      const parts = bindings.map((binding) => `${cut(binding.name, KEY_LENGTH)}: ${formatInner(context, describeValue(context.view, binding.value))}`);
      return parts.length === 0 ? `${name} {}` : `${name} { ${joinParts(parts, parts.length, room - name.length)} }`;
    }
    case 'object':
    case 'global': {
      const inner = formatProperties(context, value.address, room - name.length);
      const body = inner === '' ? '{}' : `{ ${inner} }`;
      return value.constructorName === 'Object' ? body : `${name} ${body}`;
    }
  }
}

function isObjectValue(value: Value): value is ObjectValue {
  return 'constructorName' in value;
}

function format(context: Context, value: Value): string {
  if (isObjectValue(value)) return formatObject(context, value, context.maxLength - 4);
  if (value.kind === 'string') return formatString(context, value.address, value.length, context.maxLength - 2);
  return formatInner(context, value);
}

/** One line about the value that a word is. */
export function previewWord(view: HeapView, word: Word, options: PreviewOptions = {}): string {
  const context: Context = { view, strings: options.strings ?? false, maxLength: Math.max(MIN_LENGTH, options.maxLength ?? DEFAULT_LENGTH) };
  try {
    return cut(format(context, describeValue(view, word)), context.maxLength);
  } catch (error) {
    if (error instanceof CoreleakError) return unreadable(undefined);
    throw error;
  }
}

/** One line about the object at `address`: `{ user: "…14 chars", at: 1.71e12 }`, `Map(3) {…}`, `function onData (server.js:10:5)`. */
export function previewValue(view: HeapView, address: Address, options: PreviewOptions = {}): string {
  const start = objectStart(address);
  return start >= 0 && start < 2 ** 48 && Number.isInteger(start) && start % 8 === 0 ? previewWord(view, wordOfAddress(start), options) : '<unreadable>';
}

/** The class name of the object at `address`, or what else it is: `string`, `number`, `<FeedbackVector>`, `<unreadable 0x…>`. */
export function className(view: HeapView, address: Address): string {
  const value = describeObjectAt(view, address);
  if (isObjectValue(value)) return constructorNamesOf(view).nameOfObject(address);
  if (value.kind === 'internal') return `<${value.typeName}>`;
  return value.kind === 'unreadable' ? unreadable(value.address) : value.kind;
}
