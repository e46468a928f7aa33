/**
 * Constructor names equal to those of V8's own heap snapshot (objects/js-objects.cc: JSReceiver::GetConstructorName), and whose code
 * the constructor is. Tens of thousands of maps may ask, so what depends on a constructor or on a prototype alone is remembered.
 */
import { type Address } from '../bytes/address.ts';
import type { Origin } from '../graph/census.ts';
import { functionName, findScript, findSharedFunctionInfo, readScriptName } from './functions.ts';
import { type HeapView, type MapFacts, findMap, findMapOf, hasType, instanceTypeAt, isStringAt, readTarget, tryRead } from './heap.ts';
import { isJsFunctionType, isJsReceiverType, typeNumber } from './layout.ts';
import { classNameOf } from './class-names.ts';
import { forEachNamedProperty } from './named-properties.ts';
import { readString, stringLength } from './strings.ts';
import { symbolFacts } from './symbols.ts';
import { objectStart, strongTarget } from './tagged.ts';

/** Bits of a map (objects/map.tq). */
const NEW_TARGET_IS_BASE = 1;
const IS_PROTOTYPE_MAP = 1 << 20;
const MAY_HAVE_INTERESTING_PROPERTIES = 1 << 28;

/** Links of constructors and prototypes that are followed. */
const MAX_BACK_POINTERS = 4096;
const MAX_PROTOTYPES = 1024;

/** Answers remembered at a time, in each of the caches. */
const CACHE_LIMIT = 1 << 17;

const NAME_LENGTH = 1024;

const MARKS_GLOBALS_FROM_COLUMN = 5;

/** What gives an object its name: the name, and the constructor that was found, if it was one. */
interface Naming {
  readonly name: string;
  readonly constructor: Address | undefined;
}

/** Origin of code by the name of its script: Node's own is `node:…`, before Node 16 settled that `internal/…`. */
export function originOfScript(name: string | undefined): Origin {
  if (name === undefined) return 'application';
  return name.startsWith('node:') || name.startsWith('internal/') ? 'node' : 'application';
}

/** Origin of the function at `address`: that of its script, or `language` for what has none. */
export function originOfFunction(view: HeapView, address: Address): Origin {
  const shared = findSharedFunctionInfo(view, address);
  const script = shared === undefined ? undefined : findScript(view, shared);
  return script === undefined ? 'language' : originOfScript(tryRead(() => readScriptName(view, script)));
}

/** What an object has of the properties that name objects; `tag` and `maker` only where they are a string and a function. */
interface Marks {
  readonly hasTag: boolean;
  readonly tag: string | undefined;
  readonly hasConstructor: boolean;
  readonly maker: Address | undefined;
}

const NO_MARKS: Marks = { hasTag: false, tag: undefined, hasConstructor: false, maker: undefined };

/** V8 9.4 looked along the whole chain for each property in turn; later versions look at one prototype after the other for both. */
const NAMES_PROTOTYPES_ONE_BY_ONE_FROM_COLUMN = 1;

/** Only objects of maps with this bit can have a toStringTag of their own; those in dictionary mode have it in their table. */
function mayHaveTag(map: MapFacts): boolean {
  return map.isDictionary || (map.bitField3 & MAY_HAVE_INTERESTING_PROPERTIES) !== 0;
}

function remember<K, V>(cache: Map<K, V>, key: K, value: V): V {
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(key, value);
  return value;
}

/** The constructor names of one heap. */
export class ConstructorNames {
  readonly #view: HeapView;
  readonly #functions = new Map<Address, Naming | null>();
  readonly #prototypes = new Map<Address, Naming | null>();
  readonly #chains = new Map<Address, Marks>();
  readonly #origins = new Map<Address, Origin>();

  constructor(view: HeapView) {
    this.#view = view;
  }

