/** Suspects from where a heap piles up: what the object graph tells. The census's own findings are joined in suspects.ts. */
import { closureWords, isBetween, isContext, isGlobal, pathLabel, pathSteps, pathWords } from '../graph/graph-paths.ts';
import type { PathNames } from '../graph/graph-paths.ts';
import type { CollectionRow } from '../graph/census.ts';
import { readTraces } from '../graph/graph-collections.ts';
import { EdgeKind, NodeKind, ROOT } from '../graph/heap-graph.ts';
import type { EdgeIndex, NodeIndex } from '../graph/heap-graph.ts';
import { pathEdges } from '../graph/path-tree.ts';
import { findAccumulations } from './accumulations.ts';
import type { Accumulation } from './accumulations.ts';
import { companionReason, numberReasons, propertyList } from './draft.ts';
import { fingerprintOf } from './fingerprint.ts';
import { comeTogether } from './groups.ts';
import { NameRank, NodeGroups } from './held-groups.ts';
import type { HeldHeap, NodeGroup } from './held-groups.ts';
import { confidenceOf, DOUBT, evidenceOf, scoreOf, THRESHOLDS, weightOfPile, weightOfRetained } from './score.ts';
import type { Reason } from './score.ts';
import { address, bytes, count, name, share } from './sentence.ts';
import type { Part, Sentence } from './sentence.ts';
import type { PathStep, Suspect } from './suspect.ts';

/** A suspect, and what of the census it has told already. */
export interface HeldSuspect {
  /** Undefined where the evidence is too weak for a line. */
  readonly suspect: Suspect | undefined;
  /** Names of the groups that it accounts for, as `keyOf` in suspects.ts makes them. */
  readonly groups: readonly NodeGroup[];
  /** Keys of the containers that it names. */
  readonly containers: readonly number[];
}

/** Samples whose paths are compared. */
const PATHS_COMPARED = 16;
/** Steps of the names in front of a holder's own: `AuditLog.store.sessions`. */
const NAME_STEPS = 4;
/** Nodes below a sample that are looked through for one of the title's. */
const BELOW = 400;

/** What one suspect is made of: accumulations in one place. */
interface Pile {
  readonly main: Accumulation;
  readonly others: readonly Accumulation[];
  /** What the title names, and how many of it. */
  readonly leader: number;
  readonly count: number;
}

const SIMPLE_KINDS: Readonly<Record<string, string>> = { Array: 'array', Object: 'object' };

/** What a group is called in a title. */
function labelOf(group: NodeGroup): Part[] {
  if (group.kind === 'closure') return group.name === '' ? ['anonymous closures'] : ['closures of ', name(group.name)];
  if (group.kind === 'external') return ['stores outside of the V8 heap'];
  if (group.kind === 'symbol') return ['symbols'];
  if (group.name === '(sliced string)') return ['sliced strings'];
  if (group.kind === 'string') return ['strings'];
  if (group.name === 'Object' && group.shape !== undefined) return [name('Object'), ' ', ...propertyList(group.shape.properties, group.shape.propertyCount)];
  return [name(group.name)];
}

class Maker {
  readonly #heap: HeldHeap;
  readonly #groups: NodeGroups;
  readonly #names: PathNames;
  readonly #total: number;

  constructor(heap: HeldHeap, groups: NodeGroups, strings: boolean) {
    this.#heap = heap;
    this.#groups = groups;
    this.#names = { graph: heap.graph, functionOf: (node) => heap.functionOf(node), strings };
    this.#total = Math.max(1, heap.dominators.retainedSize[ROOT] ?? 1);
  }

