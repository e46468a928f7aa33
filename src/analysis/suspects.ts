/**
 * Ranked leak suspects of one heap: what has piled up, and why it looks wrong. The thresholds and the score are in score.ts.
 *
 * Findings that are one leak are told once: 200,000 records, the Map that holds them, the detail objects that come one with each
 * and the closures made with them make one suspect whose reasons carry all of it.
 */
import type { Accumulation } from './accumulations.ts';
import type { CollectionRow, FunctionRow, HeapCensus, ShapeRow } from '../graph/census.ts';
import {
  companionReason,
  containerLabel,
  containerName,
  containerReason,
  containersInTitle,
  functionLabel,
  groupLabel,
  numberReasons,
  propertyList,
  valueLabel,
} from './draft.ts';
import type { Draft, Rival } from './draft.ts';
import { fingerprintOf } from './fingerprint.ts';
import { applicationFunctions, cohorts, comeTogether, groupObjects, perEach } from './groups.ts';
import type { Group } from './groups.ts';
import { confidenceOf, evidenceOf, scoreOf, THRESHOLDS, weightOfBytes, weightOfEntries, weightOfShare } from './score.ts';
import type { Confidence, Reason } from './score.ts';
import type { HeldHeap, NodeGroup } from './held-groups.ts';
import { heldSuspects } from './held-suspects.ts';
import { bytes, count, name, share } from './sentence.ts';
import type { Part, Sentence } from './sentence.ts';
import type { Suspect } from './suspect.ts';

/** Names under which a sample of closures appears in a container. */
const CLOSURE_NAMES: readonly string[] = ['Function', 'AsyncFunction', 'GeneratorFunction', 'AsyncGeneratorFunction', '(closure)'];

/** Which containers hold which objects, and those that hold nothing known. */
interface Holdings {
  readonly byGroup: Map<Group, CollectionRow[]>;
  readonly byFunction: Map<FunctionRow, CollectionRow[]>;
  readonly rest: CollectionRow[];
}

function push<K>(rows: Map<K, CollectionRow[]>, key: K, row: CollectionRow): void {
  const list = rows.get(key);
  if (list === undefined) rows.set(key, [row]);
  else list.push(row);
}

/** Finds the objects that a container holds: by the class of its values, and by the number where the class alone does not tell. */
function findHeld(row: CollectionRow, groups: readonly Group[]): Group | undefined {
  if (row.valueName === undefined || (row.valueShare ?? 0) < 0.5) return undefined;
  const named = groups.filter((group) => group.name === row.valueName && group.instances >= THRESHOLDS.instances);
  const own = named.find((group) => group.origin === 'application' && group.name !== 'Object');
  if (own !== undefined) return own;
  const close = named.filter((group) => comeTogether(group.instances, row.entries) && group.origin !== 'internal');
  return close.find((group) => group.origin === 'application') ?? close[0];
}

function assignContainers(census: HeapCensus, groups: readonly Group[], functions: readonly FunctionRow[]): Holdings {
  const holdings: Holdings = { byGroup: new Map(), byFunction: new Map(), rest: [] };
  for (const row of [...census.collections].sort((a, b) => b.entries - a.entries)) {
    const foreign = row.origin === 'node' || row.origin === 'internal';
    if (row.entries < (foreign ? THRESHOLDS.entriesNotApplication : THRESHOLDS.entries)) continue;
    const group = findHeld(row, groups);
    const value = row.valueName;
    const closure =
      value === undefined
        ? undefined
        : functions.find(
            (f) => f.instances >= THRESHOLDS.closures && (f.name === value || CLOSURE_NAMES.includes(value)) && comeTogether(f.instances, row.entries),
          );
    if (group !== undefined) push(holdings.byGroup, group, row);
    else if (closure !== undefined) push(holdings.byFunction, closure, row);
    else holdings.rest.push(row);
  }
  return holdings;
}

