/** What is in the heap, counted: against what the process printed and against V8's own snapshot of it. */
import { closeSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { describeReports } from '../support/real-cores.ts';
import { instancesOf } from '../support/report.ts';
import { Snapshot } from '../support/snapshot-census.ts';

/** Core and snapshot are not of the very same moment, and writing the snapshot makes objects of its own. */
const near = (actual: number, truth: number, share: number, slack: number): boolean => Math.abs(actual - truth) <= Math.max(slack, share * truth);

/** Bytes of memory that a core holds: p_filesz of its PT_LOAD headers. */
function savedBytes(core: string): number {
  const fd = openSync(core, 'r');
  try {
    const header = Buffer.alloc(64);
    readSync(fd, header, 0, 64, 0);
    const count = header.readUInt16LE(56);
    const table = Buffer.alloc(count * 56);
    readSync(fd, table, 0, table.length, Number(header.readBigUInt64LE(32)));
    let bytes = 0;
    for (let at = 0; at < table.length; at += 56) if (table.readUInt32LE(at) === 1) bytes += Number(table.readBigUInt64LE(at + 32));
    return bytes;
  } finally {
    closeSync(fd);
  }
}

for (const program of ['classes', 'leaky-server', 'dictionary-cache', 'closures']) {
  await describeReports(program, (analysed, { kind }) => {
    it('names the process and its runtime', () => {
      const { facts, report, binary } = analysed();
      const [source] = report.sources;
      expect(report.schema).toBe('coreleak.report/1');
      expect(source?.kind).toBe('core');
      expect(source?.process.pid).toBe(facts.pid);
      expect(source?.process.signal).toBe(kind === 'kernel' ? 'SIGABRT' : null);
      expect(source?.process.argv.map((arg) => basename(arg))).toContain(`${program}.cjs`);
      expect(source?.runtime.node).toBe(facts.node);
      expect(source?.runtime.v8).toBe(facts.v8);
      expect(source?.runtime.arch).toBe('x64');
      expect(source?.runtime.flags).toContain('--expose-gc');
      expect(source?.runtime.binary).toMatchObject({ path: binary, match: 'build-id' });
      expect(source?.process.threads).toBeGreaterThan(4);
    });

    it('reads all of the heap, and the figures add up', () => {
      const { coverage, heap, memory } = analysed().report.sources[0]!;
      expect(coverage.skippedBytes).toBeLessThanOrEqual(0.001 * coverage.walkedBytes);
      expect(coverage.missingBytes).toBe(0);
      expect(heap.spaces.reduce((sum, space) => sum + space.objects, 0)).toBe(heap.objects);
      expect(heap.spaces.reduce((sum, space) => sum + space.bytes, 0)).toBe(heap.bytes);
      expect(heap.reachableObjects).toBeLessThanOrEqual(heap.objects);
      expect(heap.isolates.map((isolate) => isolate.kind)).toEqual(['main']);
      expect(memory.reduce((sum, row) => sum + row.bytes, 0)).toBe(savedBytes(analysed().core));
    });

    it('counts the classes that the process printed', () => {
      const { facts, report, snapshot } = analysed();
      const groups = new Snapshot(snapshot!).groups();
      for (const [name, count] of Object.entries((facts['counts'] ?? {}) as Record<string, number>)) {
        // V8 9.4 gives subclasses of Map, Set and Promise the name of the built-in, and other versions count a prototype among the instances.
        const inSnapshot = groups.get(name)?.count ?? 0;
        expect([count, inSnapshot], `${name}: ${instancesOf(report, name)} instances`).toContain(instancesOf(report, name));
      }
    });

    it('counts and measures what the snapshot does, under the same names', () => {
      const { report, snapshot } = analysed();
      const truth = new Snapshot(snapshot!);
      const names = truth.objectNames();
      const ours = new Map(report.constructors.map((row) => [row.name, row]));
      const differences: string[] = [];
      let compared = 0;
      for (const [name, { count, bytes }] of truth.groups()) {
        if (!names.has(name) || count < 20) continue;
        compared++;
        const row = ours.get(name) ?? { instances: 0, shallowBytes: 0 };
        if (!near(row.instances, count, 0.005, 30)) differences.push(`${name}: ${row.instances} instances, ${count} in the snapshot`);
        if (!near(row.shallowBytes, bytes, 0.01, 4096)) differences.push(`${name}: ${row.shallowBytes} bytes, ${bytes} in the snapshot`);
      }
      expect(differences).toEqual([]);
      expect(compared).toBeGreaterThan(5);
    });

    it('has as many strings and functions as the snapshot', () => {
      const { report, snapshot } = analysed();
      const groups = new Snapshot(snapshot!).groups();
      const strings = ['(string)', '(concatenated string)', '(sliced string)'];
      const inSnapshot = strings.reduce((sum, name) => sum + (groups.get(name)?.count ?? 0), 0);
      const counted = strings.reduce((sum, name) => sum + instancesOf(report, name), 0);
      expect(near(counted, inSnapshot, 0.02, 300), `${counted} strings, ${inSnapshot} in the snapshot`).toBe(true);
      const closures = groups.get('Function')?.count ?? 0;
      // The snapshot counts bound functions among the closures; the table of functions has those with a definition of their own.
      const functions = instancesOf(report, '(closure)');
      const defined = report.functions.reduce((sum, row) => sum + row.instances, 0);
      expect(near(functions, closures, 0.02, 100), `${functions} functions, ${closures} in the snapshot`).toBe(true);
      expect(defined).toBeLessThanOrEqual(functions);
      expect(defined).toBeGreaterThan(0.85 * functions);
    });

    it('groups instances by shape, with the properties in order', () => {
      const { facts, report } = analysed();
      for (const { constructor, properties, instances } of (facts['shapes'] ?? []) as { constructor: string; properties: string[]; instances: number }[]) {
        const rows = report.shapes.filter((shape) => shape.constructor === constructor && shape.properties.join() === properties.join());
        expect(rows.length, `${constructor} {${properties.join(', ')}}`).toBe(1);
        expect(rows[0]?.propertyCount).toBe(properties.length);
        // A literal has a boilerplate of the same shape.
        expect(rows[0]?.instances).toBeGreaterThanOrEqual(instances);
        expect(rows[0]?.instances).toBeLessThanOrEqual(instances + 2);
      }
      for (const shape of report.shapes) expect(shape.representative).toMatch(/^0x[0-9a-f]*[13579bdf]$/);
    });
  });
}
