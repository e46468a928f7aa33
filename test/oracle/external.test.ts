/** Memory outside of the V8 heap that JavaScript objects hold: each backing store and external string once, however many views it has. */
import { expect, it } from 'vitest';
import { describeReports } from '../support/real-cores.ts';
import { instancesOf } from '../support/report.ts';

await describeReports('external', (analysed) => {
  it('adds up to what the process holds', () => {
    const { facts, report } = analysed();
    const known = facts['total'] as number;
    const { externalBytes } = report.sources[0]!.heap;
    // Node's own share: its pools, its shared state, and the sources of its own JavaScript, which are external strings.
    expect(externalBytes).toBeGreaterThanOrEqual(known);
    expect(externalBytes).toBeLessThan(known + (10 << 20));
  });

  it('counts Buffers and ArrayBuffers apart', () => {
    const { facts, report } = analysed();
    for (const [name, least] of Object.entries(facts['atLeast'] as Record<string, number>)) {
      expect(instancesOf(report, name), name).toBeGreaterThanOrEqual(least);
      expect(instancesOf(report, name), name).toBeLessThan(least + 100);
    }
  });
});
