/** Symbols: what they are called, and which of them JavaScript cannot see. */
import { type Address } from '../bytes/address.ts';
import { type HeapView, hasType, isStringAt, readTarget, tryRead } from './heap.ts';
import { tryReadString } from './strings.ts';
import { objectStart } from './tagged.ts';

/** What a symbol says of itself. */
export interface SymbolFacts {
  /** Empty for a symbol without a description. */
  readonly description: string;
  /** V8's own or the embedder's, or the name of a private field; never seen by JavaScript. */
  readonly isPrivate: boolean;
  /** The name of a private field or method (`#name`). */
  readonly isPrivateName: boolean;
  /** What marks the objects of a class with private methods, in place of those methods themselves. */
  readonly isPrivateBrand: boolean;
  /** One of the language's, such as `Symbol.toStringTag`, whose absence V8 keeps track of. */
  readonly isWellKnown: boolean;
}

const DESCRIPTION_LENGTH = 1024;

/** Reads the symbol at `address`; undefined when there is none, or its flags are not in the core. */
export function symbolFacts(view: HeapView, address: Address): SymbolFacts | undefined {
  if (!hasType(view, address, 'SYMBOL')) return undefined;
  const { at } = view.layout;
  return tryRead(() => {
    const start = objectStart(address);
    const flags = view.memory.readU32(start + at.symbolFlags);
    const description = readTarget(view, start + at.symbolName);
    return {
      description: isStringAt(view, description) ? (tryReadString(view, description, DESCRIPTION_LENGTH)?.text ?? '') : '',
      isPrivate: (flags & at.symbolPrivateMask) !== 0,
      isPrivateName: (flags & at.symbolPrivateNameMask) !== 0,
      isPrivateBrand: (flags & at.symbolPrivateBrandMask) === at.symbolPrivateBrandMask,
      isWellKnown: (flags & at.symbolWellKnownMask) !== 0,
    };
  });
}
