/** The object graph of a core against V8's own snapshot of the same moment: what retains how much, who holds what, what the ways are called. */
import { expect, it } from 'vitest';
import { computeEdgeSet } from '../../src/graph/distances.ts';
import { computeDominators } from '../../src/graph/dominators.ts';
import { EdgeKind, NodeKind } from '../../src/graph/heap-graph.ts';
import { verifyGraph } from '../../src/graph/verify.ts';
import type { MadeCore } from '../../cores/make.ts';
import { compareGraphs, readCore } from '../support/core-graphs.ts';
import type { GroupedGraph } from '../support/core-graphs.ts';
import { describeCores, prepare } from '../support/real-cores.ts';

const TOP = 30;
const SHARE = 0.02;

/** A group whose retained bytes may differ by more than the share above: by how much, on which versions of Node, and why. */
interface Exception {
  readonly group: string;
  readonly majors: readonly [number, number];
  /** How many bytes ours may be below and above V8's: a number, or a share of V8's when below 1. */
  readonly below: number;
  readonly above: number;
  readonly why: string;
}

/** What these four groups retain together is compared without exception. */
const INTERNAL = /^\((?:array|code|object shape|system)\)$/;
const FILED = 'V8 files arrays by who refers to them: those of code under (code), those of maps under (object shape); here the type of the array alone decides';
const READ_ONLY = 'a string, or since 12.x a definition of a function, in read-only space hangs on its only holder in the snapshot; here nothing holds what is in read-only space';
const AFTERWARDS = 'the program compiles what prints its facts after the snapshot was written';

const EXCEPTIONS: readonly Exception[] = [
  { group: '(array)', majors: [18, 26], below: 0, above: 0.36, why: FILED },
  { group: '(code)', majors: [18, 22], below: 0.03, above: 0.03, why: `${FILED}; and code that is not run for a while is dropped before gcore comes` },
  { group: '(system)', majors: [18, 26], below: 0.025, above: 0, why: FILED },
  { group: '(closure)', majors: [22, 22], below: 50_000, above: 0, why: READ_ONLY },
  { group: '(closure)', majors: [24, 26], below: 0.032, above: 0, why: 'a function finds its code in a table outside of the heap; the roots hold it here' },
  { group: '(symbol)', majors: [16, 26], below: 1024, above: 0, why: READ_ONLY },
  { group: '(regexp)', majors: [16, 26], below: 300, above: 0, why: READ_ONLY },
  { group: 'Intl.Locale', majors: [16, 26], below: 3072, above: 0, why: READ_ONLY },
  { group: 'ModuleWrap', majors: [18, 18], below: 512, above: 0, why: READ_ONLY },
  { group: 'system / Context', majors: [16, 16], below: 0, above: 25_000, why: 'functions that Node\'s own C++ objects hold hang on those in the snapshot' },
  { group: 'Module', majors: [16, 26], below: 0, above: 1024, why: AFTERWARDS },
];

/** Numbers that objects have in a PropertyArray: V8 does not call a double field by its name, and so lets the array alone hold it. */
function numbersInStores({ graph, groupOf, groups, dominators }: GroupedGraph): number {
  let bytes = 0;
  const system = groups.indexOf('(system)');
  for (let node = 0; node < graph.nodeCount; node++) {
    if (groupOf[node] !== system || graph.strings.at(graph.nodeName[node]!) !== 'system / PropertyArray') continue;
    for (let edge = graph.firstEdge[node]!; edge < graph.firstEdge[node + 1]!; edge++) {
      const to = graph.edgeTo[edge]!;
      if (graph.nodeKind[to] === NodeKind.Number && dominators.dominator[to] === dominators.dominator[node]) bytes += graph.nodeShallowSize[to]!;
    }
  }
  return bytes;
}