const sumBytes = (rows: readonly CollectionRow[]): number => rows.reduce((sum, row) => sum + row.bytes, 0);

const rivalOf = (next: Group | undefined): Rival | undefined => (next === undefined ? undefined : { instances: next.instances, label: groupLabel(next) });

function groupDraft(group: Group, containers: readonly CollectionRow[], next: Group | undefined, isLargest: boolean, what: string): Draft {
  const reasons = numberReasons('instances', group.instances, rivalOf(next), isLargest, what);
  if (containers.length > 0) reasons.push(containerReason(containers, group.origin === 'application'));
  return {
    kind: 'instances',
    origin: group.origin,
    instances: group.instances,
    size: Math.max(group.instances, containers[0]?.entries ?? 0),
    group,
    closure: undefined,
    containers: [...containers],
    title: [count(group.instances), ' ', ...groupLabel(group), ...containersInTitle(containers)],
    bytes: group.shallowBytes + sumBytes(containers),
    reasons,
  };
}

/** The member that names a cohort: a class before a plain object, then the larger one. */
function leaderOf(members: readonly Group[]): Group | undefined {
  const rank = (group: Group): number => (group.name === 'Object' ? 0 : 1);
  return [...members].sort((a, b) => rank(b) - rank(a) || b.shallowBytes - a.shallowBytes)[0];
}

/** Everything found about one draft that is worth a line but no suspect of its own. */
type Companions = Map<Draft, Sentence[]>;

function addCompanion(companions: Companions, draft: Draft, label: Sentence, ownBytes: number): void {
  draft.bytes += ownBytes;
  const labels = companions.get(draft);
  if (labels === undefined) companions.set(draft, [label]);
  else labels.push(label);
}

const perEachLabel = (times: number, label: Sentence): Sentence => (times === 1 ? label : [...label, ' (', count(times), ' each)']);

/** The suspects among the application's own objects. */
function applicationDrafts(groups: readonly Group[], holdings: Holdings, companions: Companions): Draft[] {
  const drafts: Draft[] = [];
  for (const [at, { members, next }] of cohorts(groups, THRESHOLDS.instances).entries()) {
    const held = members.filter((member) => holdings.byGroup.has(member));
    const [first] = members;
    const isOutlier = at === 0 && first !== undefined && first.instances > THRESHOLDS.outlierRatio * (next?.instances ?? 0);
    const leader = leaderOf(members);
    if (leader === undefined || (held.length === 0 && !isOutlier && leader.instances < THRESHOLDS.instancesAlone)) continue;
    const leaders = held.length > 0 ? held : [leader];
    const made = leaders.map((group) => groupDraft(group, holdings.byGroup.get(group) ?? [], next, at === 0, 'application type'));
    const [owner] = made;
    if (owner !== undefined)
      for (const member of members) if (!leaders.includes(member)) addCompanion(companions, owner, groupLabel(member), member.shallowBytes);
    drafts.push(...made);
  }
  // Objects that come two, three or four to each record in a container are part of that record's leak.
  return drafts.filter((draft) => {
    if (draft.containers.length > 0 || draft.group === undefined) return true;
    for (const owner of drafts) {
      const times = owner === draft || owner.containers.length === 0 ? undefined : perEach(draft.instances ?? 0, owner.instances ?? 1);
      if (times === undefined) continue;
      addCompanion(companions, owner, perEachLabel(times, groupLabel(draft.group)), draft.bytes);
      for (const label of companions.get(draft) ?? []) addCompanion(companions, owner, perEachLabel(times, label), 0);
      return false;
    }
    return true;
  });
}

