/** Closures per definition: as many as were made, at the place in the script where the definition is written. */
import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { describeReports } from '../support/real-cores.ts';

interface DefinitionFacts {
  readonly name: string;
  readonly script: string;
  readonly line: number;
  readonly column: number;
  readonly instances: number;
}

await describeReports('closures', (analysed) => {
  it('finds every definition where it is written', () => {
    const { facts, report } = analysed();
    const own = report.functions.filter((row) => row.script !== null && basename(row.script) === 'closures.cjs');
    for (const { name, line, column, instances } of facts['functions'] as DefinitionFacts[]) {
      const rows = own.filter((row) => row.line === line && row.column === column);
      expect(rows.map((row) => [row.name, row.instances]), `${name || 'anonymous function'} at ${line}:${column}`).toEqual([[name, instances]]);
    }
  });

  it('says where the script is', () => {
    const { facts, report } = analysed();
    expect(report.functions.filter((row) => row.name === 'onTick').map((row) => row.script)).toEqual([facts['script']]);
  });

  it('counts closures of a function made from text', () => {
    const { facts, report } = analysed();
    const { name, instances } = facts['evaluated'] as { name: string; instances: number };
    expect(report.functions.filter((row) => row.name === name).map((row) => row.instances)).toEqual([instances]);
  });

  it('suspects the definitions with very many closures', () => {
    const { facts, report } = analysed();
    const [most] = facts['functions'] as DefinitionFacts[];
    expect(report.suspects.slice(0, 3).some((suspect) => suspect.title.includes(most!.name))).toBe(true);
  });
});