/** What the program made itself: its classes, or the closures of the definitions that it names with their contexts. */
function applicationObjects({ facts }: MadeCore): [string, (graph: GroupedGraph) => number[]][] {
  // Node has ArrayBuffers of its own, and one more by the time of the core.
  const classes = facts.program === 'external' ? ['Buffer', 'SharedArrayBuffer'] : Object.keys((facts['counts'] ?? {}));
  const definitions = ((facts['functions'] ?? []) as { name: string }[]).map(({ name }) => name).filter((name) => name !== '');
  return [
    ...classes.map((name): [string, (graph: GroupedGraph) => number[]] => [name, (graph) => [...graph.nodesOf(name)]]),
    ...definitions.map((name): [string, (graph: GroupedGraph) => number[]] => [name, (graph) => closuresNamed(graph, name)]),
    ...definitions.map((name): [string, (graph: GroupedGraph) => number[]] => [`contexts of ${name}`, (graph) => contextsOf(graph, closuresNamed(graph, name))]),
  ];
}

const closuresNamed = ({ graph }: GroupedGraph, name: string): number[] =>
  [...graph.nodeKind.keys()].filter((node) => graph.nodeKind[node] === NodeKind.Closure && graph.strings.at(graph.nodeName[node]!) === name);

function contextsOf({ graph }: GroupedGraph, closures: readonly number[]): number[] {
  const contexts = new Set<number>();
  for (const closure of closures) {
    for (let edge = graph.firstEdge[closure]!; edge < graph.firstEdge[closure + 1]!; edge++) {
      const { kind, name } = graph.edgeLabel(edge);
      if (kind === EdgeKind.Internal && name === 'context') contexts.add(graph.edgeTo[edge]!);
    }
  }
  return [...contexts];
}

/**
 * Ways without those that are told otherwise for a reason:
 * - an object's prototype is held by its map here, and by the object too in snapshots (\`__proto__\`)
 * - numbers in double fields have their property's name here, and none in snapshots; the names of symbols are written \`Symbol(x)\` here, \`<symbol x>\` there
 * - what lies in read-only space (\`true\`, empty strings) is not referred to here: ways to it are (system) in snapshots
 * - the tag of a class is a string of V8's own
 * - slots without a name are \`hidden\` in snapshots and have a number here
 * - code differs: see EXCEPTIONS
 */
function plainWays(ways: ReadonlyMap<string, number>): Record<string, number> {
  const plain: Record<string, number> = {};
  for (const [way, count] of ways) {
    if (/__proto__|toStringTag| -> \((?:number|system|code)\)$|shortcut/.test(way)) continue;
    const text = way.replace(/<symbol ?(.*)> ->/, 'Symbol($1) ->').replace(/^(?:hidden|internal \w*\d+|internal base_pointer) ->/, 'unnamed ->');
    plain[text] = (plain[text] ?? 0) + count;
  }
  return plain;
}

const major = (made: MadeCore): number => Number(/^v(\d+)/.exec(made.facts.node)?.[1]);