/** Types of the language and of Node: a suspect only when no application object accounts for their number. */
function otherDrafts(groups: readonly Group[], holdings: Holdings, drafts: readonly Draft[], companions: Companions): Draft[] {
  const found: Draft[] = [];
  for (const group of groups) {
    if (group.origin === 'application' || group.origin === 'internal' || group.instances < THRESHOLDS.instances) continue;
    const owner = drafts.find((draft) => draft.instances !== undefined && perEach(group.instances, draft.instances) !== undefined);
    const containers = holdings.byGroup.get(group);
    if (owner !== undefined && containers === undefined) {
      addCompanion(companions, owner, perEachLabel(perEach(group.instances, owner.instances ?? 1) ?? 1, groupLabel(group)), group.shallowBytes);
      continue;
    }
    const rivals = groups.filter((other) => other !== group && other.origin !== 'internal');
    const isLargest = rivals.every((other) => other.instances <= group.instances);
    const next = rivals.find((other) => other.instances <= group.instances && !comeTogether(other.instances, group.instances));
    const isOutlier = isLargest && group.instances >= THRESHOLDS.instancesNotApplication && group.instances > THRESHOLDS.outlierRatio * (next?.instances ?? 0);
    if (containers !== undefined || isOutlier) found.push(groupDraft(group, containers ?? [], next, isLargest, 'type'));
  }
  return found;
}

/** Functions of which very many closures are alive. */
function functionDrafts(functions: readonly FunctionRow[], holdings: Holdings, drafts: readonly Draft[], companions: Companions): Draft[] {
  const found: Draft[] = [];
  const place = (row: FunctionRow): Part[] => (row.script === undefined ? [] : [' (', name(scriptPlace(row)), ')']);
  for (const [at, { members, next }] of cohorts(functions, THRESHOLDS.closures).entries()) {
    const [leader] = members;
    if (leader === undefined) continue;
    const held = members.find((member) => holdings.byFunction.has(member));
    // Closures that come one with each object are made with it, unless something else holds them.
    const owner = held === undefined ? drafts.find((draft) => draft.instances !== undefined && comeTogether(leader.instances, draft.instances)) : undefined;
    if (owner !== undefined) {
      for (const member of members) addCompanion(companions, owner, ['closures of ', ...functionLabel(member), ...place(member)], member.shallowBytes);
      continue;
    }
    const chosen = held ?? leader;
    const containers = holdings.byFunction.get(chosen) ?? [];
    const isOutlier = at === 0 && leader.instances > THRESHOLDS.outlierRatio * (next?.instances ?? 0);
    if (containers.length === 0 && !isOutlier && leader.instances < THRESHOLDS.instancesAlone) continue;
    const rival = next === undefined ? undefined : { instances: next.instances, label: functionLabel(next) };
    const reasons = numberReasons('closures', chosen.instances, rival, at === 0, 'function');
    if (containers.length > 0) reasons.push(containerReason(containers, true));
    const draft: Draft = {
      kind: 'functions',
      origin: 'application',
      instances: chosen.instances,
      size: chosen.instances,
      group: undefined,
      closure: chosen,
      containers: [...containers],
      title: [count(chosen.instances), ' closures of ', ...functionLabel(chosen), ...containersInTitle(containers)],
      bytes: chosen.shallowBytes + sumBytes(containers),
      reasons,
    };
    for (const member of members)
      if (member !== chosen) addCompanion(companions, draft, ['closures of ', ...functionLabel(member), ...place(member)], member.shallowBytes);
    found.push(draft);
  }
  return found;
}

function scriptPlace(row: FunctionRow): string {
  const parts = [row.script ?? ''];
  if (row.line !== undefined) parts.push(String(row.line));
  if (row.line !== undefined && row.column !== undefined) parts.push(String(row.column));
  return parts.join(':');
}