  /** The class name that V8's snapshot gives to the object at `address`; its class_name() (`Object`, `Array`, ...) where it cannot be read further. */
  nameOfObject(address: Address): string {
    const map = findMapOf(this.#view, address);
    return map === undefined ? 'Object' : this.nameOfMap(map.address, address);
  }

  /**
   * The class name of the instances of a map. All of them have the same, but for objects with a `Symbol.toStringTag` of their own
   * and wrappers of primitives: for those it is the name of the sample.
   */
  nameOfMap(mapAddress: Address, sampleAddress: Address): string {
    const type = findMap(this.#view, mapAddress)?.instanceType;
    // To the snapshot a proxy is no JavaScript object.
    if (type === typeNumber(this.#view.layout, 'JS_PROXY')) return 'system / JSProxy';
    const { name } = this.#naming(mapAddress, sampleAddress);
    return type === undefined ? name : name + this.#globalSuffix(type);
  }

  /** V8's snapshot tells the two global objects apart since 14.x (profiler/heap-snapshot-generator.cc, measured). */
  #globalSuffix(type: number): string {
    if (this.#view.layout.column < MARKS_GLOBALS_FROM_COLUMN) return '';
    if (type === typeNumber(this.#view.layout, 'JS_GLOBAL_OBJECT')) return ' (global*)';
    return type === typeNumber(this.#view.layout, 'JS_GLOBAL_PROXY') ? ' (global)' : '';
  }

  /** Whose code made the instances of a map: that of the constructor that names them. */
  originOfMap(mapAddress: Address, sampleAddress: Address): Origin {
    const map = findMap(this.#view, mapAddress);
    if (map === undefined || !isJsReceiverType(this.#view.layout, map.instanceType)) return 'internal';
    const naming = this.#naming(mapAddress, sampleAddress);
    const maker = naming.constructor ?? this.#constructorOf(map);
    return maker === undefined ? 'language' : this.#originOfFunction(maker);
  }

  #originOfFunction(address: Address): Origin {
    return this.#origins.get(address) ?? remember(this.#origins, address, originOfFunction(this.#view, address));
  }

  #naming(mapAddress: Address, sampleAddress: Address): Naming {
    const map = findMap(this.#view, mapAddress);
    if (map === undefined) return { name: 'Object', constructor: undefined };
    return tryRead(() => this.#findNaming(map, objectStart(sampleAddress))) ?? { name: classNameOf(this.#view, map, sampleAddress), constructor: undefined };
  }

  #findNaming(map: MapFacts, sample: Address): Naming | undefined {
    const isProxy = map.instanceType === typeNumber(this.#view.layout, 'JS_PROXY');
    if (!isProxy && (map.bitField2 & NEW_TARGET_IS_BASE) !== 0 && (map.bitField3 & IS_PROTOTYPE_MAP) === 0) {
      const maker = this.#constructorOf(map);
      const named = maker === undefined ? undefined : this.#namedBy(maker);
      if (named !== undefined) return named;
    }
    const prototype = readTarget(this.#view, map.address + this.#view.layout.at.mapPrototype);
    const own = isProxy || !mayHaveTag(map) ? NO_MARKS : this.#readMarks(sample);
    if (this.#view.layout.column < NAMES_PROTOTYPES_ONE_BY_ONE_FROM_COLUMN) return this.#namedByWholeChain(own, prototype);
    if (own.tag !== undefined) return { name: own.tag, constructor: undefined };
    return prototype === undefined ? undefined : this.#namedByPrototypes(prototype);
  }

  /** The function or template a map's instances were made by: at the end of its back pointers (objects/map-inl.h: GetConstructor). */
  #constructorOf(map: MapFacts): Address | undefined {
    const { at } = this.#view.layout;
    let maker = tryRead(() => readTarget(this.#view, map.address + at.mapConstructor));
    for (let i = 0; maker !== undefined && i < MAX_BACK_POINTERS && hasType(this.#view, maker, 'MAP'); i++) {
      const from: Address = maker;
      maker = tryRead(() => readTarget(this.#view, from + at.mapConstructor));
    }
    // A map made for a template's function keeps both in a pair.
    if (maker !== undefined && hasType(this.#view, maker, 'TUPLE2')) {
      const pair: Address = maker;
      return tryRead(() => readTarget(this.#view, pair + 8));
    }
    return maker;
  }

  /** The name that a constructor gives, or undefined when it gives none (it is anonymous, or `Object`). */
  #namedBy(maker: Address): Naming | undefined {
    const known = this.#functions.get(maker);
    if (known !== undefined) return known ?? undefined;
    const type = instanceTypeAt(this.#view, maker);
    let name: string | undefined;
    if (isJsFunctionType(this.#view.layout, type)) name = functionName(this.#view, maker);
    else if (type === typeNumber(this.#view.layout, 'FUNCTION_TEMPLATE_INFO')) name = this.#templateName(maker);
    const naming =
      name === undefined || name === '' || name === 'Object' ? null : { name, constructor: isJsFunctionType(this.#view.layout, type) ? maker : undefined };
    return remember(this.#functions, maker, naming) ?? undefined;
  }

  /** FunctionTemplateInfo.class_name, which V8 looked at up to 10.x. */
  #templateName(template: Address): string | undefined {
    const offset = this.#view.layout.at.templateClassName;
    if (Number.isNaN(offset)) return undefined;
    const name = tryRead(() => readTarget(this.#view, template + offset));
    return isStringAt(this.#view, name) ? tryRead(() => readString(this.#view, name, NAME_LENGTH)) : undefined;
  }

  /** The name found on a chain of prototypes. */
  #namedByPrototypes(first: Address): Naming | undefined {
    const passed: Address[] = [];
    let naming: Naming | undefined;
    let current: Address | undefined = first;
    while (current !== undefined && passed.length < MAX_PROTOTYPES) {
      const known = this.#prototypes.get(current);
      if (known !== undefined) {
        naming = known ?? undefined;
        break;
      }
      const map: MapFacts | undefined = findMapOf(this.#view, current);
      if (map === undefined || !isJsReceiverType(this.#view.layout, map.instanceType)) break;
      passed.push(current);
      if (map.instanceType === typeNumber(this.#view.layout, 'JS_PROXY')) break;
      const marks: Marks = this.#readMarks(current);
      naming = marks.tag !== undefined ? { name: marks.tag, constructor: undefined } : marks.maker === undefined ? undefined : this.#namedBy(marks.maker);
      if (naming !== undefined) break;
      current = readTarget(this.#view, map.address + this.#view.layout.at.mapPrototype);
    }
    for (const prototype of passed) remember(this.#prototypes, prototype, naming ?? null);
    return naming;
  }

  /** As V8 named objects before 10.x: the first toStringTag of the object and all its prototypes, else the first `constructor` of the prototypes. */
  #namedByWholeChain(own: Marks, first: Address | undefined): Naming | undefined {
    const chain = first === undefined ? NO_MARKS : (this.#chains.get(first) ?? remember(this.#chains, first, this.#readChain(first)));
    const tagged = own.hasTag ? own : chain;
    if (tagged.tag !== undefined) return { name: tagged.tag, constructor: undefined };
    return chain.maker === undefined ? undefined : this.#namedBy(chain.maker);
  }

  #readChain(first: Address): Marks {
    let found = NO_MARKS;
    let current: Address | undefined = first;
    for (let i = 0; current !== undefined && i < MAX_PROTOTYPES; i++) {
      const map: MapFacts | undefined = findMapOf(this.#view, current);
      if (map === undefined || !isJsReceiverType(this.#view.layout, map.instanceType) || map.instanceType === typeNumber(this.#view.layout, 'JS_PROXY')) break;
      const marks: Marks = this.#readMarks(current);
      const tag = found.hasTag ? found : marks;
      const maker: Marks = found.hasConstructor ? found : marks;
      found = { hasTag: tag.hasTag, tag: tag.tag, hasConstructor: maker.hasConstructor, maker: maker.maker };
      if (found.hasTag && found.hasConstructor) break;
      current = readTarget(this.#view, map.address + this.#view.layout.at.mapPrototype);
    }
    return found;
  }

  /** The own properties of an object that give names. */
  #readMarks(object: Address): Marks {
    let tag: string | undefined;
    let hasTag = false;
    let maker: Address | undefined;
    let hasConstructor = false;
    forEachNamedProperty(this.#view, object, (property) => {
      const isTag = this.#isToStringTag(property.key);
      if (!isTag && !this.#isConstructorString(property.key)) return true;
      const value = property.isAccessor ? undefined : strongTarget(property.value.lo, property.value.hi);
      if (isTag) {
        hasTag = true;
        if (isStringAt(this.#view, value)) tag = readString(this.#view, value, NAME_LENGTH);
      } else {
        hasConstructor = true;
        if (isJsFunctionType(this.#view.layout, instanceTypeAt(this.#view, value))) maker = value;
      }
      return !hasTag || !hasConstructor;
    });
    return { hasTag, tag, hasConstructor, maker };
  }

  #isToStringTag(key: Address): boolean {
    if (instanceTypeAt(this.#view, key) !== typeNumber(this.#view.layout, 'SYMBOL')) return false;
    const facts = symbolFacts(this.#view, key);
    return facts?.isWellKnown === true && facts.description === 'Symbol.toStringTag';
  }

  #isConstructorString(key: Address): boolean {
    const WANTED = 'constructor';
    return stringLength(this.#view, key) === WANTED.length && readString(this.#view, key, WANTED.length) === WANTED;
  }
}
