/**
 * Sentences whose figures stay typed, so that analysis can say what it found and leave to render how a number looks.
 * The same records as `Sentence` in result.ts, which this folder may not import; where commands hand one over, the compiler checks that they fit.
 */

/** One piece: own wording, an untrusted `name` of the dead process, or a figure. */
export type Part =
  | string
  | { readonly name: string }
  | { readonly count: number }
  | { readonly bytes: number }
  | { readonly share: number }
  | { readonly ratio: number }
  | { readonly address: number };

/** A sentence in pieces. */
export type Sentence = readonly Part[];

/** A string of the dead process. */
export const name = (text: string): Part => ({ name: text });
/** A number of things. */
export const count = (value: number): Part => ({ count: value });
/** A number of bytes. */
export const bytes = (value: number): Part => ({ bytes: value });
/** A share in [0, 1]. */
export const share = (value: number): Part => ({ share: value });
/** How many times. */
export const ratio = (value: number): Part => ({ ratio: value });
/** A tagged address. */
export const address = (value: number): Part => ({ address: value });
