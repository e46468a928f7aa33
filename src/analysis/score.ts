/**
 * The one place where evidence becomes a score and a confidence.
 *
 * Every reason carries a weight in [0, 1): how much it alone speaks for a leak; or a doubt in [0, 1): how much it alone speaks against one. Reasons are taken as
 * independent, so
 *
 *     evidence = origin x (1 - product over the reasons of (1 - weight)) x product over the reasons of (1 - doubt)
 *     score    = evidence x (0.4 + 0.6 x impact)
 *
 * with origin 1 for the application's own objects and less for what Node and the language make, and impact the square root of the share of the heap, 1 from a half on:
 * of two leaks as sure as each other, the larger one comes first. The share is that of the retained size where there is a graph to tell, else that of the objects' own
 * bytes, times five. The weights:
 *
 *     retained-share                        0.15 + 0.60 x (share - 0.02) / 0.48        0.15 at 2 % of the heap, 0.75 from 50 % on
 *     held-by-one, chain                    0.20 + 0.40 x log(count)                   as many alike objects kept alive by one object, or one by the other in a row
 *     instances-outlier, closures-outlier   0.30 + 0.40 x (1 - threshold / ratio)      0.30 at the threshold, towards 0.70; half of it
 *                                                                                      for a group that is not the largest of all
 *     instances-many, closures-many         0.10 + 0.30 x log(count)                   0.10 at 1,000, 0.40 from 100,000 on
 *     collection-entries, many-properties   0.20 + 0.40 x log(entries)                 x 0.6 where the values are not objects of the application
 *     bytes-share                           0.20 + 0.40 x (share - 0.1) / 0.4          0.20 at 10 % of the live heap, 0.60 from 50 % on
 *     large-object                          as retained-share
 *     external-share, strings-share         0.20 + 0.40 x (share - threshold) / (1 - threshold)
 *
 * and the doubts:
 *
 *     entries-removed                       0.5    a Map or Set from which entries are taken, too: a cache with a limit looks like that
 *     made-at-once                          0.5    an array without a spare place: one that grows by push has them
 *
 * where log(n) runs from 0 at 1,000 to 1 at 100,000. Reasons that only add detail weigh nothing.
 *
 * Confidence follows from the evidence. High needs 0.7, two reasons of different families, no doubt, and 10,000 instances or entries, or 5 % of the heap and 1,000 of them, or
 * 30 % of it and 200 of them; with a graph it also needs that the objects are held in one place. Medium needs 0.4 and 2,000 of them or 10 % of the heap; the rest is low: a thousand of something is
 * worth a look, not an alarm. Below 0.2 a finding is not listed. Suspects are ranked by confidence, then by score; what V8 and Node made comes after what the
 * application made.
 */
import type { Origin } from '../graph/census.ts';
import type { Sentence } from './sentence.ts';

/** How sure a suspect is. */
export type Confidence = 'high' | 'medium' | 'low';

/** Machine-readable kind of a reason. */
type ReasonCode =
  | 'instances-outlier'
  | 'instances-many'
  | 'closures-outlier'
  | 'closures-many'
  | 'collection-entries'
  | 'many-properties'
  | 'bytes-share'
  | 'external-share'
  | 'strings-share'
  | 'same-count'
  | 'retained-share'
  | 'held-by-one'
  | 'chain'
  | 'only-here'
  | 'large-object'
  | 'entries-removed'
  | 'made-at-once';

/** One piece of evidence, with the figure that was found and the threshold it passed. */
export interface Reason {
  readonly code: ReasonCode;
  readonly value: number | undefined;
  readonly threshold: number | undefined;
  readonly text: Sentence;
  /** How much it alone speaks for a leak, in [0, 1). */
  readonly weight: number;
  /** How much it alone speaks against one, in [0, 1). */
  readonly doubt?: number;
}

/** The thresholds of all detectors; every one is inclusive but for `outlierRatio`, which must be passed. */
export const THRESHOLDS = {
  /** More than so many times the next comparable group: the guides' rule. */
  outlierRatio: 2,
  /** Fewer instances than this are nobody's leak. */
  instances: 1_000,
  /** So many instances are worth a line even when other groups have as many. */
  instancesAlone: 10_000,
  /** Types of the language and of Node start to count here: their own start-up objects stay below it. */
  instancesNotApplication: 10_000,
  closures: 1_000,
  entries: 1_000,
  /** Containers whose maker is not the application. */
  entriesNotApplication: 10_000,
  properties: 1_000,
  bytesShare: 0.1,
  /** Bytes outside the V8 heap against all bytes of JavaScript. */
  externalShare: 0.5,
  externalBytes: 33_554_432,
  stringsShare: 0.5,
  stringsBytes: 16_777_216,
  /** Alike objects that one object keeps alive, or that come in a chain. */
  children: 1_000,
  /** So few are enough where they are large together. */
  largeChildren: 20,
  largeShare: 0.1,
  /** Alike objects of one holder among many such holders. */
  scatteredChildren: 50,
  chainLinks: 500,
  /** Chains are looked for in what retains as much of the heap as this. */
  chainShare: 0.02,
  /** A holder of so many of a sample is the holder. */
  holderShare: 0.5,
  retainedShare: 0.02,
  /** From this share of empty places on, entries are taken to be removed as they are added. */
  removedShare: 0.005,
  listed: 0.2,
  medium: 0.4,
  mediumSize: 2_000,
  mediumShare: 0.1,
  high: 0.7,
  highSize: 10_000,
  highSmallSize: 1_000,
  highSmallShare: 0.05,
  highShare: 0.3,
  /** Fewer than this cannot be told from what a program works on. */
  highLeast: 200,
} as const;

