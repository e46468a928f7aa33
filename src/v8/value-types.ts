/** What a value of the dead process can be, as a discriminated union: facts only, nothing laid out for reading. */
import type { Address } from '../bytes/address.ts';
import type { ArrayBufferFacts, BufferViewFacts } from './binary-data.ts';
import type { BoundFunction, FunctionFacts } from './functions.ts';
import type { StringKind } from './strings.ts';
import type { Word } from './tagged.ts';

/** A JavaScript object: where it is, and the class name that V8's snapshot gives it. */
interface ObjectBase {
  readonly address: Address;
  readonly constructorName: string;
}

/** A value that is no JavaScript object. */
type PrimitiveValue =
  | { readonly kind: 'smi'; readonly value: number }
  | { readonly kind: 'number'; readonly value: number; readonly address: Address | undefined }
  | { readonly kind: 'string'; readonly address: Address; readonly length: number; readonly storage: StringKind }
  | { readonly kind: 'symbol'; readonly address: Address; readonly description: string; readonly isPrivate: boolean }
  /** `value` is undefined when it has more digits than are read. */
  | { readonly kind: 'bigint'; readonly address: Address; readonly value: bigint | undefined; readonly bits: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' | 'undefined' | 'hole' };

/** How far a generator or async function has come. */
export type GeneratorState = 'suspended' | 'running' | 'closed';

/** A value that is a JavaScript object. */
export type ObjectValue =
  | (ObjectBase & { readonly kind: 'object' | 'global' | 'moduleNamespace' })
  | (ObjectBase & { readonly kind: 'array' | 'arguments'; readonly length: number })
  | (ObjectBase & { readonly kind: 'function'; readonly facts: FunctionFacts })
  | (ObjectBase & { readonly kind: 'boundFunction'; readonly bound: BoundFunction; readonly targetName: string })
  | (ObjectBase & { readonly kind: 'map' | 'set' | 'weakMap' | 'weakSet'; readonly size: number })
  /** `target` is undefined when the object it referred to is gone. */
  | (ObjectBase & { readonly kind: 'weakRef'; readonly target: Address | undefined })
  /** Milliseconds since 1970; NaN for an invalid date. */
  | (ObjectBase & { readonly kind: 'date'; readonly time: number })
  | (ObjectBase & { readonly kind: 'regexp'; readonly source: string; readonly flags: string })
  /** `message` and `stack` as far as the error has them; a stack that nobody read was never made into text. */
  | (ObjectBase & { readonly kind: 'error'; readonly message: string | undefined; readonly stack: Address | undefined })
  | (ObjectBase & { readonly kind: 'promise'; readonly state: 'pending' | 'fulfilled' | 'rejected'; readonly result: Word | undefined })
  | (ObjectBase & { readonly kind: 'arrayBuffer'; readonly buffer: ArrayBufferFacts })
  | (ObjectBase & { readonly kind: 'typedArray' | 'dataView' | 'buffer'; readonly view: BufferViewFacts })
  | (ObjectBase & { readonly kind: 'proxy'; readonly target: Address | undefined; readonly handler: Address | undefined })
  | (ObjectBase & {
      readonly kind: 'generator' | 'asyncFunction';
      readonly function: Address | undefined;
      readonly name: string;
      readonly state: GeneratorState;
      readonly promise: Address | undefined;
    })
  | (ObjectBase & { readonly kind: 'primitiveWrapper'; readonly value: Word })
  | (ObjectBase & { readonly kind: 'iterator'; readonly over: Address | undefined });

/** Any value. `internal` is an object of V8's own, by the name of its class; `unreadable` says why there is nothing to say. */
export type Value =
  | PrimitiveValue
  | ObjectValue
  | { readonly kind: 'internal'; readonly address: Address; readonly typeName: string }
  | { readonly kind: 'unreadable'; readonly address: Address | undefined; readonly reason: 'not an object' | 'not in the core' | 'cleared' };
