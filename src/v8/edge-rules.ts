/** What reading the references of objects needs to know of a layout, as plain data for threads. */
import { type EdgeRules, ObjectRule } from './edges.ts';
import { TYPE_LIMIT, type V8Layout, isContextType, isJsReceiverType, typeNumber } from './layout.ts';

/**
 * Offset of what a function that can be a constructor has for its instances: the prototype, or their map, which has it
 * (objects/js-function.tq: prototype_or_initial_map; the same in every known version).
 */
export const FUNCTION_PROTOTYPE = 56;

function objectRules(layout: V8Layout): Uint8Array {
  const rules = new Uint8Array(TYPE_LIMIT);
  for (let type = 0; type < TYPE_LIMIT; type++) {
    if (isContextType(layout, type)) rules[type] = ObjectRule.context;
    else if (isJsReceiverType(layout, type) && type !== typeNumber(layout, 'JS_PROXY')) rules[type] = ObjectRule.receiver;
    else if (type >= typeNumber(layout, 'FIXED_ARRAY') && type < typeNumber(layout, 'BYTE_ARRAY')) rules[type] = ObjectRule.fixedArray;
  }
  const set = (name: string, rule: number): void => {
    if (typeNumber(layout, name) >= 0) rules[typeNumber(layout, name)] = rule;
  };
  set('JS_GLOBAL_OBJECT', ObjectRule.globalObject);
  set('PROPERTY_ARRAY', ObjectRule.propertyArray);
  set('PROPERTY_CELL', ObjectRule.cell);
  return rules;
}

/** Takes what reading references needs from a layout. `ephemeronTableType` is -1 where the heap has no weak collections. */
export function edgeRules(layout: V8Layout, ephemeronTableType: number): EdgeRules {
  const { at } = layout;
  return {
    objectRule: objectRules(layout),
    propertiesOffset: at.jsReceiverProperties,
    elementsOffset: at.jsObjectElements,
    bitField2Offset: at.mapBitField2,
    inObjectStartOffset: at.mapInobjectStart,
    elementsKindShift: at.elementsKindShift,
    dictionaryElementsKind: at.elementsKindDictionary,
    nameDictionaryPrefix: at.nameDictionaryPrefix,
    globalDictionaryPrefix: at.globalDictionaryPrefix,
    numberDictionaryPrefix: at.numberDictionaryPrefix,
    contextVariables: at.fixedArrayData + at.contextMinSlots * 8,
    backingStoreOffset: at.arrayBufferBackingStore,
    ephemeronTableType,
    mapDescriptorsOffset: at.mapDescriptors,
    mapPrototypeOffset: at.mapPrototype,
    descriptorsHeader: at.descriptorArrayHeader,
    descriptorsCountOffset: at.descriptorArrayCount,
    ownDescriptorsShift: at.ownDescriptorsShift,
    ownDescriptorsMask: at.ownDescriptorsMask,
    accessorBit: at.propKindMask,
    accessorPairType: typeNumber(layout, 'ACCESSOR_PAIR'),
    accessorsOffset: at.accessorGetter,
    functionPrototypeOffset: FUNCTION_PROTOTYPE,
    mapType: typeNumber(layout, 'MAP'),
  };
}
