/** What the ranking says of one finding. */
import type { SuspectKind } from './draft.ts';
import type { Confidence, Reason } from './score.ts';
import type { Sentence } from './sentence.ts';

/** One step of a path from a root to a suspect. */
export interface PathStep {
  /** Key of the object; undefined for what is none: kinds of roots. */
  readonly address: number | undefined;
  readonly label: string;
  /** What the reference to the next step is called. */
  readonly edge: string | undefined;
  /** Where a closure is defined. */
  readonly file: string | undefined;
  readonly line: number | undefined;
}

/** One claim with its evidence. Sizes in bytes. */
export interface Suspect {
  readonly kind: SuspectKind;
  readonly title: Sentence;
  /** In [0, 1]. */
  readonly score: number;
  readonly confidence: Confidence;
  readonly instances: number | undefined;
  /** Own bytes of what the title names and of what was found with it. */
  readonly shallowBytes: number;
  /** The same as a share of the live heap; `undefined` when the heap is empty or the bytes are not in it. */
  readonly shallowShare: number | undefined;
  /** What would be freed if the objects that the title names went, with their container where that is little more; `undefined` where there is no graph to tell. */
  readonly retainedBytes: number | undefined;
  /** The same as a share of the live heap and what it holds outside. */
  readonly retainedShare: number | undefined;
  /** Row of the shape table, if the suspect is one. */
  readonly shape: string | undefined;
  readonly representative: number | undefined;
  readonly code: { readonly name: string; readonly script: string; readonly line: number | undefined; readonly column: number | undefined } | undefined;
  /** Strongest first. */
  readonly reasons: readonly Reason[];
  /** From a root to the suspect, every object; empty where there is no graph to tell. */
  readonly path: readonly PathStep[];
  /** The same path in words, without the steps that nobody writes down. */
  readonly route: Sentence;
  readonly fingerprint: string;
}
