/**
 * Offsets and numbers that no `v8dbg_` symbol gives, per V8 version. Columns follow TABLE_VERSIONS; every row names where V8 states it
 * (paths below V8's `src/`). A symbol of the binary always wins over a row here, and a check against the heap confirms what is used.
 */

/** V8 of Node 16, 18, 20, 22, 24 and 26. */
export const TABLE_VERSIONS = ['9.4', '10.2', '11.3', '12.4', '13.6', '14.6'] as const;

/** One value per table version; `undefined` where that version has no such thing. */
export interface CannedRow {
  readonly values: readonly (number | undefined)[];
  readonly source: string;
}

const row = (values: readonly (number | undefined)[], source: string): CannedRow => ({ values, source });
const all = (value: number, source: string): CannedRow => row([value, value, value, value, value, value], source);

export const CANNED = {
  // --- pages ---
  pageMetadataIndirect: row([0, 0, 0, 0, 1, 1], 'heap/memory-chunk.h: MemoryChunk holds a pointer to its MutablePageMetadata since 13.x'),
  pageFlags: row([8, 8, 8, 0, 0, 0], 'heap/basic-memory-chunk.h, heap/memory-chunk.h: main_thread_flags_'),
  pageSize: row([0, 0, 0, 16, 48, 48], 'heap/basic-memory-chunk.h: size_'),
  pageHeap: row([16, 16, 16, 24, 64, 64], 'heap/basic-memory-chunk.h: heap_'),
  pageAreaStart: row([24, 24, 24, 32, 72, 72], 'heap/basic-memory-chunk.h: area_start_'),
  pageAreaEnd: row([32, 32, 32, 40, 56, 56], 'heap/basic-memory-chunk.h: area_end_'),
  pageOwner: row([64, 64, 64, 72, 80, 80], 'heap/basic-memory-chunk.h: owner_'),
  heapFromIsolate: row([0xa300, 0xc638, 0xd2c0, 0xdea0, 0xeff8, 0xf3c0], 'execution/isolate.h: heap_ within Isolate, measured on the official x64 builds'),
  spaceId: all(16, 'heap/base-space.h: id_ follows the vtable and heap_'),

  // --- maps ---
  mapSize: all(72, 'objects/map.h: Map::kSize with one tagged slot for transitions and one for the prototype validity cell'),
  descriptorArrayHeader: row([24, 24, 24, 24, 24, 32], 'objects/descriptor-array.tq'),
  descriptorArrayCount: all(8, 'objects/descriptor-array.tq: number_of_all_descriptors, uint16'),

  // --- sizes of variable objects ---
  feedbackVectorHeader: row([48, 48, 56, 56, 48, 48], 'objects/feedback-vector.tq'),
  bytecodeArrayHeader: row([54, 56, 54, 64, 64, 64], 'objects/bytecode-array.tq'),
  bytecodeSourcePositions: row([32, 32, 32, 24, 24, 24], 'objects/bytecode-array.tq: source_position_table'),
  codeHeader: row([96, 128, 64, 32, 32, 32], 'objects/code.h, objects/instruction-stream.h: kHeaderSize'),
  codeSizeField: row([40, 40, 56, 24, 24, 24], 'objects/code.h: instruction_size and metadata_size, since 12.x body_size of InstructionStream'),
  codeAlignment: row([32, 64, 64, 64, 64, 64], 'common/globals.h: kCodeAlignment'),
  freeSpaceUnit: row([1, 1, 1, 1, 8, 8], 'objects/free-space.tq: length_in_words since 13.x, bytes before'),

  // --- functions and scopes ---
  jsFunctionShared: row([24, 24, 24, 32, 32, 32], 'objects/js-function.tq'),
  jsFunctionContext: row([32, 32, 32, 40, 40, 40], 'objects/js-function.tq'),
  sfiFunctionData: all(8, 'objects/shared-function-info.tq: function_data, trusted_function_data since 12.x'),
  sfiUntrustedData: row([undefined, undefined, undefined, undefined, 16, 16], 'objects/shared-function-info.tq: untrusted_function_data'),
  sfiNameOrScopeInfo: row([16, 16, 16, 16, 24, 24], 'objects/shared-function-info.tq: name_or_scope_info'),
  sfiScript: row([32, 32, 32, 32, 40, 40], 'objects/shared-function-info.tq: script'),
  sfiTokenOffset: row([44, 44, 44, 44, 52, 52], 'objects/shared-function-info.tq: function_token_offset, uint16'),
  sfiFlags: row([48, 48, 48, 48, 56, 56], 'objects/shared-function-info.tq: flags'),
  scopeFlagsRaw: row([0, 0, 0, 0, 1, 1], 'objects/scope-info.tq: flags is a raw uint32 since 13.x, a Smi before'),
  scopeFirstVariable: row([3, 3, 3, 3, 5, 5], 'objects/scope-info.tq: words between the map and the names'),
  scopeModuleCountEarly: row([0, 0, 0, 1, 1, 1], 'objects/scope-info.tq: module_variable_count stands before the names'),
  scopeNamesInlined: row([2 ** 30, 75, 75, 75, 75, 75], 'objects/scope-info.tq: kScopeInfoMaxInlinedLocalNamesSize; hash table from there on'),
  scopeTypeClass: row([0, 0, 0, 0, 2, 2], 'common/globals.h: enum ScopeType'),
  scopeTypeEval: row([1, 1, 1, 1, 3, 3], 'common/globals.h: enum ScopeType'),
  scopeTypeFunction: row([2, 2, 2, 2, 4, 4], 'common/globals.h: enum ScopeType'),
  scopeTypeModule: row([3, 3, 3, 3, 5, 5], 'common/globals.h: enum ScopeType'),
  scopeTypeScript: row([4, 4, 4, 4, 0, 0], 'common/globals.h: enum ScopeType'),

  contextCellValue: row([undefined, undefined, undefined, undefined, undefined, 8], 'objects/contexts.tq: ContextCell.tagged_value'),
  contextCellState: row([undefined, undefined, undefined, undefined, undefined, 24], 'objects/contexts.h: ContextCell.state: constant, Smi, int32, float64, detached'),
  contextCellNumber: row([undefined, undefined, undefined, undefined, undefined, 32], 'objects/contexts.h: ContextCell, the untagged int32 or float64'),
  moduleRegularExports: row([64, 64, 64, 64, 64, 72], 'objects/source-text-module.tq: regular_exports, then regular_imports; behind Module and code'),
  scriptLineOffset: all(24, 'objects/script.tq: line_offset'),
  scriptColumnOffset: all(32, 'objects/script.tq: column_offset'),
  scriptSourceUrl: row([104, 104, 112, 112, 112, 112], 'objects/script.tq: source_url; compiled_lazy_function_positions stands before it since 11.x'),
  templateClassName: row([56, 56, undefined, undefined, undefined, undefined], 'objects/templates.tq: FunctionTemplateInfo.class_name, behind TemplateInfo and call_code'),
  debugInfoScript: row([24, 24, 24, undefined, undefined, undefined], 'objects/debug-objects.tq: DebugInfo.script, in the place of the script of a function that is debugged'),

  // --- JavaScript objects ---
  jsReceiverProperties: all(8, 'objects/js-objects.tq: properties_or_hash'),
  jsObjectElements: all(16, 'objects/js-objects.tq: elements'),
  jsArrayLength: all(24, 'objects/js-array.tq: length'),
  jsCollectionTable: all(24, 'objects/js-collection.tq: table of JSMap, JSSet, JSWeakMap and JSWeakSet'),
  jsBoundTarget: all(24, 'objects/js-function.tq: bound_target_function, bound_this, bound_arguments'),
  jsProxyTarget: all(16, 'objects/js-proxy.tq: target, then handler'),
  jsGeneratorFunction: all(24, 'objects/js-generator.tq: function, context, receiver, input_or_debug_pos, resume_mode, continuation, parameters_and_registers'),
  jsPromiseResult: all(24, 'objects/js-promise.tq: reactions_or_result, then flags'),
  jsPrimitiveWrapperValue: all(24, 'objects/js-objects.tq: value'),
  jsWeakRefTarget: all(24, 'objects/js-weak-refs.tq: target'),
  weakCellTarget: all(16, 'objects/js-weak-refs.tq: target, then unregister_token'),
  jsDateValue: all(24, 'objects/js-date.tq: value'),
  jsDateIsDouble: row([0, 0, 0, 0, 1, 1], 'objects/js-date.tq: value is a raw float64 since 13.x, a Number before'),
  jsRegExpSource: all(32, 'objects/js-regexp.tq: data, source, flags, last_index'),
  arrayBufferByteLength: row([24, 24, 32, 32, 40, 40], 'objects/js-array-buffer.tq: raw_byte_length'),
  arrayBufferBackingStore: row([40, 40, 48, 48, 56, 56], 'objects/js-array-buffer.tq: backing_store'),
  arrayBufferBitField: row([56, 56, 64, 64, 72, 72], 'objects/js-array-buffer.tq: bit_field'),
  viewBuffer: row([24, 24, 24, 24, 32, 32], 'objects/js-array-buffer.tq: JSArrayBufferView.buffer'),
  viewBitField: row([undefined, 48, 48, 48, 40, 40], 'objects/js-array-buffer.tq: JSArrayBufferView.bit_field: is_length_tracking, is_backed_by_rab'),
  viewByteOffset: row([32, 32, 32, 32, 40, 40], 'objects/js-array-buffer.tq: raw_byte_offset'),
  viewByteLength: row([40, 40, 40, 40, 56, 56], 'objects/js-array-buffer.tq: raw_byte_length'),
  typedArrayLength: row([48, 56, 56, 56, 64, undefined], 'objects/js-array-buffer.tq: raw_length'),
  typedArrayExternalPointer: row([56, 64, 64, 64, 72, 72], 'objects/js-array-buffer.tq: external_pointer'),
  typedArrayBasePointer: row([64, 72, 72, 72, 80, 80], 'objects/js-array-buffer.tq: base_pointer'),
  nameDictionaryPrefix: row([2, 2, 3, 3, 3, 3], 'objects/dictionary.h: NameDictionaryShape::kPrefixSize'),
  globalDictionaryPrefix: all(2, 'objects/dictionary.h: GlobalDictionaryShape::kPrefixSize'),
  dictionaryIndexShift: all(8, 'objects/property-details.h: PropertyDetails::DictionaryStorageField'),
  numberDictionaryPrefix: all(1, 'objects/dictionary.h: NumberDictionaryShape::kPrefixSize'),
  elementsKindShift: all(2, 'objects/map.h: Bits2::ElementsKindBits'),
  jsApiFirstField: row([24, 24, 24, 24, 32, 32], 'objects/js-objects.h: JSAPIObjectWithEmbedderSlots and JSSpecialObject gained a cpp_heap_wrappable slot'),

  // --- strings and scalars ---
  externalStringData: all(24, 'objects/string.tq: resource_data'),
  bigIntBitField: all(8, 'objects/bigint.tq: bitfield, sign in bit 0, length above'),
  bigIntDigits: all(16, 'objects/bigint.tq: digits'),
  symbolFlags: all(12, 'objects/name.tq: Symbol.flags'),
  symbolPrivateMask: row([1, 1, 1, 1, 1, 3], 'objects/name.tq: SymbolFlags.is_private; a kind of two bits since 14.x, measured'),
  symbolPrivateNameMask: row([16, 16, 16, 16, 16, 2], 'objects/name.tq: SymbolFlags.is_private_name; within that kind since 14.x, measured'),
  symbolPrivateBrandMask: row([32, 32, 32, 32, 32, 3], 'objects/name.tq: SymbolFlags.is_private_brand; all bits of that kind since 14.x, measured'),
  symbolWellKnownMask: row([2, 2, 2, 2, 2, 4], 'objects/name.tq: SymbolFlags.is_well_known_symbol'),
  symbolName: all(16, 'objects/name.tq: Symbol.description'),
  accessorGetter: all(8, 'objects/struct.tq: AccessorPair.getter, then setter'),
} as const satisfies Record<string, CannedRow>;

