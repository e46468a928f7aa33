/** V8's snapshots and ours in two programs that share no code with coreleak: memlab and Chrome DevTools find the same dominators and retained sizes, node by node. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { describeCores, prepare } from '../support/real-cores.ts';
import { runCoreleak } from '../support/run-coreleak.ts';
import type { Dominance } from '../support/snapshot-oracles.ts';
import { differencesOf, ourDominance, readGraph, readWithDevTools, readWithMemlab, RULES } from '../support/snapshot-oracles.ts';

const folder = mkdtempSync(join(tmpdir(), 'coreleak-oracle-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

async function exported(source: string, options: readonly string[]): Promise<string> {
  const file = join(folder, `${files++}.heapsnapshot`);
  const run = await runCoreleak(['export', source, '--to', 'heapsnapshot', '-o', file, ...options]);
  if (run.exitCode !== 0) throw new Error(`coreleak export exits with ${String(run.exitCode)}: ${run.stderr.slice(0, 2000)}`);
  return file;
}

function agrees(path: () => string): void {
  it('memlab', async () => {
    expect(differencesOf(ourDominance(readGraph(path()), RULES.memlab), await readWithMemlab(path()))).toEqual([]);
  });
  it('Chrome DevTools', async () => {
    expect(differencesOf(ourDominance(readGraph(path()), RULES.devtools), await readWithDevTools(path()))).toEqual([]);
  });
}

for (const program of ['dictionary-cache', 'closures', 'leaky-server']) {
  await describeCores(program, (made) => {
    const original = (): string => made().snapshot!;
    describe("V8's own snapshot is to coreleak what it is to", () => agrees(original));
    describe("the snapshot that 'coreleak export' writes of the core is to coreleak what it is to", () => agrees(prepare(() => exported(made().core, ['--binary', made().binary]))));
    for (const options of [[], ['--strings']]) {
      describe(`the snapshot that 'coreleak export ${options.join(' ')}' writes is to coreleak what it is to`, () => {
        const file = prepare(() => exported(original(), options));
        agrees(file);

        it("and shows in DevTools all that V8's own shows", async () => {
          const summary = ({ nodeCount, edgeCount, selfSize, dominator, retainedSize }: Dominance): unknown => [nodeCount, edgeCount, ...[selfSize, dominator, retainedSize].map((column) => Array.from(column))];
          expect(summary(await readWithDevTools(file(), true))).toEqual(summary(await readWithDevTools(original(), true)));
        });
      });
    }
  });
}
