/** Names of V8's roots: those of the kinds as its heap snapshots have them, and those of the entries of its table of roots. */
import type { Address } from '../bytes/address.ts';
import { type HeapView, findMapOf, oddballAt, typeName } from './heap.ts';
import { isStringType, typeNumber } from './layout.ts';
import type { RootKindName } from './root-collector.ts';
import { tryReadString } from './strings.ts';
import { symbolFacts } from './symbols.ts';

/** The node of V8's snapshot that the roots of a kind are under (objects/visitors.h: ROOT_ID_LIST). */
export const ROOT_KIND_NAMES: Readonly<Record<RootKindName, string>> = {
  isolate: '(Isolate)',
  globalHandle: '(Global handles)',
  eternalHandle: '(Eternal handles)',
  tracedHandle: '(Traced handles)',
  handleScope: '(Handle scope)',
  microtask: '(Micro tasks)',
  stack: '(Stack roots)',
  readOnly: '(Read-only roots)',
  strongRoot: '(Strong root list)',
  builtin: '(Builtins)',
  startupCache: '(Startup object cache)',
  shareableCache: '(Shareable object cache)',
};

/**
 * The roots that change while a program runs, in their order at the end of the table, with the first and last of the layout's columns that has each
 * (roots/roots.h: STRONG_MUTABLE_MOVABLE_ROOT_LIST). The lengths agree with the tables of the official builds.
 */
const MUTABLE_ROOTS: readonly (readonly [name: string, first: number, last: number])[] = [
  ['number_string_cache', 0, 4],
  ['smi_string_cache', 5, 5],
  ['double_string_cache', 5, 5],
  ['public_symbol_table', 0, 5],
  ['api_symbol_table', 0, 5],
  ['api_private_symbol_table', 0, 5],
  ['script_list', 0, 5],
  ['materialized_objects', 0, 5],
  ['detached_contexts', 0, 5],
  ['retaining_path_targets', 0, 3],
  ['feedback_vectors_for_profiling_tools', 0, 5],
  ['serialized_objects', 0, 5],
  ['serialized_global_proxy_sizes', 0, 5],
  ['message_listeners', 0, 5],
  ['current_microtask', 0, 5],
  ['weak_refs_keep_during_job', 0, 5],
  ['interpreter_entry_trampoline_for_profiling', 0, 1],
  ['pending_optimize_for_test_bytecode', 0, 1],
  ['functions_marked_for_manual_optimization', 2, 5],
  ['basic_block_profiling_data', 0, 5],
  ['shared_wasm_memories', 0, 5],
  ['locals_block_list_cache', 2, 5],
  ['active_continuation', 1, 4],
  ['active_suspender', 1, 4],
  ['js_to_wasm_wrappers', 2, 5],
  ['wasm_canonical_rtts', 1, 5],
  ['error_stack_getter_fun_template', 3, 5],
  ['error_stack_setter_fun_template', 3, 5],
];

const SYMBOL_PREFIX = 'Symbol.';
const NAME_LENGTH = 64;

/** What V8 calls one of its own constants, as far as the object itself tells: `undefined_value`, `fixed_array_map`, `length_string`, `iterator_symbol`. */
function nameOfConstant(view: HeapView, address: Address): string | undefined {
  const map = findMapOf(view, address);
  if (map === undefined) return undefined;
  const type = map.instanceType;
  const oddball = oddballAt(view, address);
  if (oddball !== undefined) return oddball === 'hole' ? undefined : `${oddball}_value`;
  if (type === typeNumber(view.layout, 'MAP')) {
    const instances = view.memory.readU16(address + view.layout.at.mapInstanceType);
    return view.layout.typeNames[instances] === undefined ? undefined : `${typeName(view, instances).toLowerCase()}_map`;
  }
  if (isStringType(view.layout, type)) {
    const text = tryReadString(view, address, NAME_LENGTH)?.text ?? '';
    return /^[A-Za-z_]\w*$/.test(text) ? `${text}_string` : undefined;
  }
  const symbol = symbolFacts(view, address);
  if (symbol === undefined || symbol.description === '') return undefined;
  const { description } = symbol;
  return `${description.startsWith(SYMBOL_PREFIX) ? description.slice(SYMBOL_PREFIX.length) : description}${description.endsWith('_symbol') ? '' : '_symbol'}`;
}

/** Whether the word at `address` is a Smi: what stands behind the last root that refers to an object. */
function isSmi(view: HeapView, address: Address): boolean {
  return view.memory.isReadable(address, 8) && view.memory.readU32(address) === 0;
}

/**
 * The name of an entry of the table of roots, for the object that it refers to; `root N`, counted from 0, when it cannot be told. `end` is the address
 * behind the last entry.
 */
export function strongRootName(view: HeapView, place: Address, table: { readonly start: Address; readonly end: Address }, object: Address): string {
  const { layout } = view;
  const fromEnd = (table.end - place) / 8;
  const mutable = MUTABLE_ROOTS.filter(([, first, last]) => layout.column >= first && layout.column <= last);
  const name = layout.exact && isSmi(view, table.end) && fromEnd <= mutable.length ? mutable[mutable.length - fromEnd]?.[0] : undefined;
  return name ?? nameOfConstant(view, object) ?? `root ${(place - table.start) / 8}`;
}