/** Containers that hold nothing known: one suspect per kind, class and value class. */
function containerDrafts(rows: readonly CollectionRow[]): Draft[] {
  const alike = new Map<string, CollectionRow[]>();
  for (const row of rows) push(alike, [row.kind, row.constructorName, row.valueName ?? '', row.origin].join('\0'), row);
  return [...alike.values()].flatMap((list): Draft[] => {
    const [largest] = list;
    if (largest === undefined) return [];
    const title: Part[] = [...containerLabel(largest)];
    if (largest.valueName !== undefined && largest.kind !== 'object') title.push(', mostly ', valueLabel(largest.valueName));
    if (list.length > 1) title.push(', and ', count(list.length - 1), ' more ', containerName(largest));
    return [
      {
        kind: largest.kind === 'object' ? 'properties' : 'collection',
        origin: largest.origin === 'language' ? 'application' : largest.origin,
        instances: undefined,
        size: largest.entries,
        group: undefined,
        closure: undefined,
        containers: list,
        title,
        bytes: sumBytes(list),
        reasons: [containerReason(list, false)],
      },
    ];
  });
}

/** Shapes with very many properties that no container row speaks of. */
function wideDrafts(shapes: readonly ShapeRow[], collections: readonly CollectionRow[]): Draft[] {
  const known = new Set(collections.filter((row) => row.kind === 'object').map((row) => row.constructorName));
  return shapes.flatMap((row): Draft[] => {
    const isOurs = row.origin === 'application' || row.origin === 'language';
    if (!isOurs || row.kind !== 'object' || row.instances === 0 || row.propertyCount < THRESHOLDS.properties || known.has(row.constructorName)) return [];
    const reason: Reason = {
      code: 'many-properties',
      value: row.propertyCount,
      threshold: THRESHOLDS.properties,
      text: [count(row.propertyCount), ' own properties on each: ', ...propertyList(row.properties, row.propertyCount)],
      weight: weightOfEntries(row.propertyCount, true),
    };
    return [
      {
        kind: 'properties',
        origin: 'application',
        instances: row.instances,
        size: Math.max(row.instances, row.propertyCount),
        group: { ...row, name: row.constructorName, shape: row },
        closure: undefined,
        containers: [],
        title: [count(row.instances), ' ', name(row.constructorName), ' with ', count(row.propertyCount), ' own properties'],
        bytes: row.shallowBytes,
        reasons: [reason],
      },
    ];
  });
}

/** Memory that is large as a whole: outside the V8 heap, or in strings. */
function shareDrafts(census: HeapCensus, groups: readonly Group[]): Draft[] {
  const drafts: Draft[] = [];
  const base = { closure: undefined, containers: [] };
  const outside = census.externalBytes ?? 0;
  const outsideShare = outside / Math.max(1, outside + census.reachableBytes);
  if (outside >= THRESHOLDS.externalBytes && outsideShare >= THRESHOLDS.externalShare) {
    const buffers = groups.filter((group) => group.kind === 'buffer');
    const [most] = buffers;
    const holders: Part[] = most === undefined ? [] : [', ', count(most.instances), ' ', name(most.name)];
    drafts.push({
      ...base,
      kind: 'external',
      origin: 'language',
      instances: undefined,
      size: most?.instances ?? 0,
      group: most,
      title: [bytes(outside), ' outside the V8 heap', ...holders],
      bytes: 0,
      reasons: [
        {
          code: 'external-share',
          value: Math.round(outsideShare * 1_000) / 1_000,
          threshold: THRESHOLDS.externalShare,
          text: [share(outsideShare), ' of what JavaScript holds is in ArrayBuffers and external strings'],
          weight: weightOfShare(outsideShare, THRESHOLDS.externalShare),
        },
      ],
    });
  }
  const strings = census.shapes.filter((row) => row.kind === 'string' && row.instances > 0);
  const stringBytes = strings.reduce((sum, row) => sum + row.shallowBytes, 0);
  const stringShare = stringBytes / Math.max(1, census.reachableBytes);
  if (stringBytes >= THRESHOLDS.stringsBytes && stringShare >= THRESHOLDS.stringsShare) {
    const instances = strings.reduce((sum, row) => sum + row.instances, 0);
    drafts.push({
      ...base,
      kind: 'strings',
      origin: 'internal',
      instances,
      size: instances,
      group: undefined,
      title: [count(instances), ' strings, ', bytes(stringBytes)],
      bytes: stringBytes,
      reasons: [
        {
          code: 'strings-share',
          value: Math.round(stringShare * 1_000) / 1_000,
          threshold: THRESHOLDS.stringsShare,
          text: [share(stringShare), ' of the live heap is text'],
          weight: weightOfShare(stringShare, THRESHOLDS.stringsShare),
        },
      ],
    });
  }
  return drafts;
}

