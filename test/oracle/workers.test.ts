/** Every isolate of a process is found, and what is in them is counted together. */
import { expect, it } from 'vitest';
import { describeReports } from '../support/real-cores.ts';
import { instancesOf } from '../support/report.ts';

await describeReports('workers', (analysed) => {
  it('lists the main isolate and both workers', () => {
    const { isolates } = analysed().report.sources[0]!.heap;
    expect(isolates.map((isolate) => isolate.kind).sort()).toEqual(['main', 'worker', 'worker']);
    expect(new Set(isolates.map((isolate) => isolate.address)).size).toBe(3);
    for (const isolate of isolates) expect(isolate.objects).toBeGreaterThan(10_000);
  });

  it('counts the classes of all isolates', () => {
    const { facts, report } = analysed();
    for (const [name, count] of Object.entries(facts['counts'] as Record<string, number>)) expect(instancesOf(report, name), name).toBe(count);
  });

  it('reads the heaps of all isolates', () => {
    const { coverage, heap } = analysed().report.sources[0]!;
    expect(coverage.skippedBytes).toBeLessThanOrEqual(0.001 * coverage.walkedBytes);
    for (const isolate of heap.isolates) {
      expect(heap.spaces.filter((space) => space.isolate === isolate.address).reduce((sum, space) => sum + space.objects, 0)).toBe(isolate.objects);
    }
  });
});
