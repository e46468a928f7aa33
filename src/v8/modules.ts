/** ECMAScript modules: the cells in which their exported and imported variables live. */
import { type Address } from '../bytes/address.ts';
import { type HeapView, hasType, instanceTypeAt, isFixedArrayType, isStringAt, readArrayLength, readTarget, readWord, tryRead } from './heap.ts';
import { typeNumber } from './layout.ts';
import { type ScopeInfo, readModuleVariables } from './scope-info.ts';
import { tryReadString } from './strings.ts';
import { WORD_SIZE, type Word, objectStart } from './tagged.ts';

/** An exported or imported variable and its value. */
export interface ModuleBinding {
  readonly name: string;
  readonly value: Word;
}

/** Module: exports; Cell: value (objects/module.tq, cell.tq). */
const MODULE_EXPORTS = 8;
const CELL_VALUE = 8;

/** ObjectHashTable: pairs of key and value behind three counts. */
const TABLE_START = 3;

const NAME_LENGTH = 256;

function readCell(view: HeapView, cell: Address | undefined): Word | undefined {
  return cell !== undefined && hasType(view, cell, 'CELL') ? readWord(view, cell + CELL_VALUE) : undefined;
}

/**
 * The variables of the module at `module` that live in cells, by the names that its own source gives them.
 * @throws {FaultError} when a part of them is not in the core
 */
export function readModuleBindings(view: HeapView, module: Address, scope: ScopeInfo, limit: number): ModuleBinding[] {
  if (!hasType(view, module, 'SOURCE_TEXT_MODULE')) return [];
  const bindings: ModuleBinding[] = [];
  for (const { name, cellIndex } of readModuleVariables(view, scope, limit)) {
    const row = cellIndex > 0 ? view.layout.at.moduleRegularExports : view.layout.at.moduleRegularExports + WORD_SIZE;
    const array = readTarget(view, module + row);
    const index = Math.abs(cellIndex) - 1;
    const length = array === undefined || !isFixedArrayType(view.layout, instanceTypeAt(view, array)) ? 0 : (readArrayLength(view, array) ?? 0);
    if (array === undefined || name === undefined || index < 0 || index >= length) continue;
    const value = readCell(view, readTarget(view, array + view.layout.at.fixedArrayData + index * WORD_SIZE));
    if (value !== undefined) bindings.push({ name, value });
  }
  return bindings;
}

/** What the module namespace at `address` exports, at most `limit`; empty when there is none, or it is not in the core. */
export function listModuleExports(view: HeapView, address: Address, limit: number): ModuleBinding[] {
  const type = instanceTypeAt(view, address);
  if (type < 0 || (type !== typeNumber(view.layout, 'JS_MODULE_NAMESPACE') && type !== typeNumber(view.layout, 'JS_DEFERRED_MODULE_NAMESPACE'))) return [];
  const bindings: ModuleBinding[] = [];
  tryRead(() => {
    const module = readTarget(view, objectStart(address) + view.layout.at.jsApiFirstField);
    const table = module === undefined ? undefined : readTarget(view, module + MODULE_EXPORTS);
    if (table === undefined || !isFixedArrayType(view.layout, instanceTypeAt(view, table))) return;
    const length = readArrayLength(view, table) ?? 0;
    const data = table + view.layout.at.fixedArrayData;
    for (let i = TABLE_START; i + 1 < length && bindings.length < limit; i += 2) {
      const key = readTarget(view, data + i * WORD_SIZE);
      const value = isStringAt(view, key) ? readCell(view, readTarget(view, data + (i + 1) * WORD_SIZE)) : undefined;
      if (isStringAt(view, key) && value !== undefined) bindings.push({ name: tryReadString(view, key, NAME_LENGTH)?.text ?? '', value });
    }
  });
  return bindings;
}