/** A class is known by its name and its first properties, a plain object by all that it has; a dictionary's keys differ from run to run. */
function stableProperties({ group, kind }: Draft): readonly string[] {
  if (group === undefined || kind === 'external') return [];
  if (group.name !== 'Object') return group.shape.properties.slice(0, 4);
  return kind === 'properties' ? [] : group.properties;
}

/** Scores a draft; `undefined` when the evidence is too weak for a line. `isHeld` is false where a graph shows that the objects are not held in one place. */
function finish(draft: Draft, companions: readonly Sentence[], census: HeapCensus, isHeld: false | undefined): Suspect | undefined {
  const { reachableBytes } = census;
  const reasons = [...draft.reasons];
  const part = reachableBytes > 0 && draft.bytes > 0 ? Math.min(1, draft.bytes / reachableBytes) : undefined;
  if (part !== undefined && part >= THRESHOLDS.bytesShare && draft.kind !== 'strings') {
    reasons.push({
      code: 'bytes-share',
      value: Math.round(part * 1_000) / 1_000,
      threshold: THRESHOLDS.bytesShare,
      text: [bytes(draft.bytes), ' of their own, ', share(part), ' of the live heap'],
      weight: weightOfBytes(part),
    });
  }
  reasons.sort((a, b) => b.weight - a.weight);
  if (companions.length > 0) reasons.push(companionReason(companions, draft.instances ?? 0));
  const { closure, group } = draft;
  const [container] = draft.containers;
  const evidence = evidenceOf(reasons, draft.origin);
  if (evidence < THRESHOLDS.listed) return undefined;
  const retainedBytes = draft.kind === 'external' ? undefined : (closure?.retainedBytes ?? group?.retainedBytes);
  const wholeBytes = reachableBytes + (census.externalBytes ?? 0);
  const retainedShare = retainedBytes === undefined || wholeBytes <= 0 ? undefined : Math.min(1, retainedBytes / wholeBytes);
  return {
    kind: draft.kind,
    title: draft.title,
    score: scoreOf(evidence, draft.kind === 'external' ? { retained: reasons[0]?.value ?? 0 } : { own: part ?? 0 }),
    confidence: isHeld === false && (retainedShare ?? part ?? 0) < THRESHOLDS.largeShare ? 'low' : confidenceOf(evidence, reasons, { size: draft.size, share: undefined, isHeld }),
    instances: draft.instances,
    shallowBytes: draft.bytes,
    shallowShare: part,
    retainedBytes,
    retainedShare,
    shape: group?.shape.id,
    representative: closure?.representative ?? group?.shape.representative ?? container?.address,
    code: closure?.script === undefined ? undefined : { name: closure.name, script: closure.script, line: closure.line, column: closure.column },
    reasons,
    path: [],
    route: [],
    fingerprint: fingerprintOf({
      kind: draft.kind,
      constructorName: group?.name ?? (closure === undefined ? container?.constructorName : undefined),
      properties: stableProperties(draft),
      script: closure?.script,
      functionName: closure?.name ?? (group === undefined ? container?.valueName : undefined),
    }),
  };
}

const CONFIDENCES: readonly Confidence[] = ['high', 'medium', 'low'];

