/**
 * Offsets and numbers that no `v8dbg_` symbol gives, per V8 version. Columns follow TABLE_VERSIONS; every row names where V8 states it
 * (paths below V8's `src/`). A symbol of the binary always wins over a row here, and a check against the heap confirms what is used.
 */

/** V8 of Node 16, 18, 20, 22, 24 and 26. */
export const TABLE_VERSIONS = ['9.4', '10.2', '11.3', '12.4', '13.6', '14.6'] as const;

/** `values` has one per table version, `undefined` where that version has no such thing; `source` is where V8 states it. */
export const CANNED = {
  // --- pages ---
  pageMetadataIndirect: { values: [0, 0, 0, 0, 1, 1], source: 'heap/memory-chunk.h: MemoryChunk holds a pointer to its MutablePageMetadata since 13.x' },
  pageFlags: { values: [8, 8, 8, 0, 0, 0], source: 'heap/basic-memory-chunk.h, heap/memory-chunk.h: main_thread_flags_' },
  pageSize: { values: [0, 0, 0, 16, 48, 48], source: 'heap/basic-memory-chunk.h: size_' },
  pageHeap: { values: [16, 16, 16, 24, 64, 64], source: 'heap/basic-memory-chunk.h: heap_' },
  pageAreaStart: { values: [24, 24, 24, 32, 72, 72], source: 'heap/basic-memory-chunk.h: area_start_' },
  pageAreaEnd: { values: [32, 32, 32, 40, 56, 56], source: 'heap/basic-memory-chunk.h: area_end_' },
  pageOwner: { values: [64, 64, 64, 72, 80, 80], source: 'heap/basic-memory-chunk.h: owner_' },
  pageFreedFlag: {
    values: [0x2000, 0x2000, 0x8000, 0x2000, 0x10000, 0],
    source: 'heap/basic-memory-chunk.h, heap/memory-chunk.h: PRE_FREED, checked by the places of the other flags; kept elsewhere since 14.x',
  },
  heapFromIsolate: {
    values: [0xa300, 0xc638, 0xd2c0, 0xdea0, 0xeff8, 0xf3c0],
    source: 'execution/isolate.h: heap_ within Isolate, measured on the official x64 builds',
  },
  spaceId: { values: [16, 16, 16, 16, 16, 16], source: 'heap/base-space.h: id_ follows the vtable and heap_' },

  // --- maps ---
  mapSize: {
    values: [72, 72, 72, 72, 72, 72],
    source: 'objects/map.h: Map::kSize with one tagged slot for transitions and one for the prototype validity cell',
  },
  descriptorArrayHeader: { values: [24, 24, 24, 24, 24, 32], source: 'objects/descriptor-array.tq' },
  descriptorArrayCount: { values: [8, 8, 8, 8, 8, 8], source: 'objects/descriptor-array.tq: number_of_all_descriptors, uint16' },

  // --- sizes of variable objects ---
  feedbackVectorHeader: { values: [48, 48, 56, 56, 48, 48], source: 'objects/feedback-vector.tq' },
  bytecodeArrayHeader: { values: [54, 56, 54, 64, 64, 64], source: 'objects/bytecode-array.tq' },
  bytecodeSourcePositions: { values: [32, 32, 32, 24, 24, 24], source: 'objects/bytecode-array.tq: source_position_table' },
  codeHeader: { values: [96, 128, 64, 32, 32, 32], source: 'objects/code.h, objects/instruction-stream.h: kHeaderSize' },
  codeSizeField: { values: [40, 40, 56, 24, 24, 24], source: 'objects/code.h: instruction_size and metadata_size, since 12.x body_size of InstructionStream' },
  codeAlignment: { values: [32, 64, 64, 64, 64, 64], source: 'common/globals.h: kCodeAlignment' },
  freeSpaceUnit: { values: [1, 1, 1, 1, 8, 8], source: 'objects/free-space.tq: length_in_words since 13.x, bytes before' },

  // --- functions and scopes ---
  jsFunctionShared: { values: [24, 24, 24, 32, 32, 32], source: 'objects/js-function.tq' },
  jsFunctionContext: { values: [32, 32, 32, 40, 40, 40], source: 'objects/js-function.tq' },
  sfiFunctionData: { values: [8, 8, 8, 8, 8, 8], source: 'objects/shared-function-info.tq: function_data, trusted_function_data since 12.x' },
  sfiUntrustedData: { values: [undefined, undefined, undefined, undefined, 16, 16], source: 'objects/shared-function-info.tq: untrusted_function_data' },
  sfiNameOrScopeInfo: { values: [16, 16, 16, 16, 24, 24], source: 'objects/shared-function-info.tq: name_or_scope_info' },
  sfiScript: { values: [32, 32, 32, 32, 40, 40], source: 'objects/shared-function-info.tq: script' },
  sfiTokenOffset: { values: [44, 44, 44, 44, 52, 52], source: 'objects/shared-function-info.tq: function_token_offset, uint16' },
  sfiFlags: { values: [48, 48, 48, 48, 56, 56], source: 'objects/shared-function-info.tq: flags' },
  scopeFlagsRaw: { values: [0, 0, 0, 0, 1, 1], source: 'objects/scope-info.tq: flags is a raw uint32 since 13.x, a Smi before' },
  scopeFirstVariable: { values: [3, 3, 3, 3, 5, 5], source: 'objects/scope-info.tq: words between the map and the names' },
  scopeModuleCountEarly: { values: [0, 0, 0, 1, 1, 1], source: 'objects/scope-info.tq: module_variable_count stands before the names' },
  scopeNamesInlined: {
    values: [1073741824, 75, 75, 75, 75, 75],
    source: 'objects/scope-info.tq: kScopeInfoMaxInlinedLocalNamesSize; hash table from there on',
  },
  scopeTypeClass: { values: [0, 0, 0, 0, 2, 2], source: 'common/globals.h: enum ScopeType' },
  scopeTypeEval: { values: [1, 1, 1, 1, 3, 3], source: 'common/globals.h: enum ScopeType' },
  scopeTypeFunction: { values: [2, 2, 2, 2, 4, 4], source: 'common/globals.h: enum ScopeType' },
  scopeTypeModule: { values: [3, 3, 3, 3, 5, 5], source: 'common/globals.h: enum ScopeType' },
  scopeTypeScript: { values: [4, 4, 4, 4, 0, 0], source: 'common/globals.h: enum ScopeType' },

  contextCellValue: { values: [undefined, undefined, undefined, undefined, undefined, 8], source: 'objects/contexts.tq: ContextCell.tagged_value' },
  contextCellState: {
    values: [undefined, undefined, undefined, undefined, undefined, 24],
    source: 'objects/contexts.h: ContextCell.state: constant, Smi, int32, float64, detached',
  },
  contextCellNumber: {
    values: [undefined, undefined, undefined, undefined, undefined, 32],
    source: 'objects/contexts.h: ContextCell, the untagged int32 or float64',
  },
  moduleRegularExports: {
    values: [64, 64, 64, 64, 64, 72],
    source: 'objects/source-text-module.tq: regular_exports, then regular_imports; behind Module and code',
  },
  scriptLineOffset: { values: [24, 24, 24, 24, 24, 24], source: 'objects/script.tq: line_offset' },
  scriptColumnOffset: { values: [32, 32, 32, 32, 32, 32], source: 'objects/script.tq: column_offset' },
  scriptSourceUrl: {
    values: [104, 104, 112, 112, 112, 112],
    source: 'objects/script.tq: source_url; compiled_lazy_function_positions stands before it since 11.x',
  },
  templateClassName: {
    values: [56, 56, undefined, undefined, undefined, undefined],
    source: 'objects/templates.tq: FunctionTemplateInfo.class_name, behind TemplateInfo and call_code',
  },
  debugInfoScript: {
    values: [24, 24, 24, undefined, undefined, undefined],
    source: 'objects/debug-objects.tq: DebugInfo.script, in the place of the script of a function that is debugged',
  },

  // --- stack frames ---
  codeFlags: { values: [48, 48, 48, 48, 52, 52], source: 'objects/code.h: Code::kFlagsOffset' },
  codeKindBaseline: { values: [11, 11, 11, 10, 10, 11], source: 'objects/code-kind.h: CodeKind::BASELINE, as v8dbg_CodeKindBaseline has it' },
  frameFirstRegister: {
    values: [48, 48, 48, 56, 56, 56],
    source: 'execution/frame-constants.h: InterpreterFrameConstants::kRegisterFileFromFp, below the frame pointer; the feedback vector stands before it since 12.x',
  },
  bytecodeFrameSize: { values: [40, 40, 40, 48, 48, 48], source: 'objects/bytecode-array.tq: frame_size, int32, in bytes' },
  frameArgcReceiver: { values: [0, 1, 1, 1, 1, 1], source: 'common/globals.h: kJSArgcIncludesReceiver' },
  sourcePositionsPacked: {
    values: [0, 0, 0, 0, 0, 1],
    source: 'codegen/source-position-table.cc: the statement bit stands beside the code offset since 14.x instead of in its sign, measured',
  },

  // --- JavaScript objects ---
  jsReceiverProperties: { values: [8, 8, 8, 8, 8, 8], source: 'objects/js-objects.tq: properties_or_hash' },
  jsObjectElements: { values: [16, 16, 16, 16, 16, 16], source: 'objects/js-objects.tq: elements' },
  jsArrayLength: { values: [24, 24, 24, 24, 24, 24], source: 'objects/js-array.tq: length' },
  jsCollectionTable: { values: [24, 24, 24, 24, 24, 24], source: 'objects/js-collection.tq: table of JSMap, JSSet, JSWeakMap and JSWeakSet' },
  jsBoundTarget: { values: [24, 24, 24, 24, 24, 24], source: 'objects/js-function.tq: bound_target_function, bound_this, bound_arguments' },
  jsProxyTarget: { values: [16, 16, 16, 16, 16, 16], source: 'objects/js-proxy.tq: target, then handler' },
  jsGeneratorFunction: {
    values: [24, 24, 24, 24, 24, 24],
    source: 'objects/js-generator.tq: function, context, receiver, input_or_debug_pos, resume_mode, continuation, parameters_and_registers',
  },
  jsPromiseResult: { values: [24, 24, 24, 24, 24, 24], source: 'objects/js-promise.tq: reactions_or_result, then flags' },
  jsPrimitiveWrapperValue: { values: [24, 24, 24, 24, 24, 24], source: 'objects/js-objects.tq: value' },
  jsWeakRefTarget: { values: [24, 24, 24, 24, 24, 24], source: 'objects/js-weak-refs.tq: target' },
  weakCellTarget: { values: [16, 16, 16, 16, 16, 16], source: 'objects/js-weak-refs.tq: target, then unregister_token' },
  jsDateValue: { values: [24, 24, 24, 24, 24, 24], source: 'objects/js-date.tq: value' },
  jsDateIsDouble: { values: [0, 0, 0, 0, 1, 1], source: 'objects/js-date.tq: value is a raw float64 since 13.x, a Number before' },
  jsRegExpSource: { values: [32, 32, 32, 32, 32, 32], source: 'objects/js-regexp.tq: data, source, flags, last_index' },
  arrayBufferByteLength: { values: [24, 24, 32, 32, 40, 40], source: 'objects/js-array-buffer.tq: raw_byte_length' },
  arrayBufferBackingStore: { values: [40, 40, 48, 48, 56, 56], source: 'objects/js-array-buffer.tq: backing_store' },
  arrayBufferBitField: { values: [56, 56, 64, 64, 72, 72], source: 'objects/js-array-buffer.tq: bit_field' },
  viewBuffer: { values: [24, 24, 24, 24, 32, 32], source: 'objects/js-array-buffer.tq: JSArrayBufferView.buffer' },
  viewBitField: {
    values: [undefined, 48, 48, 48, 40, 40],
    source: 'objects/js-array-buffer.tq: JSArrayBufferView.bit_field: is_length_tracking, is_backed_by_rab',
  },
  viewByteOffset: { values: [32, 32, 32, 32, 40, 40], source: 'objects/js-array-buffer.tq: raw_byte_offset' },
  viewByteLength: { values: [40, 40, 40, 40, 56, 56], source: 'objects/js-array-buffer.tq: raw_byte_length' },
  typedArrayLength: { values: [48, 56, 56, 56, 64, undefined], source: 'objects/js-array-buffer.tq: raw_length' },
  typedArrayExternalPointer: { values: [56, 64, 64, 64, 72, 72], source: 'objects/js-array-buffer.tq: external_pointer' },
  typedArrayBasePointer: { values: [64, 72, 72, 72, 80, 80], source: 'objects/js-array-buffer.tq: base_pointer' },
  nameDictionaryPrefix: { values: [2, 2, 3, 3, 3, 3], source: 'objects/dictionary.h: NameDictionaryShape::kPrefixSize' },
  globalDictionaryPrefix: { values: [2, 2, 2, 2, 2, 2], source: 'objects/dictionary.h: GlobalDictionaryShape::kPrefixSize' },
  dictionaryIndexShift: { values: [8, 8, 8, 8, 8, 8], source: 'objects/property-details.h: PropertyDetails::DictionaryStorageField' },
  numberDictionaryPrefix: { values: [1, 1, 1, 1, 1, 1], source: 'objects/dictionary.h: NumberDictionaryShape::kPrefixSize' },
  elementsKindShift: { values: [2, 2, 2, 2, 2, 2], source: 'objects/map.h: Bits2::ElementsKindBits' },
  jsApiFirstField: {
    values: [24, 24, 24, 24, 32, 32],
    source: 'objects/js-objects.h: JSAPIObjectWithEmbedderSlots and JSSpecialObject gained a cpp_heap_wrappable slot',
  },

  // --- strings and scalars ---
  externalStringData: { values: [24, 24, 24, 24, 24, 24], source: 'objects/string.tq: resource_data' },
  bigIntBitField: { values: [8, 8, 8, 8, 8, 8], source: 'objects/bigint.tq: bitfield, sign in bit 0, length above' },
  bigIntDigits: { values: [16, 16, 16, 16, 16, 16], source: 'objects/bigint.tq: digits' },
  symbolFlags: { values: [12, 12, 12, 12, 12, 12], source: 'objects/name.tq: Symbol.flags' },
  symbolPrivateMask: { values: [1, 1, 1, 1, 1, 3], source: 'objects/name.tq: SymbolFlags.is_private; a kind of two bits since 14.x, measured' },
  symbolPrivateNameMask: { values: [16, 16, 16, 16, 16, 2], source: 'objects/name.tq: SymbolFlags.is_private_name; within that kind since 14.x, measured' },
  symbolPrivateBrandMask: {
    values: [32, 32, 32, 32, 32, 3],
    source: 'objects/name.tq: SymbolFlags.is_private_brand; all bits of that kind since 14.x, measured',
  },
  symbolWellKnownMask: { values: [2, 2, 2, 2, 2, 4], source: 'objects/name.tq: SymbolFlags.is_well_known_symbol' },
  symbolName: { values: [16, 16, 16, 16, 16, 16], source: 'objects/name.tq: Symbol.description' },
  accessorGetter: { values: [8, 8, 8, 8, 8, 8], source: 'objects/struct.tq: AccessorPair.getter, then setter' },
} as const;

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
