/** Live and garbage are told apart: old garbage that was promoted, garbage that holds itself in a ring, young garbage. */
import { expect, it } from 'vitest';
import { describeReports } from '../support/real-cores.ts';
import { instancesOf, unreachableOf } from '../support/report.ts';

/** Instances that may be live after all: the prototype of a class, and what stale words of the stack still point to. */
const STALE = 10;

await describeReports('young-garbage', (analysed) => {
  it('counts all that is live, old and young', () => {
    const { facts, report } = analysed();
    for (const [name, count] of Object.entries(facts['counts'] as Record<string, number>)) {
      expect(instancesOf(report, name), name).toBeGreaterThanOrEqual(count);
      expect(instancesOf(report, name), name).toBeLessThanOrEqual(count + 1);
      expect(unreachableOf(report, name), name).toBe(0);
    }
  });

  it('counts no garbage as live', () => {
    const { facts, report } = analysed();
    for (const name of Object.keys(facts['dead'] as Record<string, number>)) expect(instancesOf(report, name), name).toBeLessThanOrEqual(STALE);
  });

  it('still sees the garbage and counts it as such', () => {
    const { facts, report } = analysed();
    for (const [name, count] of Object.entries(facts['dead'] as Record<string, number>)) {
      expect(unreachableOf(report, name), name).toBeGreaterThanOrEqual(count - STALE);
      expect(unreachableOf(report, name), name).toBeLessThanOrEqual(count);
    }
    const { heap } = report.sources[0]!;
    const dead = Object.values(facts['dead'] as Record<string, number>).reduce((a, b) => a + b);
    expect(heap.objects - heap.reachableObjects).toBeGreaterThanOrEqual(dead - 3 * STALE);
  });
});