const keyOf = ({ name: className, shape, closure }: Pick<NodeGroup, 'name' | 'shape' | 'closure'>): string =>
  closure !== undefined
    ? ['closure', closure.name, closure.script, closure.line, closure.column].join('\0')
    : className === 'Object'
      ? [className, ...(shape?.properties ?? [])].join('\0')
      : className;

/** Ranks by confidence, then by score; what V8 and Node made comes last. Equal ones by what does not change from run to run. */
function ranked(suspects: readonly Suspect[], isForeign: ReadonlySet<Suspect>): Suspect[] {
  return suspects.toSorted(
    (a, b) =>
      Number(isForeign.has(a)) - Number(isForeign.has(b)) ||
      CONFIDENCES.indexOf(a.confidence) - CONFIDENCES.indexOf(b.confidence) ||
      b.score - a.score ||
      b.shallowBytes - a.shallowBytes ||
      (b.instances ?? 0) - (a.instances ?? 0) ||
      (a.fingerprint < b.fingerprint ? -1 : 1),
  );
}

/** What ranking may use besides the counts. */
export interface RankOptions {
  /** The object graph, where there is one: who holds what decides then. Its census takes the place of the one given. */
  readonly heap?: HeldHeap | undefined;
  /** What `accumulationSteps` found of that heap; looked for if not given. */
  readonly accumulations?: readonly Accumulation[] | undefined;
  /** Shows what is in strings on paths. */
  readonly strings?: boolean;
}

/**
 * Ranks what stands out in a heap, the most suspicious first. Same heap, same answer: nothing depends on addresses or on the order of equal rows.
 *
 * With a graph the first suspects are the places where the heap piles up; what only stands out by its number, and is held here and there, comes after them.
 */
export function rankSuspects(counted: HeapCensus, { heap, accumulations, strings = false }: RankOptions = {}): Suspect[] {
  const held = heap === undefined ? [] : heldSuspects(heap, strings, accumulations);
  const census = heap?.census ?? counted;
  const toldGroups = new Set(held.flatMap((each) => each.groups.map(keyOf)));
  const toldContainers = new Set(held.flatMap((each) => each.containers));
  const suspects = held.flatMap((each) => each.suspect ?? []);
  const isForeign = new Set<Suspect>();
  const companions: Companions = new Map();
  for (const draft of censusDrafts(census, companions)) {
    const { group, closure, containers } = draft;
    const isTold =
      draft.kind === 'external'
        ? suspects.some((suspect) => suspect.kind !== 'external' && suspect.shape === group?.shape.id)
        : (closure !== undefined && toldGroups.has(keyOf({ name: '', shape: undefined, closure }))) ||
          (group !== undefined && toldGroups.has(keyOf({ name: group.name, shape: group.shape, closure: undefined }))) ||
          containers.some((row) => toldContainers.has(row.address)) ||
          (draft.kind === 'strings' && suspects.some((suspect) => suspect.kind === 'strings'));
    const suspect = isTold ? undefined : finish(draft, companions.get(draft) ?? [], census, heap === undefined ? undefined : false);
    if (suspect === undefined) continue;
    suspects.push(suspect);
    if (draft.origin === 'node' || draft.origin === 'internal') isForeign.add(suspect);
  }
  return ranked(suspects, isForeign);
}

/** What stands out by the counts alone. */
function censusDrafts(census: HeapCensus, companions: Companions): Draft[] {
  const groups = groupObjects(census);
  const functions = applicationFunctions(census);
  const holdings = assignContainers(census, groups, functions);
  const ours = applicationDrafts(
    groups.filter((group) => group.origin === 'application'),
    holdings,
    companions,
  );
  const others = otherDrafts(groups, holdings, ours, companions);
  const closures = functionDrafts(functions, holdings, [...ours, ...others], companions);
  return [
    ...ours,
    ...others,
    ...closures,
    ...containerDrafts(holdings.rest),
    ...wideDrafts(census.shapes, census.collections),
    ...shareDrafts(census, groups),
  ];
}
