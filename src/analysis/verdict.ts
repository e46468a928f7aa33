/** Is it a leak at all? One answer in a few sentences, from what one heap can tell. */
import type { HeapCensus } from '../graph/census.ts';
import { bytes, name, share } from './sentence.ts';
import type { Part, Sentence } from './sentence.ts';
import type { Suspect } from './suspect.ts';

/** What of the process bears on the verdict. */
export interface VerdictFacts {
  /** The heap limit in bytes. */
  readonly heapLimitBytes: number | undefined;
  /** Flags of Node and V8. */
  readonly flags: readonly string[];
  /** Signal that ended the process. */
  readonly signal: string | undefined;
  /** Whether the source would show garbage if there were any. */
  readonly showsGarbage: boolean;
}

/** The answer first, then what supports or weakens it. */
export interface Verdict {
  readonly level: 'likely' | 'possible' | 'nothing';
  readonly sentences: readonly Sentence[];
}

/** Flags that let a heap grow on purpose. */
const SIZE_FLAG = /^--(?:min|max|initial|target)[-_](?:semi[-_]space|old[-_]space|heap)[-_]size/;
/** Live bytes at or above this share of the limit are near it. */
const NEAR_LIMIT = 0.75;
/** Under this share of live bytes, what looks like growth may be garbage that was not collected yet. */
const MOSTLY_LIVE = 0.6;

function answer(top: Suspect | undefined): { level: Verdict['level']; sentence: Sentence } {
  if (top === undefined) return { level: 'nothing', sentence: ['Nothing stands out: no type, container or function passes the thresholds.'] };
  if (top.confidence === 'low')
    return { level: 'nothing', sentence: ['Nothing stands out clearly; the first of the weak signs: ', ...top.title, ' (', top.confidence, ' confidence).'] };
  const what: Part[] = [...top.title, ' (', top.confidence, ' confidence).'];
  return top.confidence === 'high'
    ? { level: 'likely', sentence: ['A leak is likely: ', ...what] }
    : { level: 'possible', sentence: ['A leak is possible: ', ...what] };
}

/** Sums up a heap and its suspects. */
export function judge(census: HeapCensus, suspects: readonly Suspect[], facts: VerdictFacts): Verdict {
  if (census.objects === 0) return { level: 'nothing', sentences: [['No object of the heap could be read, so nothing can be said about a leak.']] };
  const { level, sentence } = answer(suspects[0]);
  const sentences: Sentence[] = [sentence];
  const [top] = suspects;
  if (level !== 'nothing' && top?.retainedBytes !== undefined && top.retainedShare !== undefined)
    sentences.push([bytes(top.retainedBytes), ', ', share(top.retainedShare), ' of the heap and what it holds outside, would be freed with it.']);
  const limit = facts.heapLimitBytes;
  const fill = limit === undefined || limit <= 0 ? undefined : census.reachableBytes / limit;
  const liveShare = facts.showsGarbage && census.bytes > 0 ? Math.min(1, census.reachableBytes / census.bytes) : undefined;
  if (limit !== undefined && fill !== undefined) sentences.push(['Live objects fill ', share(Math.min(1, fill)), ' of the heap limit of ', bytes(limit), '.']);
  if (fill !== undefined && fill >= NEAR_LIMIT && facts.signal === 'SIGABRT')
    sentences.push(['The process aborted that close to its limit: most likely it ran out of heap.']);
  if (liveShare !== undefined) {
    sentences.push(
      liveShare >= MOSTLY_LIVE
        ? [share(liveShare), ' of the bytes in the heap are live, so late garbage collection does not explain its size.']
        : [
            ...['Only ', share(liveShare), ' of the bytes in the heap are live, the rest is garbage that was not collected yet'],
            level === 'nothing' ? ': growth of the process may be no more than that.' : '; it is not counted below.',
          ],
    );
  }
  const sizeFlags = facts.flags.filter((flag) => SIZE_FLAG.test(flag));
  if (sizeFlags.length > 0) {
    const listed = sizeFlags.flatMap((flag, at): Part[] => (at === 0 ? [name(flag)] : [', ', name(flag)]));
    sentences.push(['The heap size is set by hand (', ...listed, '): a large heap may be by choice.']);
  }
  const { complete, walkedBytes, skippedBytes, missingBytes } = census.coverage;
  const lost = skippedBytes + missingBytes;
  if (!complete)
    sentences.push([share(lost / Math.max(1, walkedBytes + lost)), ' of the heap could not be read, so the counts are lower bounds (see COVERAGE).']);
  sentences.push(['One look at a heap shows what has piled up, not whether it still grows.']);
  const hasRetained = census.constructors.some((row) => row.retainedBytes !== undefined);
  if (!hasRetained) sentences.push(['Retained sizes and holders were not worked out: sizes are the own bytes of the objects.']);
  return { level, sentences };
}
