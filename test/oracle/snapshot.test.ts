/** V8's own snapshot as a source: the same counts as from the core that was taken right after it, and retained sizes that add up. */
import { expect, it } from 'vitest';
import { openFileSource } from '../../src/bytes/byte-source.ts';
import { computeEdgeSet } from '../../src/graph/distances.ts';
import { computeDominators } from '../../src/graph/dominators.ts';
import { graphOfColumns, NodeKind } from '../../src/graph/heap-graph.ts';
import { verifyGraph } from '../../src/graph/verify.ts';
import { parseSnapshot } from '../../src/snapshot/parse.ts';
import { stringTable } from '../../src/snapshot/strings.ts';
import { followsEssential, reach } from '../support/naive-graph.ts';
import { describeReports, prepare } from '../support/real-cores.ts';
import { instancesOf } from '../support/report.ts';
import { runReport } from '../support/run-coreleak.ts';
import { Snapshot } from '../support/snapshot-census.ts';

/** Core and snapshot are not of the very same moment, and writing the snapshot makes objects of its own. */
const near = (actual: number, truth: number, share: number, slack: number): boolean => Math.abs(actual - truth) <= Math.max(slack, share * truth);

for (const program of ['classes', 'leaky-server', 'dictionary-cache', 'closures']) {
  await describeReports(program, (analysed) => {
    const fromSnapshot = prepare(() => runReport(analysed().snapshot!));

    it('counts and measures exactly what is in the file', () => {
      const rows = new Map(fromSnapshot().constructors.map((row) => [row.name, row]));
      const truth = new Snapshot(analysed().snapshot!);
      const names = truth.objectNames();
      expect(names.size).toBeGreaterThan(50);
      for (const [name, { count, bytes }] of truth.groups()) {
        if (names.has(name)) expect(rows.get(name), name).toMatchObject({ instances: count, shallowBytes: bytes });
      }
      const source = fromSnapshot().sources[0]!;
      expect(source).toMatchObject({ kind: 'heapsnapshot', takenAt: null, process: { pid: 0, argv: [], signal: null }, coverage: { complete: true } });
      expect(source.heap).toMatchObject({ isolates: [], spaces: [] });
    });

    it('counts as many of each class as the core', () => {
      const { report } = analysed();
      const differences: string[] = [];
      let compared = 0;
      const objects = new Snapshot(analysed().snapshot!).objectNames();
      for (const row of report.constructors) {
        if (row.instances < 20 || !objects.has(row.name)) continue;
        compared++;
        const counted = instancesOf(fromSnapshot(), row.name);
        if (!near(counted, row.instances, 0.005, 30)) differences.push(`${row.name}: ${counted} in the snapshot, ${row.instances} in the core`);
      }
      expect(differences).toEqual([]);
      expect(compared).toBeGreaterThan(5);
    });

    it('groups instances by shape as the core does', () => {
      const shapes = (analysed().facts['shapes'] ?? []) as { constructor: string; properties: string[]; instances: number }[];
      for (const { constructor, properties, instances } of shapes) {
        const rows = fromSnapshot().shapes.filter((shape) => shape.constructor === constructor && shape.properties.join() === properties.join());
        expect(rows.length, `${constructor} {${properties.join(', ')}}`).toBe(1);
        expect(near(rows[0]!.instances, instances, 0, 2), `${constructor}: ${rows[0]!.instances} of ${instances}`).toBe(true);
      }
    });

    it('finds the same closures, each with its script', () => {
      const functions = (analysed().facts['functions'] ?? []) as { name: string; line: number; instances: number }[];
      for (const { name, line, instances } of functions) {
        const row = fromSnapshot().functions.find((each) => each.name === name && each.line === line);
        expect(row?.script, name).toBe(analysed().facts['script']);
        expect(near(row!.instances, instances, 0.005, 2), `${name}: ${row!.instances} of ${instances}`).toBe(true);
      }
    });

    it('gives every constructor a retained size of at least its own bytes', () => {
      const short = fromSnapshot().constructors.filter((row) => row.retainedBytes === null || (row.retainedBytes < row.shallowBytes * 0.99 && row.name !== '(system)'));
      // What nothing but weak edges reaches is retained by nobody.
      expect(short.filter((row) => row.shallowBytes > 20_000).map((row) => `${row.name}: ${String(row.retainedBytes)} of ${row.shallowBytes}`)).toEqual([]);
    });

    it('suspects the same leak', () => {
      // Which of two of a size comes first may differ.
      expect(fromSnapshot().suspects.slice(0, 3).map((suspect) => suspect.fingerprint)).toContain(analysed().report.suspects[0]?.fingerprint);
    });
  });
}

await describeReports('dictionary-cache', (analysed) => {
  it('gives planted containers the retained sizes of what is exclusively theirs', () => {
    const path = analysed().snapshot!;
    const source = openFileSource(path);
    const { graph, strings } = parseSnapshot(source);
    source.close();
    expect(verifyGraph(graph).filter((problem) => problem.kind !== 'unreachable')).toEqual([]);
    const whole = graphOfColumns(graph, stringTable(strings), { length: 0, at: () => ({ constructorName: '', properties: [] }) });
    const { retainedSize } = computeDominators(graph, computeEdgeSet(graph, 'essential'));
    const follows = followsEssential(whole);
    const sum = (nodes: Iterable<number>): number => [...nodes].reduce((bytes, node) => bytes + graph.nodeShallowSize[node]!, 0);
    const all = reach(whole, [0], follows);
    const snapshot = new Snapshot(path);
    const kept = snapshot.properties(snapshot.findProperty('kept', 'numbered')!);
    for (const name of ['cache', 'map', 'set']) {
      const node = kept.get(name)!;
      const without = reach(whole, [0], follows, node);
      expect(retainedSize[node], name).toBe(sum(all) - sum(without));
    }
    // A Set of strings that nobody else has: the Set, its table, and the strings with what they are made of.
    const set = kept.get('set')!;
    const contents = reach(whole, [set], (_, edge) => {
      const kind = graph.nodeKind[graph.edgeTo[edge]!]!;
      return kind === NodeKind.Array || kind === NodeKind.String || kind === NodeKind.ConsString;
    });
    const entries = Number((analysed().facts['entries'] as Record<string, number>)['set']);
    expect(contents.size).toBeGreaterThanOrEqual(entries + 2);
    expect(near(retainedSize[set]!, sum(contents), 0, 256), `${retainedSize[set]!} retained, ${sum(contents)} in all`).toBe(true);
  });
});
