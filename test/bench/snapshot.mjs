/**
 * Time and memory of reading one large heap snapshot, here and in memlab: `npx tsx test/bench/snapshot.mjs [--records N, default 432000: 5.8 million nodes] [--file SNAPSHOT]
 * [--runs N, default 3]`. Every reading is a process of its own, turn by turn; the fastest of each counts. Also writes the snapshot anew. Needs 6 GB of memory and 1 GB of disk.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openFileSource } from '../../src/bytes/byte-source.ts';
import { computeEdgeSet } from '../../src/graph/distances.ts';
import { computeDominators } from '../../src/graph/dominators.ts';
import { graphOfColumns } from '../../src/graph/heap-graph.ts';
import { parseSnapshot } from '../../src/snapshot/parse.ts';
import { stringTable } from '../../src/snapshot/strings.ts';
import { writeSnapshot } from '../../src/snapshot/write.ts';

const { values } = parseArgs({
  options: { records: { type: 'string', default: '432000' }, file: { type: 'string' }, runs: { type: 'string', default: '3' }, step: { type: 'string' } },
});

/** Laps of one reading, in milliseconds since its start. */
const laps = {};
const started = performance.now();
const cpuNow = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const cpuStarted = cpuNow();
/** Time of all threads, which other work on the machine changes less. */
const cpu = {};
const lap = (name) => {
  laps[name] = performance.now() - started;
  cpu[name] = cpuNow() - cpuStarted;
};

const steps = {
  async memlab(file) {
    const { analysis, config, utils } = await import('@memlab/core');
    config.muteConsole = true;
    const heap = await utils.getSnapshotFromFile(file, {});
    lap('loaded');
    analysis.preparePathFinder(heap);
    lap('retained');
    return [heap.nodes.length, heap.edges.length];
  },
  coreleak(file) {
    const { graph } = parseSnapshot(openFileSource(file));
    lap('loaded');
    computeDominators(graph, computeEdgeSet(graph, 'essential'));
    lap('retained');
    return [graph.nodeCount, graph.edgeCount];
  },
  async write(file) {
    const { graph, strings, places } = parseSnapshot(openFileSource(file));
    const whole = graphOfColumns(graph, stringTable(strings), { length: 0, at: () => ({ constructorName: '', properties: [] }) });
    const began = performance.now();
    const handle = await open(`${file}.out`, 'w');
    await writeSnapshot(whole, async (bytes) => void (await handle.write(bytes)), { strings: true, places });
    await handle.close();
    laps.written = performance.now() - began;
    rmSync(`${file}.out`);
    return [graph.nodeCount, graph.edgeCount];
  },
};

if (values.step !== undefined) {
  const counts = await steps[values.step](values.file);
  const peak = 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);
  process.stdout.write(`\n${JSON.stringify({ laps, cpu, counts, peak })}\n`);
  process.exit();
}

function read(step, file) {
  const args = ['--max-old-space-size=12288', '--import', 'tsx', fileURLToPath(import.meta.url), '--step', step, '--file', file];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: fileURLToPath(new URL('../..', import.meta.url)) });
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(text.trim().split('\n').at(-1))) : reject(new Error(`${step} exits with ${code}`))));
  });
}

const folder = mkdtempSync(join(tmpdir(), 'coreleak-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
let file = values.file;
if (file === undefined) {
  file = join(folder, 'heap.heapsnapshot');
  execFileSync(process.execPath, ['--max-old-space-size=12288', fileURLToPath(new URL('snapshot-heap.mjs', import.meta.url)), file, values.records], { stdio: 'inherit' });
}
const best = {};
for (let run = 0; run < Number(values.runs); run++) {
  for (const step of Object.keys(steps)) {
    const { laps: times, cpu: used, counts, peak } = await read(step, file);
    const known = (best[step] ??= { times: {}, cpu: {}, counts, peak });
    for (const [name, ms] of Object.entries(used)) known.cpu[name] = Math.min(ms, known.cpu[name] ?? Infinity);
    for (const [name, ms] of Object.entries(times)) known.times[name] = Math.min(ms, known.times[name] ?? Infinity);
    known.peak = Math.min(known.peak, peak);
  }
}
const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
const mebibytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;
const [nodes, edges] = best.coreleak.counts;
console.log(`node ${process.version}: ${nodes.toLocaleString('en')} nodes, ${edges.toLocaleString('en')} edges, ${mebibytes(statSync(file).size)}; best of ${values.runs}`);
for (const step of ['memlab', 'coreleak']) {
  const { times, cpu: used, peak } = best[step];
  console.log(`  ${step.padEnd(9)} loaded ${seconds(times.loaded)} (${seconds(used.loaded)} of processor), with retained sizes ${seconds(times.retained)} (${seconds(used.retained)}), peak memory ${mebibytes(peak)}`);
}
console.log(`  written anew in ${seconds(best.write.times.written)}`);
const ratio = best.memlab.times.loaded / best.coreleak.times.loaded;
const whole = best.memlab.times.loaded / best.coreleak.times.retained;
console.log(`  loading, times as fast as memlab                       ${ratio.toFixed(1)} x`);
console.log(`  with retained sizes, times as fast as memlab with them ${(best.memlab.times.retained / best.coreleak.times.retained).toFixed(1)} x`);
console.log(`  with retained sizes, times as fast as memlab loads     ${whole.toFixed(1)} x   ${whole >= 6 ? 'within' : 'OVER  '} at least 6 x`);
if (nodes !== best.memlab.counts[0] || edges !== best.memlab.counts[1]) {
  console.log('  the counts differ');
  process.exitCode = 1;
}
if (whole < 6) process.exitCode = 1;
