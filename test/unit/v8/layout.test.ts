import { describe, expect, it } from 'vitest';
import { UnsupportedError } from '../../../src/errors.ts';
import { CANNED, CANNED_TYPES, TABLE_VERSIONS, tableColumn } from '../../../src/v8/canned.ts';
import { buildLayout, isJsFunctionType, isJsReceiverType, isStringType, typeNumber } from '../../../src/v8/layout.ts';
import { type V8Metadata, indexConstants } from '../../../src/v8/metadata.ts';

/** What a binary of V8 12.4 says, cut to what a layout cannot do without. */
function metadataOf(changes: Record<string, number | undefined> = {}, v8Version: string | undefined = '12.4.254.21-node.57'): V8Metadata {
  const all: Record<string, number | undefined> = {
    type_Map__MAP_TYPE: 264,
    type_FixedArray__FIXED_ARRAY_TYPE: 174,
    type_ByteArray__BYTE_ARRAY_TYPE: 186,
    type_FeedbackVector__FEEDBACK_VECTOR_TYPE: 258,
    type_JSObject__JS_OBJECT_TYPE: 1057,
    type_JSFunction__JS_FUNCTION_TYPE: 2066,
    type_JSProxy__JS_PROXY_TYPE: 291,
    type_JSGlobalProxy__JS_GLOBAL_PROXY_TYPE: 293,
    type_Symbol__SYMBOL_TYPE: 128,
    FirstJSFunctionType: 2066,
    LastJSFunctionType: 2082,
    FirstContextType: 190,
    LastContextType: 199,
    class_Map__instance_descriptors__Tagged_DescriptorArray_: 40,
    class_JSFunction__shared__SharedFunctionInfo: 32,
    ...changes,
  };
  const constants = new Map(Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
  return { constants, ...indexConstants(constants), nodeVersion: '22.23.3', v8Version };
}

describe('indexConstants', () => {
  it('keys a field by class and name, whatever type follows', () => {
    const { fields, types } = indexConstants(new Map([['class_JSReceiver__raw_properties_or_hash__Tagged_Object_', 8], ['class_String__length__int32_t', 12], ['type_JSArray__JS_ARRAY_TYPE', 7]]));
    expect(fields.get('JSReceiver.raw_properties_or_hash')).toBe(8);
    expect(fields.get('String.length')).toBe(12);
    expect(types.get('JS_ARRAY')).toBe(7);
  });
});

describe('buildLayout', () => {
  it('takes symbols first, then the table, and says which was which', () => {
    const layout = buildLayout(metadataOf({ class_JSFunction__shared__SharedFunctionInfo: 99 }));
    expect(layout.at.jsFunctionShared).toBe(99);
    expect(layout.at.jsFunctionContext).toBe(40);
    const origins = new Map(layout.constants.map((constant) => [constant.name, constant.origin]));
    expect(origins.get('jsFunctionShared')).toBe('symbol');
    expect(origins.get('jsFunctionContext')).toBe('canned');
    expect(layout).toMatchObject({ table: '12.4', exact: true, version: '12.4' });
  });

  it('works out the types that have no symbol from those that have', () => {
    const layout = buildLayout(metadataOf());
    expect(typeNumber(layout, 'FREE_SPACE')).toBe(260);
    expect(typeNumber(layout, 'FEEDBACK_METADATA')).toBe(257);
    expect(typeNumber(layout, 'NATIVE_CONTEXT')).toBe(197);
    expect(typeNumber(layout, 'NO_SUCH')).toBe(-1);
  });

  it('knows strings, receivers and functions by their ranges', () => {
    const layout = buildLayout(metadataOf());
    expect([isStringType(layout, 127), isStringType(layout, 128)]).toEqual([true, false]);
    expect([isJsReceiverType(layout, 291), isJsReceiverType(layout, 290), isJsReceiverType(layout, 1057)]).toEqual([true, false, true]);
    expect([isJsFunctionType(layout, 2065), isJsFunctionType(layout, 2082), isJsFunctionType(layout, 2083)]).toEqual([false, true, false]);
  });

  it('uses the nearest table for a version without one, and says so', () => {
    expect(buildLayout(metadataOf({}, '12.9.1.2'))).toMatchObject({ table: '12.4', exact: false });
    expect(buildLayout(metadataOf({}, '14.1.1.2'))).toMatchObject({ table: '13.6', exact: false });
    const unknown: V8Metadata = { ...metadataOf(), v8Version: undefined };
    expect(buildLayout(unknown)).toMatchObject({ table: '14.6', exact: false, version: undefined });
  });

  it('refuses a binary without constants, and one that lacks the types that matter', () => {
    const empty = new Map<string, number>();
    expect(() => buildLayout({ constants: empty, fields: empty, types: empty, nodeVersion: undefined, v8Version: undefined })).toThrow(UnsupportedError);
    expect(() => buildLayout(metadataOf({ type_Map__MAP_TYPE: undefined }))).toThrow(/MAP/);
  });

  it('says what is missing and what is lost by it', () => {
    const layout = buildLayout(metadataOf({ FirstContextType: undefined }));
    expect(layout.missing).toContainEqual({ name: 'FirstContextType', disables: 'closure contexts' });
    expect(layout.at.firstContextType).toBeNaN();
  });
});

describe('the table', () => {
  it('has a value or an explicit nothing for every version in every row', () => {
    for (const [name, row] of Object.entries(CANNED)) {
      expect(row.values, name).toHaveLength(TABLE_VERSIONS.length);
      expect(row.source, name).not.toBe('');
    }
    for (const [name, row] of Object.entries(CANNED_TYPES)) expect(row.delta, name).toHaveLength(TABLE_VERSIONS.length);
  });

  it.each(TABLE_VERSIONS.map((version, column) => [version, column] as const))('is exact for %s', (version, column) => {
    expect(tableColumn(version)).toEqual({ column, exact: true });
  });
});
