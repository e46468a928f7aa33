/** Leaks as they happen in production, each beside healthy work, are the first suspect; programs that do not leak are not accused. */
import { describe, expect, it } from 'vitest';
import { manifest } from '../../cores/make.ts';
import { instancesOf } from '../support/report.ts';
import type { Report } from '../support/report.ts';
import { countedIn, describeSpecimens, leakOf, listOf, tellsHolder, tellsLeak } from '../support/zoo.ts';
import type { Specimen } from '../support/zoo.ts';

/** A number of instances as planted: what is made by Node itself beside it, and what has just been let go. */
const SLACK = 30;
const near = (count: number, planted: number): boolean => Math.abs(count - planted) <= Math.max(SLACK, 0.01 * planted);

/** Whether the program writes V8's own snapshot beside its core. */
const hasSnapshot = (program: string): boolean => manifest.programs[program]?.snapshot === true;

/** Checks that the facts of a program are what V8's own snapshot shows, so that what fails besides is the report's fault; then the counts of the core. */
function itHoldsWhatItSays(specimen: () => Specimen, program: string): void {
  const countsOf = (): [string, number][] => Object.entries(specimen().facts['counts'] as Record<string, number>);
  it.runIf(hasSnapshot(program))("has the instances it prints, by V8's own snapshot", () => {
    // The prototype of a class is in the group of its instances in some versions.
    for (const [name, count] of countsOf()) {
      const counted = specimen().held?.counts.get(name) ?? 0;
      expect(counted, name).toBeGreaterThanOrEqual(count);
      expect(counted, name).toBeLessThanOrEqual(count + 1);
    }
  });

  it('has the instances it prints, by the core', () => {
    for (const [name, count] of countsOf()) expect(Math.abs(instancesOf(specimen().core, name) - count), `${instancesOf(specimen().core, name)} ${name}, not ${count}`).toBeLessThanOrEqual(1);
  });
}

await describeSpecimens('zoo-', (specimen, { program }) => {
  itHoldsWhatItSays(specimen, program);

  it("holds what it plants by the holder alone, by V8's own snapshot", () => {
    const { facts, held } = specimen();
    const leak = leakOf(facts);
    expect(held).toBeDefined();
    const { planted, leftOver, share } = held!;
    expect(near(planted - leftOver, leak.count), `${planted} planted, ${leftOver} left over, ${leak.count} in the facts`).toBe(true);
    expect(share).toBeGreaterThanOrEqual(leak.snapshotShare ?? leak.share);
  });

  const itSuspects = (what: 'core' | 'snapshot', reportOf: () => Report): void => {
    describe(`report of the ${what}`, () => {
      it('names the planted leak first', () => {
        const leak = leakOf(specimen().facts);
        const report = reportOf();
        const [first] = report.suspects;
        expect(first !== undefined && tellsLeak(report, first, leak), `${program}\n${listOf(report)}`).toBe(true);
        expect(leak.kinds).toContain(first?.kind);
        expect(['high', 'medium']).toContain(first?.confidence);
      });

      it('counts what is planted', () => {
        const leak = leakOf(specimen().facts);
        const counted = countedIn(reportOf(), leak);
        if (counted !== undefined) expect(near(counted, leak.count), `${counted} of ${leak.count}`).toBe(true);
        const first = reportOf().suspects[0];
        const own = leak.className ?? leak.functionName;
        if (own !== undefined && first?.instances != null && first.title.includes(` ${own}`)) expect(near(first.instances, leak.count), first.title).toBe(true);
      });

      it('says how much of the heap would go with it', () => {
        const leak = leakOf(specimen().facts);
        const least = what === 'snapshot' ? (leak.snapshotShare ?? leak.share) : leak.share;
        expect(reportOf().suspects[0]?.retainedShare, listOf(reportOf())).toBeGreaterThan(least);
      });

      it('names who holds it', () => {
        const report = reportOf();
        const [first] = report.suspects;
        expect(first !== undefined && tellsHolder(report, first, leakOf(specimen().facts)), `${first?.title ?? ''} ${JSON.stringify(first?.path)}`).toBe(true);
      });
    });
  };
  itSuspects('core', () => specimen().core);
  itSuspects('snapshot', () => specimen().snapshot!);
});

await describeSpecimens('healthy-', (specimen, { program }) => {
  itHoldsWhatItSays(specimen, program);

  it('is sure of no leak in the core', () => {
    const { core } = specimen();
    expect(core.constructors.length).toBeGreaterThan(20);
    expect(core.suspects.filter(({ confidence }) => confidence === 'high'), listOf(core)).toEqual([]);
  });

  it.runIf(hasSnapshot(program))('is sure of no leak in the snapshot', () => {
    const { snapshot } = specimen();
    expect(snapshot!.suspects.filter(({ confidence }) => confidence === 'high'), listOf(snapshot!)).toEqual([]);
  });
});
