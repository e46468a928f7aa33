/** What is called a leak: the class that fills the heap comes first, and a healthy program has no leak. */
import { expect, it } from 'vitest';
import { describeReports } from '../support/real-cores.ts';
import { instancesOf, suspectsText } from '../support/report.ts';

await describeReports('oom', (analysed) => {
  it('names the class that filled the heap first', () => {
    const { facts, report } = analysed();
    const name = facts['className'] as string;
    expect(report.suspects[0]?.title).toMatch(new RegExp(`\\b${name}\\b`));
    expect(report.suspects[0]?.confidence).toBe('high');
    expect(instancesOf(report, name)).toBeGreaterThan(100_000);
    expect(instancesOf(report, 'Innocent')).toBe((facts['counts'] as { Innocent: number }).Innocent);
  });

  it('reads the core of a process that died in the garbage collector', () => {
    const { process, runtime, coverage, heap } = analysed().report.sources[0]!;
    expect(process.signal).toBe('SIGABRT');
    expect(runtime.flags).toContain('--max-old-space-size=64');
    expect(coverage.skippedBytes).toBeLessThanOrEqual(0.001 * coverage.walkedBytes);
    expect(heap.reachableBytes).toBeGreaterThan(40 << 20);
  });
});

await describeReports('killed-in-gc', (analysed) => {
  it('counts every object once, though some were copied and others not yet', () => {
    const { facts, report } = analysed();
    const { batchName, batches, className, batchSize } = facts as unknown as { batchName: string; batches: number; className: string; batchSize: number };
    // Newer collectors replace an object's map word before they copy the object: each of their threads, 8 at most, may have one whose map is lost.
    const UNKNOWN = 8;
    // One batch was being made, and more may have been before the signal came.
    const made = instancesOf(report, batchName);
    expect(made).toBeGreaterThanOrEqual(batches - UNKNOWN);
    expect(made).toBeLessThanOrEqual(batches * 3);
    const leaked = instancesOf(report, className);
    expect(leaked).toBeGreaterThanOrEqual((made - 1) * batchSize - UNKNOWN * batchSize);
    expect(leaked).toBeLessThanOrEqual((made + 1 + UNKNOWN) * batchSize);
  });

  it('reads all of its heap', () => {
    const { coverage } = analysed().report.sources[0]!;
    expect(coverage.skippedBytes).toBeLessThanOrEqual(0.001 * coverage.walkedBytes);
    expect(coverage.problems.filter((problem) => problem.kind === 'not-walked')).toEqual([]);
  });
});

await describeReports('leaky-server', (analysed) => {
  it('names the record that each request leaves behind first', () => {
    const { facts, report } = analysed();
    expect(report.suspects[0]?.title).toMatch(new RegExp(`\\b${facts['leak'] as string}\\b`));
  });
});

await describeReports('healthy', (analysed) => {
  it('is sure of no leak', () => {
    expect(analysed().report.suspects.filter((suspect) => suspect.confidence === 'high')).toEqual([]);
  });
});

await describeReports('dictionary-cache', (analysed) => {
  it('points at every container with very many entries', () => {
    const { facts, report } = analysed();
    const told = suspectsText(report);
    for (const [name, entries] of Object.entries(facts['entries'] as Record<string, number>)) expect(told, name).toMatch(new RegExp(`\\b${entries}\\b`));
  });

  it('counts the properties of an object in dictionary mode', () => {
    const { facts, report } = analysed();
    const { cache } = facts['entries'] as { cache: number };
    const rows = report.shapes.filter((shape) => shape.propertyCount === cache);
    expect(rows.map((row) => [row.constructor, row.instances])).toEqual([['Object', 1]]);
    expect(rows[0]?.properties.slice(0, 3)).toEqual(['cache-key-0', 'cache-key-1', 'cache-key-2']);
  });
});
