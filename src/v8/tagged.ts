/** What the 64-bit words of the V8 heap say by their tag bits. Words are pairs of 32-bit halves, so that no bit is lost in a JS number. */
import { type Address, asAddress } from '../bytes/address.ts';

/** A 64-bit word of the heap: its low and its high half, each taken as 32 bits. */
export interface Word {
  readonly lo: number;
  readonly hi: number;
}

/**
 * A word told apart by its tag. Addresses are those of the objects, without the tag.
 * `raw` is a word that carries no valid tag: a map word of an object that the collector was moving, a double, or damage.
 */
export type TaggedWord =
  | { readonly kind: 'smi'; readonly value: number }
  | { readonly kind: 'strong'; readonly address: Address }
  | { readonly kind: 'weak'; readonly address: Address }
  | { readonly kind: 'cleared' }
  | { readonly kind: 'raw' };

const TAG_MASK = 3;
const STRONG_TAG = 1;
const WEAK_TAG = 3;

/** Low half of a weak reference whose target is gone (common/globals.h: kClearedWeakHeapObjectLower32). */
const CLEARED_WEAK_LOW = 3;

/** Objects start at multiples of this; fields of an object are as wide. */
export const WORD_SIZE = 8;

/** Tells what a word is (include/v8-internal.h: a Smi holds its value in the upper half, a heap object carries tag 01, a weak reference 11). */
export function classifyWord(lo: number, hi: number): TaggedWord {
  if (lo === 0) return { kind: 'smi', value: hi | 0 };
  const tag = lo & TAG_MASK;
  if (tag === STRONG_TAG) {
    const address = strongTarget(lo, hi);
    return address === undefined ? { kind: 'raw' } : { kind: 'strong', address };
  }
  if (tag !== WEAK_TAG) return { kind: 'raw' };
  if (lo === CLEARED_WEAK_LOW) return { kind: 'cleared' };
  const tagged = asAddress(lo, hi);
  return tagged === undefined ? { kind: 'raw' } : { kind: 'weak', address: tagged - WEAK_TAG };
}

/** The address of the object that a word holds strongly, or undefined for anything else. */
export function strongTarget(lo: number, hi: number): Address | undefined {
  if ((lo & (WORD_SIZE - 1)) !== STRONG_TAG) return undefined;
  const tagged = asAddress(lo, hi);
  return tagged === undefined ? undefined : tagged - STRONG_TAG;
}

/** The address of the object that a word refers to, strongly or weakly. */
export function anyTarget(lo: number, hi: number): Address | undefined {
  if ((lo & TAG_MASK) !== WEAK_TAG) return strongTarget(lo, hi);
  const tagged = lo === CLEARED_WEAK_LOW ? undefined : asAddress(lo, hi);
  return tagged === undefined ? undefined : tagged - WEAK_TAG;
}

/** The value of a Smi, or undefined for anything else. */
export function smiValue(word: Word): number | undefined {
  return word.lo === 0 ? word.hi | 0 : undefined;
}

/** The word that refers to the object at `address` strongly. */
export function wordOfAddress(address: Address): Word {
  const start = objectStart(address);
  return { lo: (start % 0x1_0000_0000) + STRONG_TAG, hi: Math.floor(start / 0x1_0000_0000) };
}

/** The untagged address of an object, given either form: people and other tools write tagged addresses. */
export function objectStart(address: Address): Address {
  return address - (address % WORD_SIZE === STRONG_TAG ? STRONG_TAG : 0);
}
