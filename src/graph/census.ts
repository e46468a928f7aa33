/** What is in a heap, counted: the columns every view starts from. Plain records that any source can fill; a fact that a source cannot give is `undefined`. */
import type { WalkReport } from '../errors.ts';

/** The groups that Chrome DevTools' summary uses for what is not a JavaScript object, in parentheses; `object` and `function` are objects. */
export type ShapeKind = 'object' | 'array' | 'function' | 'map' | 'set' | 'buffer' | 'string' | 'number' | 'context' | 'internal';

/** Whose code made the objects of a group: the application (or its packages), Node's own JavaScript, the language (Object, Array, Map, ...), or V8's insides. */
export type Origin = 'application' | 'node' | 'language' | 'internal';

/** All instances with one constructor and one ordered list of property names. Sizes in bytes. */
export interface ShapeRow {
  /** `s1`, `s2`, ... in the order of the table. */
  readonly id: string;
  /** The class name that V8's own heap snapshot gives (`Object`, `Buffer`, `system / Context`, `(string)`). */
  readonly constructorName: string;
  /** Own property names in order of insertion; at most `PROPERTY_NAMES_CAP` of them, `propertyCount` is the true number. */
  readonly properties: readonly string[];
  readonly propertyCount: number;
  readonly kind: ShapeKind;
  readonly origin: Origin;
  /** Instances that can be reached from a root. */
  readonly instances: number;
  /** Instances that are garbage not yet collected. */
  readonly unreachable: number;
  /** Own bytes of the reachable instances. */
  readonly shallowBytes: number;
  readonly retainedBytes: number | undefined;
  /** Tagged address of one instance, a reachable one if there is any. */
  readonly representative: number;
}

/** All reachable instances of one class name. */
export interface ConstructorRow {
  readonly name: string;
  readonly origin: Origin;
  readonly kind: ShapeKind;
  readonly instances: number;
  readonly shallowBytes: number;
  readonly retainedBytes: number | undefined;
}

/** All reachable closures made from one function definition. */
export interface FunctionRow {
  /** Name as a stack trace shows it; empty for an anonymous function. */
  readonly name: string;
  readonly script: string | undefined;
  /** Line and column of the definition, counted from 1. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly origin: Origin;
  readonly instances: number;
  /** Own bytes of the closures. */
  readonly shallowBytes: number;
  readonly retainedBytes: number | undefined;
  /** Tagged address of one of the closures. */
  readonly representative: number;
}

/** One reachable container with many entries. */
export interface CollectionRow {
  readonly address: number;
  readonly kind: 'array' | 'map' | 'set' | 'weak' | 'object';
  readonly constructorName: string;
  /** Elements of an array, entries of a Map or Set, own properties and elements of an object. */
  readonly entries: number;
  /** Entries that were removed from a Map or Set since its table was last made anew, as far as the source tells. */
  readonly removed?: number | undefined;
  /** Own bytes of the container together with its backing stores. */
  readonly bytes: number;
  /** Class name of most of the values among a sample of the entries, with its share of the sample. */
  readonly valueName: string | undefined;
  readonly valueShare: number | undefined;
  readonly origin: Origin;
}

export interface IsolateRow {
  readonly address: number;
  readonly kind: 'main' | 'worker';
  readonly objects: number;
  readonly bytes: number;
}

/** One space of one isolate; `isolate` is undefined for what isolates share. Bytes are those of the objects in it. */
export interface SpaceRow {
  readonly isolate: number | undefined;
  readonly name: string;
  readonly pages: number;
  readonly objects: number;
  readonly bytes: number;
}

/** The counted heap of one source. `shapes` and `constructors` are sorted by bytes, `functions` by instances, largest first. */
export interface HeapCensus {
  readonly objects: number;
  readonly bytes: number;
  readonly reachableObjects: number;
  readonly reachableBytes: number;
  /** Bytes that JavaScript objects hold outside of the V8 heap: ArrayBuffer stores and external strings. */
  readonly externalBytes: number | undefined;
  readonly isolates: readonly IsolateRow[];
  readonly spaces: readonly SpaceRow[];
  readonly shapes: readonly ShapeRow[];
  readonly constructors: readonly ConstructorRow[];
  readonly functions: readonly FunctionRow[];
  /** The largest containers, by entries, largest first. */
  readonly collections: readonly CollectionRow[];
  readonly coverage: WalkReport;
}

/** The most property names that one shape lists. */
export const PROPERTY_NAMES_CAP = 256;