for (const program of ['classes', 'closures', 'external', 'dictionary-cache']) {
  await describeCores(program, (made) => {
    const read = prepare(() => readCore(made().core, made().binary));
    const graphs = prepare(() => Promise.resolve(compareGraphs(read(), made().snapshot!)));

    it('holds together', () => {
      expect(verifyGraph(read().core.graph)).toEqual([]);
    });

    it('retains at the root all that is reachable, and the memory outside of the heap', () => {
      const { graph } = read().core;
      const { census } = read().result;
      const { retainedSize, reachableCount } = computeDominators(graph, computeEdgeSet(graph, 'essential'));
      expect(retainedSize[0]).toBe(census.reachableBytes + census.externalBytes!);
      expect(reachableCount).toBe(graph.nodeCount);
    });

    it('retains as many bytes by constructor as V8 says', () => {
      const { ours, theirs } = graphs();
      const mine = ours.retained();
      mine.set('(system)', mine.get('(system)')! + numbersInStores(ours));
      // Node's own C++ objects are no part of the heap.
      const truth = [...theirs.retained()].filter(([group]) => !group.startsWith('Node / ')).sort((a, b) => b[1] - a[1]);
      const differences: string[] = [];
      for (const [group, bytes] of truth.slice(0, TOP)) {
        const exception = EXCEPTIONS.find(({ group: of, majors }) => of === group && major(made()) >= majors[0] && major(made()) <= majors[1]);
        const room = (bound: number | undefined): number => Math.max(SHARE * bytes, bound === undefined ? 0 : bound < 1 ? bound * bytes : bound);
        const more = (mine.get(group) ?? 0) - bytes;
        if (more < -room(exception?.below) || more > room(exception?.above)) differences.push(`${group}: ${bytes + more} retained, ${bytes} in the snapshot, ${((more / bytes) * 100).toFixed(2)} %`);
      }
      expect(differences).toEqual([]);
    });

    it('retains as many bytes as V8 says by what is not JavaScript, in one', () => {
      const { ours, theirs } = graphs();
      const merge = (group: string): string => (INTERNAL.test(group) ? '(internal)' : group);
      const bytes = theirs.retained(merge).get('(internal)')!;
      expect(Math.abs(ours.retained(merge).get('(internal)')! - bytes)).toBeLessThanOrEqual(SHARE * bytes);
    });

    it('names the ways out of application objects as V8 does', () => {
      const { ours, theirs } = graphs();
      for (const [title, select] of applicationObjects(made())) {
        const [mine, truth] = [ours, theirs].map((graph) => plainWays(graph.waysOut(select(graph))));
        expect([...select(ours)].length, title).toBe([...select(theirs)].length);
        expect(mine, title).toEqual(truth);
      }
    });

    it('hangs application objects on what V8 hangs them on', () => {
      const { ours, theirs } = graphs();
      for (const [title, select] of applicationObjects(made())) expect(ours.holders(select(ours)), title).toEqual(theirs.holders(select(theirs)));
    });
  });
}

await describeCores('zoo-weakmap', (made) => {
  const graphs = prepare(async () => compareGraphs(await readCore(made().core, made().binary), made().snapshot!));

  it('lets the keys of a WeakMap hold their values', () => {
    const { ours, theirs } = graphs();
    const count = (made().facts['counts'] as Record<string, number>)['Widget'];
    for (const { graph, dominators, ...side } of [ours, theirs].map((each) => ({ graph: each.graph, dominators: each.dominators, groupName: each.groupName.bind(each), nodes: [...each.nodesOf('Widget')] }))) {
      let pairs = 0;
      let strays = 0;
      for (const widget of side.nodes) {
        for (let edge = graph.firstEdge[widget]!; edge < graph.firstEdge[widget + 1]!; edge++) {
          if (graph.edgeKind[edge] !== EdgeKind.Ephemeron) continue;
          const state = graph.edgeTo[edge]!;
          expect(side.groupName(state)).toBe('RenderState');
          // A word that was left on the stack may name one of them, too.
          if (dominators.dominator[state] !== widget) strays++;
          if (pairs++ % 1000 === 0) expect(graph.edgeLabel(edge).name).toMatch(/^(?:\d+ \/ )?part of key \(Widget @\d+\) -> value \(RenderState @\d+\) pair in WeakMap \(table @\d+\)$/);
        }
      }
      expect(pairs).toBe(count);
      expect(strays).toBeLessThanOrEqual(2);
    }
    const tableEdges = (graph: GroupedGraph): number => graph.graph.edgeKind.filter((kind) => kind === EdgeKind.EphemeronTable).length;
    expect(Math.abs(tableEdges(ours) - tableEdges(theirs))).toBeLessThanOrEqual(4);
    expect(tableEdges(ours)).toBeGreaterThanOrEqual(count ?? 0);
    // The cache of numbers as strings may hold a few of their texts at the moment of the core.
    const bytes = theirs.retained().get('Widget')!;
    expect(Math.abs(ours.retained().get('Widget')! - bytes)).toBeLessThanOrEqual(0.0025 * bytes);
  });
});
