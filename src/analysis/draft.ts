/** A suspect while its evidence is being put together, and the wording that several detectors share. */
import type { CollectionRow, FunctionRow, Origin } from '../graph/census.ts';
import type { Group } from './groups.ts';
import type { Reason } from './score.ts';
import { THRESHOLDS, weightOfEntries, weightOfMany, weightOfOutlier } from './score.ts';
import { address, count, name, ratio, share } from './sentence.ts';
import type { Part, Sentence } from './sentence.ts';

/** What makes a suspect stand out; the words of the JSON report. */
export type SuspectKind = 'instances' | 'properties' | 'functions' | 'collection' | 'strings' | 'external';

/** What one suspect is about, before it is scored. */
export interface Draft {
  readonly kind: SuspectKind;
  readonly origin: Origin;
  /** What the title counts: objects, closures; `undefined` for a single container. */
  readonly instances: number | undefined;
  /** Instances or entries, whichever is more. */
  size: number;
  readonly group: Group | undefined;
  readonly closure: FunctionRow | undefined;
  readonly containers: CollectionRow[];
  title: Sentence;
  /** Own bytes of everything that belongs to it. */
  bytes: number;
  readonly reasons: Reason[];
}

/** `{ a, b, c, … }`: the properties that tell a plain object from another. */
export function propertyList(properties: readonly string[], propertyCount: number): Part[] {
  if (properties.length === 0) return ['{}'];
  const shown = properties.slice(0, 3).flatMap((property, at): Part[] => (at === 0 ? [name(property)] : [', ', name(property)]));
  return ['{', ...shown, propertyCount > 3 ? ', …}' : '}'];
}

/** What a group is called in a sentence: the class, or `Object {a, b}`. */
export function groupLabel(group: Group): Part[] {
  const plain = group.name === 'Object' && (group.properties.length > 0 || group.propertyCount === 0);
  return plain ? [name(group.name), ' ', ...propertyList(group.properties, group.propertyCount)] : [name(group.name)];
}

/** What a function is called in a sentence. */
export function functionLabel(row: FunctionRow): Part[] {
  return row.name === '' ? ['an anonymous function'] : [name(row.name)];
}

const FIRST_WORD: Readonly<Record<CollectionRow['kind'], string>> = { array: 'array', map: 'Map', set: 'Set', weak: 'weak collection', object: 'object' };

/** What a container is called: its class, or the plain word for its kind. */
export function containerName(row: CollectionRow): Part {
  return row.constructorName === '' ? FIRST_WORD[row.kind] : name(row.constructorName);
}

const entryWord = (row: CollectionRow): string => (row.kind === 'object' ? ' own properties' : row.kind === 'array' ? ' elements' : ' entries');

/** `Map of 412,003 entries`. */
export function containerLabel(row: CollectionRow): Part[] {
  return [containerName(row), row.kind === 'object' ? ' with ' : ' of ', count(row.entries), entryWord(row)];
}

/** `one Map`, or `3 containers`, for a title that already gives the number of objects. */
export function containersInTitle(rows: readonly CollectionRow[]): Part[] {
  const [largest] = rows;
  if (largest === undefined) return [];
  if (rows.length === 1) return [' in one ', containerName(largest)];
  const alike = rows.every((row) => row.constructorName === largest.constructorName);
  return [' in ', count(rows.length), ' ', ...(alike ? [containerName(largest), ' containers'] : ['containers'])];
}

const VALUE_WORDS: Readonly<Record<string, string>> = {
  '(number)': 'numbers',
  '(string)': 'strings',
  '(closure)': 'closures',
  '(symbol)': 'symbols',
  '(bigint)': 'bigints',
};

/** What the values of a container are called: plain words for what has no class. */
export function valueLabel(valueName: string): Part {
  return VALUE_WORDS[valueName] ?? name(valueName);
}

/** The reason that containers give: how many entries the largest has, what they are, and where it is. */
export function containerReason(rows: readonly CollectionRow[], holdsApplication: boolean): Reason {
  const [largest] = rows;
  if (largest === undefined) throw new RangeError('a container reason needs a container');
  const values: Part[] =
    largest.valueName === undefined || largest.valueShare === undefined
      ? []
      : [', ', share(largest.valueShare), ' of a sample of its values are ', valueLabel(largest.valueName)];
  const rest: Part[] = rows.length > 1 ? ['; ', count(rows.length - 1), rows.length === 2 ? ' other like it' : ' others like it'] : [];
  const isObject = largest.kind === 'object';
  return {
    code: isObject ? 'many-properties' : 'collection-entries',
    value: largest.entries,
    threshold: isObject ? THRESHOLDS.properties : THRESHOLDS.entries,
    text: ['one ', ...containerLabel(largest), ' @', address(largest.address), ...values, ...rest],
    weight: weightOfEntries(largest.entries, holdsApplication || isObject),
  };
}

/** The group that another is compared with. */
export interface Rival {
  readonly instances: number;
  readonly label: Sentence;
}

/** Under so many, the next group is nothing to compare with. */
const WORTH_NAMING = 100;

function outlierText(times: number, next: Rival | undefined, what: string): Sentence {
  if (next === undefined) return [`the only ${what} there is`];
  if (next.instances < WORTH_NAMING) return [`no other ${what} has more than `, count(next.instances)];
  return [ratio(times), ` as many as the next ${what}, `, ...next.label, ' with ', count(next.instances)];
}

/**
 * The reasons that a number of instances gives against the next smaller group, if any of the thresholds is passed.
 *
 * Being twice the next is the guides' rule for the largest group; further down the list such gaps are common, so there it weighs half, and the last of
 * several groups, which has nothing below it, is no outlier at all.
 */
export function numberReasons(of: 'instances' | 'closures', instances: number, next: Rival | undefined, isLargest: boolean, what: string): Reason[] {
  const reasons: Reason[] = [];
  const times = instances / Math.max(1, next?.instances ?? 1);
  if (times > THRESHOLDS.outlierRatio && (isLargest || next !== undefined)) {
    reasons.push({
      code: `${of}-outlier`,
      value: next === undefined ? undefined : Math.round(times * 100) / 100,
      threshold: THRESHOLDS.outlierRatio,
      text: outlierText(times, next, what),
      weight: weightOfOutlier(times) * (isLargest ? 1 : 0.5),
    });
  }
  const floor = of === 'instances' ? THRESHOLDS.instances : THRESHOLDS.closures;
  if (instances >= floor) {
    reasons.push({
      code: `${of}-many`,
      value: instances,
      threshold: floor,
      text: [count(instances), of === 'instances' ? ' live instances' : ' live closures', ' (', count(floor), ' or more is many for one process)'],
      weight: weightOfMany(instances),
    });
  }
  return reasons;
}

/** The reason that groups of the same number give: they come with the objects of the title. It explains and weighs nothing. */
export function companionReason(labels: readonly Sentence[], instances: number): Reason {
  const shown = labels.slice(0, 3).flatMap((label, at): Part[] => (at === 0 ? [...label] : [', ', ...label]));
  const rest: Part[] = labels.length > 3 ? [' and ', count(labels.length - 3), ' more'] : [];
  return { code: 'same-count', value: instances, threshold: undefined, text: ['come with them in step: ', ...shown, ...rest], weight: 0 };
}