const clamp = (value: number): number => Math.min(1, Math.max(0, value));
const logScale = (value: number): number => clamp(Math.log10(Math.max(1, value) / 1_000) / 2);

/** Weight of a group that is `times` as large as the next one. */
export const weightOfOutlier = (times: number): number => 0.3 + 0.4 * clamp(1 - THRESHOLDS.outlierRatio / times);
/** Weight of a plain number of instances. */
export const weightOfMany = (instances: number): number => 0.1 + 0.3 * logScale(instances);
/** Weight of a container by its entries, less when they are not the application's objects. */
export const weightOfEntries = (entries: number, holdsApplication: boolean): number => (0.2 + 0.4 * logScale(entries)) * (holdsApplication ? 1 : 0.6);
/** Weight of a share of the live heap. */
export const weightOfBytes = (part: number): number => 0.2 + 0.4 * clamp((part - THRESHOLDS.bytesShare) / 0.4);
/** Weight of a share that already starts high. */
export const weightOfShare = (part: number, threshold: number): number => 0.2 + 0.4 * clamp((part - threshold) / (1 - threshold));

/** Weight of a retained share of the heap. */
export const weightOfRetained = (part: number): number => 0.15 + 0.6 * clamp((part - THRESHOLDS.retainedShare) / (0.5 - THRESHOLDS.retainedShare));
/** Weight of so many alike objects in one place. */
export const weightOfPile = (objects: number): number => 0.2 + 0.4 * logScale(objects);
/** The doubt that a trace of removal, or of having been made at once, casts. */
export const DOUBT = 0.5;

const ORIGIN_FACTOR: Readonly<Record<Origin, number>> = { application: 1, language: 0.8, node: 0.6, internal: 0.5 };

/** Rounded to three digits, so that it prints alike everywhere. */
const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;

/** How much the reasons of a finding speak for a leak, in [0, 1]. */
export function evidenceOf(reasons: readonly Reason[], origin: Origin): number {
  const against = reasons.reduce((left, reason) => left * (1 - reason.weight), 1);
  const trust = reasons.reduce((left, reason) => left * (1 - (reason.doubt ?? 0)), 1);
  return rounded(ORIGIN_FACTOR[origin] * (1 - against) * trust);
}

/** Own bytes are about a fifth of what objects retain; only the order depends on it. */
const OWN_TO_RETAINED = 5;
const FULL_IMPACT = 0.5;

/** The score of a finding in [0, 1], by its share of the live heap. */
export function scoreOf(evidence: number, part: { readonly retained: number } | { readonly own: number }): number {
  const impact = Math.sqrt(clamp(('retained' in part ? part.retained : part.own * OWN_TO_RETAINED) / FULL_IMPACT));
  return rounded(evidence * (0.4 + 0.6 * impact));
}

/** Reasons that tell the same thing twice share a family. */
const FAMILY: Readonly<Record<ReasonCode, string>> = {
  'instances-outlier': 'ratio',
  'closures-outlier': 'ratio',
  'instances-many': 'number',
  'closures-many': 'number',
  'collection-entries': 'container',
  'many-properties': 'container',
  'bytes-share': 'bytes',
  'external-share': 'bytes',
  'strings-share': 'bytes',
  'same-count': 'detail',
  'retained-share': 'bytes',
  'held-by-one': 'container',
  chain: 'container',
  'only-here': 'detail',
  'large-object': 'bytes',
  'entries-removed': 'detail',
  'made-at-once': 'detail',
};

/** What confidence depends on besides the evidence. */
export interface Extent {
  /** Instances or entries, whichever is more. */
  readonly size: number;
  /** Share of the heap that is retained; undefined where there is no graph to tell. */
  readonly share: number | undefined;
  /** Whether the objects are held in one place; undefined where that is not known. */
  readonly isHeld: boolean | undefined;
}

/** How sure a finding is: see the rules at the top of this file. */
export function confidenceOf(evidence: number, reasons: readonly Reason[], { size, share = 0, isHeld }: Extent): Confidence {
  const families = new Set(reasons.filter((reason) => reason.weight > 0).map((reason) => FAMILY[reason.code]));
  const isDoubted = reasons.some((reason) => (reason.doubt ?? 0) > 0);
  const isBig = size >= THRESHOLDS.highSize || (share >= THRESHOLDS.highSmallShare && size >= THRESHOLDS.highSmallSize) || (share >= THRESHOLDS.highShare && size >= THRESHOLDS.highLeast);
  if (evidence >= THRESHOLDS.high && families.size >= 2 && isBig && !isDoubted && isHeld !== false) return 'high';
  return evidence >= THRESHOLDS.medium && (size >= THRESHOLDS.mediumSize || share >= THRESHOLDS.mediumShare) ? 'medium' : 'low';
}