  /** What the title names: the objects that pile up, or, where they have no name worth telling, what comes with each of them. */
  lead(found: Accumulation): { readonly leader: number; readonly count: number } {
    const direct = this.#groups.at(found.group);
    const own = { leader: found.group, count: found.count };
    if (direct.rank >= NameRank.Closure) return own;
    let best: { leader: number; count: number; rank: NameRank; away: number } | undefined;
    for (const [at, each] of found.contents) {
      const group = this.#groups.at(at);
      const expected = each * found.count;
      // What every plain object has besides is less of a name than the object itself, but for a class.
      const isBetter = group.rank > direct.rank && (direct.rank < NameRank.Plain || group.rank === NameRank.Class);
      if (each < 0.5 || !isBetter || group.instances < 0.8 * expected || group.instances > 1.35 * expected + 10) continue;
      const away = Math.abs(Math.log2(each));
      const isNearer = best !== undefined && (away < best.away - 0.2 || (away <= best.away + 0.2 && group.retainedBytes > this.#groups.at(best.leader).retainedBytes));
      if (best === undefined || group.rank > best.rank || (group.rank === best.rank && isNearer)) best = { leader: at, count: group.instances, rank: group.rank, away };
    }
    return best ?? own;
  }

  /** Whether an accumulation is one that programs have anyway. */
  #isCommon(found: Accumulation, leader: NodeGroup, size: number): boolean {
    const { graph } = this.#heap;
    const part = found.bytes / this.#total;
    const isShared = found.holder !== undefined && (isGlobal(graph, found.holder) || isContext(graph, found.holder));
    const isRoot = found.holder === undefined || graph.nodeKind[found.holder] === NodeKind.Synthetic;
    const above = found.holder === undefined ? ROOT : Math.max(ROOT, this.#heap.pathTree.holder[found.holder]!);
    if (leader.rank <= NameRank.Language) {
      if (size < THRESHOLDS.children) return true;
      // Every context has its own built-in functions.
      if (leader.kind === 'closure' && isRoot) return true;
      // V8 shares strings; what nobody else holds hangs on the roots, on the global object, or on a cache that is a root, such as that of numbers as text.
      if (leader.kind === 'string' && (isRoot || isShared || graph.nodeKind[above] === NodeKind.Synthetic)) return true;
      return size < THRESHOLDS.instancesNotApplication && part < THRESHOLDS.largeShare;
    }
    return isRoot && size < THRESHOLDS.children;
  }

  /** Puts accumulations of one place together: those of one holder, and those without one that come in the same number. */
  piles(accumulations: readonly Accumulation[]): Pile[] {
    const piles: { leader: number; count: number; main: Accumulation; others: Accumulation[] }[] = [];
    for (const found of accumulations) {
      const led = this.lead(found);
      const same = piles.find(({ main, count: objects, leader }) => {
        if (main.contents.has(found.group) && found.owners > 1) return true;
        if (found.holder !== undefined && found.holder === main.holder) return true;
        return main.owner === found.owner && (leader === led.leader || comeTogether(objects, led.count) || comeTogether(main.count, found.count));
      });
      if (same === undefined) {
        piles.push({ ...led, main: found, others: [] });
        continue;
      }
      const isBetter = this.#groups.at(led.leader).rank > this.#groups.at(same.leader).rank && led.count >= same.count / 2 && found.owners === 1;
      if (isBetter) Object.assign(same, led, { main: found, others: [same.main, ...same.others] });
      else same.others.push(found);
    }
    return piles.filter(({ main, leader, count: objects }) => !this.#isCommon(main, this.#groups.at(leader), objects));
  }

  /** The edges of the path that is shown: through the holder, down to one of the objects. */
  #route({ main }: Pile): EdgeIndex[] {
    const { pathTree } = this.#heap;
    if (main.isChain) return pathEdges(pathTree, main.samples[0]!);
    const held = main.samples.filter((node) => main.holder === undefined || this.#isBelow(node, main.holder));
    let best: EdgeIndex[] | undefined;
    for (const node of (held.length > 0 ? held : main.samples).slice(0, PATHS_COMPARED)) {
      const edges = pathEdges(pathTree, node);
      if (best === undefined || edges.length < best.length) best = edges;
    }
    const toHolder = main.holder === undefined ? undefined : pathEdges(pathTree, main.holder);
    // In a list the path to an object leads through those before it.
    return best === undefined || (toHolder !== undefined && toHolder.length + LONGER < best.length) ? (toHolder ?? []) : best;
  }

  #isBelow(node: NodeIndex, holder: NodeIndex): boolean {
    const { holder: above } = this.#heap.pathTree;
    for (let at = node, step = 0; step < LONGER && at > ROOT; step++, at = above[at]!) if (at === holder) return true;
    return false;
  }

  /** One of the objects that the title names: a sample, or the first below it. */
  #example({ main, leader }: Pile, route: readonly EdgeIndex[]): NodeIndex {
    const { tree, graph } = this.#heap;
    const last = route.at(-1);
    const end = last === undefined ? undefined : graph.edgeTo[last];
    const sample = end !== undefined && main.samples.includes(end) ? end : main.samples[0]!;
    const queue = [sample];
    for (let at = 0; at < queue.length && at < BELOW; at++) {
      const node = queue[at]!;
      if (this.#groups.groupOf(node) === leader) return node;
      for (let row = tree.first[node]!; row < tree.first[node + 1]! && queue.length < BELOW; row++) queue.push(tree.child[row]!);
    }
    return sample;
  }

  /** `array leakyData`, `Map AuditLog.sessions`, `list JobQueue`: a holder by its kind and by the name that leads to it. */
  holderLabel(holder: NodeIndex): Part[] {
    const { graph, pathTree } = this.#heap;
    const { functionOf } = this.#names;
    if (isContext(graph, holder)) {
      const before = pathTree.holder[holder]!;
      return before > ROOT && graph.nodeKind[before] === NodeKind.Closure ? ['variables of ', ...partsOf(closureWords(functionOf(before), graph.nodeLabel(before)))] : ['variables of a function'];
    }
    if (graph.nodeKind[holder] === NodeKind.Closure) return partsOf(closureWords(functionOf(holder), graph.nodeLabel(holder)));
    const slot = graph.edgeLabel(pathTree.edge[holder]!);
    if (isBetween(graph, holder) && slot.kind === EdgeKind.Internal) return Number.isNaN(Number(slot.name)) ? ["V8's ", name(String(slot.name))] : ["a table of V8's own"];
    const label = pathLabel(graph, holder);
    const kind: Part = SIMPLE_KINDS[label] ?? name(label);
    const own = this.#nameOf(holder);
    return own.length === 0 ? ['one ', kind] : [kind, ' ', ...own];
  }

  /** The names that lead to a node, as long as plain objects hold it: `shop.audit.sessions`. */
  #nameOf(node: NodeIndex): Part[] {
    const { graph, pathTree } = this.#heap;
    const names: string[] = [];
    let at = node;
    for (let step = 0; step < NAME_STEPS; step++) {
      const holder = pathTree.holder[at]!;
      const edge = pathTree.edge[at]!;
      if (holder <= ROOT) break;
      const { kind, name: text } = graph.edgeLabel(edge);
      if (kind === EdgeKind.Context) {
        // Contexts of V8's own functions have slots without a variable's name.
        if (text !== 'extension' && Number.isNaN(Number(text))) names.unshift(String(text));
        break;
      }
      if (kind !== EdgeKind.Property) break;
      names.unshift(String(text));
      const label = pathLabel(graph, holder);
      if (label !== 'Object') {
        if (graph.nodeKind[holder] === NodeKind.Object) names.unshift(label);
        break;
      }
      at = holder;
    }
    return names.length === 0 ? [] : [name(names.join('.').replace(/\.<symbol (.*?)>/g, '[$1]'))];
  }

  #title(pile: Pile): Part[] {
    const { main, leader, count: objects } = pile;
    const what: Part[] = [count(objects), ' ', ...labelOf(this.#groups.at(leader))];
    if (main.owners > 1) return [...what, ' retained by ', count(main.owners), ' ', ...(main.holder === undefined ? ['objects'] : [name(pathLabel(this.#heap.graph, main.holder)), ' objects'])];
    const variable = main.holder !== undefined && isContext(this.#heap.graph, main.holder) ? this.#nameOf(main.samples[0] ?? ROOT) : [];
    if (variable.length > 0) return [...what, main.isChain ? ' in a chain retained by variable ' : ' retained by variable ', ...variable];
    if (main.holder === undefined) return [...what, this.#isRooted(main) ? ', each held on its own' : ', held in many places'];
    return [...what, main.isChain ? ' in a chain retained by ' : ' retained by ', ...this.holderLabel(main.holder)];
  }

  #reasons(pile: Pile, retained: number): Reason[] {
    const { main, leader, count: objects, others } = pile;
    const group = this.#groups.at(leader);
    const part = retained / this.#total;
    const reasons: Reason[] = [];
    if (part >= THRESHOLDS.retainedShare) {
      const text: Sentence = [bytes(retained), ' would be freed with ', main.count === 1 ? 'it' : 'them', ', ', share(part), ' of the heap and what it holds outside'];
      reasons.push({ code: 'retained-share', value: rounded(part), threshold: THRESHOLDS.retainedShare, text, weight: weightOfRetained(part) });
    }
    const direct = labelOf(this.#groups.at(main.group));
    const each: Part[] = leader === main.group ? [] : [', which hold them'];
    if (main.isChain) {
      const text: Sentence = ['a chain of ', count(main.count), ' ', ...direct, each.length === 0 ? '' : ', which hold them', ': each keeps the next one alive'];
      reasons.push({ code: 'chain', value: main.count, threshold: THRESHOLDS.chainLinks, text, weight: weightOfPile(main.count) });
    } else if (main.holder !== undefined && main.owners === 1) {
      const key = this.#heap.graph.nodeKey[main.holder]!;
      const entries = this.#rowOf(main.holder)?.entries ?? main.count;
      const among: Part[] = entries === main.count ? [] : [' among its ', count(entries), ' entries'];
      const text: Sentence = ['one ', name(pathLabel(this.#heap.graph, main.holder)), ' @', address(key), ' holds ', count(main.count), ' ', ...direct, ...among, ...each];
      reasons.push({ code: 'held-by-one', value: main.count, threshold: THRESHOLDS.children, text, weight: weightOfPile(Math.max(main.count, objects)) });
    }
    if (group.rank >= NameRank.Plain) {
      const known = new Set([leader, ...main.contents.keys(), ...others.flatMap((other) => [other.group, ...other.contents.keys()])]);
      const rivals = this.#groups.groups
        .map((other, at) => ({ other, at }))
        .filter(({ other, at }) => !known.has(at) && other.kind === group.kind && other.rank >= NameRank.Plain)
        .map(({ other }) => other);
      const larger = rivals.some((other) => other.instances > group.instances);
      const next = rivals.filter((other) => other.instances <= group.instances).sort((a, b) => b.instances - a.instances)[0];
      const rival = next === undefined ? undefined : { instances: next.instances, label: labelOf(next) };
      reasons.push(...numberReasons(group.kind === 'closure' ? 'closures' : 'instances', objects, rival, !larger, group.kind === 'closure' ? 'function' : 'application type'));
    }
    if (group.instances > 0 && leader === main.group) {
      const here = Math.min(1, main.count / group.instances);
      if (here >= THRESHOLDS.holderShare)
        reasons.push({ code: 'only-here', value: rounded(here), threshold: THRESHOLDS.holderShare, text: [share(here), ' of all ', ...labelOf(group), ' are kept alive there'], weight: 0 });
    }
    if (main.holder !== undefined) reasons.push(...this.#doubts(main.holder));
    reasons.sort((a, b) => b.weight - a.weight);
    const companions = this.#companions(pile);
    if (companions.length > 0) reasons.push(companionReason(companions, objects));
    return reasons;
  }

  /** The row of a holder among the census's large containers. */
  #rowOf(holder: NodeIndex): CollectionRow | undefined {
    const key = this.#heap.graph.nodeKey[holder];
    return this.#heap.census.collections.find(({ address: at }) => at === key);
  }

  #doubts(holder: NodeIndex): Reason[] {
    const { graph } = this.#heap;
    if (graph.nodeKind[holder] !== NodeKind.Object || isContext(graph, holder)) return [];
    const traces = readTraces(graph, holder);
    const row = this.#rowOf(holder);
    const removedShare = row?.removed === undefined ? traces.removedShare : row.removed / (row.removed + row.entries);
    const { isExact } = traces;
    if (removedShare !== undefined && removedShare >= THRESHOLDS.removedShare) {
      const text: Sentence = ['entries are also removed from it (', share(removedShare), ' of those in its table are gone): it may be a cache with a limit'];
      return [{ code: 'entries-removed', value: rounded(removedShare), threshold: THRESHOLDS.removedShare, text, weight: 0, doubt: DOUBT }];
    }
    if (isExact !== true) return [];
    const text: Sentence = ['the array has just as many places as elements: it was made at once rather than grown'];
    return [{ code: 'made-at-once', value: undefined, threshold: undefined, text, weight: 0, doubt: DOUBT }];
  }

  /** What comes with each object of the title, the most telling names first. */
  #companions({ main, leader }: Pile): Sentence[] {
    const rows = [...main.contents, [main.group, 1] as const].filter(([at, each]) => at !== leader && each >= 0.9 && this.#groups.at(at).rank >= NameRank.Plain);
    rows.sort(([a], [b]) => this.#groups.at(b).rank - this.#groups.at(a).rank || this.#groups.at(b).retainedBytes - this.#groups.at(a).retainedBytes);
    return rows.map(([at, each]) => {
      const times = Math.round(each);
      return times <= 1 ? labelOf(this.#groups.at(at)) : [...labelOf(this.#groups.at(at)), ' (', count(times), ' each)'];
    });
  }

  /** What would be freed if the accumulation went: its holder's size where the holder is little more than that. */
  retained({ main, others }: Pile): number {
    const { retainedSize } = this.#heap.dominators;
    const sum = [main, ...others.filter((other) => other.owners === 1 && other.owner === main.owner)].reduce((total, part) => total + part.bytes, 0);
    const whole = main.holder === undefined ? 0 : retainedSize[main.holder]!;
    return whole >= sum && whole <= sum * NEARLY ? whole : Math.min(sum, this.#total);
  }

  make(pile: Pile): HeldSuspect {
    const { main, leader, count: objects, others } = pile;
    const { graph, census } = this.#heap;
    const group = this.#groups.at(leader);
    const retained = this.retained(pile);
    const part = retained / this.#total;
    const reasons = this.#reasons(pile, retained);
    const origin = group.rank >= NameRank.Plain ? 'application' : group.origin === 'node' && this.#isHeldByApplication(main) ? 'language' : group.origin === 'internal' ? 'language' : group.origin;
    const evidence = evidenceOf(reasons, origin);
    const told = [leader, main.group, ...others.map((other) => other.group), ...[...main.contents].filter(([, each]) => each >= 0.5).map(([at]) => at)];
    const known = { groups: told.map((at) => this.#groups.at(at)), containers: main.holder === undefined ? [] : [graph.nodeKey[main.holder]!] };
    if (evidence < THRESHOLDS.listed) return { suspect: undefined, ...known };
    const toSample = this.#route(pile);
    const example = this.#example(pile, toSample);
    const toExample = pathEdges(this.#heap.pathTree, example);
    // Down to what the title names, where its own path leads there.
    const route = toExample.length <= toSample.length + LONGER && toSample.every((edge, at) => toExample[at] === edge) ? toExample : toSample;
    const code = group.closure ?? census.functions.find((row) => row.name === group.name && row.origin === 'application' && group.rank === NameRank.Class);
    const kind = group.kind === 'closure' ? 'functions' : group.rank >= NameRank.Language && group.kind === 'object' ? 'instances' : group.kind === 'string' ? 'strings' : 'collection';
    const isHeld = main.holder !== undefined || (this.#isRooted(main) && part >= THRESHOLDS.highShare);
    const ownBytes = Math.min(group.shallowBytes, census.reachableBytes);
    const suspect: Suspect = {
      kind,
      title: this.#title(pile),
      score: scoreOf(evidence, { retained: part }),
      confidence: confidenceOf(evidence, reasons, { size: Math.max(objects, main.count), share: part, isHeld }),
      instances: objects,
      shallowBytes: ownBytes,
      shallowShare: census.reachableBytes > 0 ? ownBytes / census.reachableBytes : undefined,
      retainedBytes: retained,
      retainedShare: Math.min(1, part),
      shape: group.shape?.id,
      representative: graph.nodeKey[example],
      code: code?.script === undefined ? undefined : { name: code.name, script: code.script, line: code.line, column: code.column },
      reasons,
      path: this.#steps(route),
      route: [...partsOf(pathWords(this.#names, route)), ' @', address(graph.nodeKey[graph.edgeTo[route.at(-1) ?? 0]!]!)],
      fingerprint: fingerprintOf({
        kind,
        constructorName: group.kind === 'closure' ? undefined : group.name,
        properties: group.shape === undefined ? [] : group.name === 'Object' ? group.shape.properties.slice(0, 16) : group.shape.properties.slice(0, 4),
        script: group.closure?.script,
        functionName: group.closure?.name,
      }),
    };
    return { suspect, ...known };
  }

  /** Whether roots hold each of the objects: handles of sockets and the like. */
  #isRooted({ owner }: Accumulation): boolean {
    return owner === ROOT || this.#heap.graph.nodeKind[owner] === NodeKind.Synthetic;
  }

  /** Whether the path to an accumulation goes through something that the application made. */
  #isHeldByApplication(main: Accumulation): boolean {
    return this.#route({ main, others: [], leader: main.group, count: main.count }).some((edge) => this.#heap.functionOf(this.#heap.graph.edgeTo[edge]!)?.origin === 'application');
  }

  #steps(route: readonly EdgeIndex[]): PathStep[] {
    return pathSteps(this.#names, route).map(({ node, label, edge, file, line }) => ({ address: this.#heap.graph.nodeKind[node] === NodeKind.Synthetic ? undefined : this.#heap.graph.nodeKey[node], label, edge, file, line }));
  }
}

/** A holder whose size is so many times that of what piles up in it is mostly that. */
const NEARLY = 1.35;
/** More steps than this from the holder to an object, and the holder alone is shown. */
const LONGER = 8;

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;
const partsOf = (pieces: readonly (string | { readonly name: string })[]): Part[] => [...pieces];

/** The suspects that accumulations make, not ranked. Accumulations that are not given are looked for. */
export function heldSuspects(heap: HeldHeap, strings: boolean, accumulations?: readonly Accumulation[]): HeldSuspect[] {
  const groups = new NodeGroups(heap);
  const maker = new Maker(heap, groups, strings);
  return maker.piles(accumulations ?? findAccumulations(heap, groups)).map((pile) => maker.make(pile));
}