export type CannedName = keyof typeof CANNED;

/** Instance types that carry no symbol, relative to one that does: name -> [base type, distance], per table version. */
export const CANNED_TYPES: Readonly<Record<string, { readonly from: string; readonly delta: readonly (number | undefined)[] }>> = {
  BIG_INT_BASE: { from: 'SYMBOL', delta: [1, 1, 1, 1, 1, 1] },
  FEEDBACK_METADATA: { from: 'FEEDBACK_VECTOR', delta: [-1, -1, -1, -1, -1, -1] },
  FILLER: { from: 'FEEDBACK_VECTOR', delta: [1, 1, 1, 1, 1, 1] },
  FREE_SPACE: { from: 'FEEDBACK_VECTOR', delta: [2, 2, 2, 2, 2, 2] },
  HOLE: { from: 'FEEDBACK_VECTOR', delta: [undefined, undefined, undefined, 3, 3, 3] },
  TRANSITION_ARRAY: { from: 'WEAK_FIXED_ARRAY', delta: [1, 1, 1, 1, 1, 1] },
  JS_GENERATOR_OBJECT: { from: 'JS_ASYNC_FUNCTION_OBJECT', delta: [-1, -1, -1, -1, -1, -1] },
  JS_MODULE_NAMESPACE: { from: 'JS_DEFERRED_MODULE_NAMESPACE', delta: [undefined, undefined, undefined, undefined, undefined, -1] },
  NATIVE_CONTEXT: { from: 'FirstContextType', delta: [7, 7, 7, 7, 7, 7] },
};

/** The column of TABLE_VERSIONS to use for a V8 `major.minor`, and whether it is that very version. The nearest older table wins a tie. */
export function tableColumn(version: string): { readonly column: number; readonly exact: boolean } {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const wanted = major * 10 + minor;
  let column = 0;
  let best = Number.POSITIVE_INFINITY;
  for (const [index, table] of TABLE_VERSIONS.entries()) {
    const [tableMajor = 0, tableMinor = 0] = table.split('.').map(Number);
    const distance = Math.abs(tableMajor * 10 + tableMinor - wanted);
    if (distance < best) [column, best] = [index, distance];
  }
  return { column, exact: best === 0 };
}
