// Time and memory of `coreleak report` on one large leak, as ratios to reading the same file with cat in the same run.
// node test/bench/run.mjs [--scale N, default 3000000] [--majors 16,22 or self, default self] [--runs N, default 3] [--keep]
// Needs about 650 bytes of disk per record and core, and gdb for the gcore core. Cores that it makes are removed, unless --keep.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cli = join(root, 'dist/cli/main.js');
const { values } = parseArgs({ options: {
  scale: { type: 'string', default: '3000000' }, majors: { type: 'string', default: 'self' }, runs: { type: 'string', default: '3' }, keep: { type: 'boolean', default: false },
} });
const scale = Number(values.scale);
const runs = Number(values.runs);
const MIB = 1 << 20;
const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
const mebibytes = (bytes) => `${Math.round(bytes / MIB)} MiB`;

/** Wall time of one run, and the peak of its memory as /proc tells it while it runs. */
async function measure(command, args, options = {}) {
  const started = performance.now();
  const child = execa(command, args, { reject: false, stdin: 'ignore', maxBuffer: 1 << 30, ...options });
  let peakBytes = 0;
  const look = () => {
    try {
      peakBytes = Math.max(peakBytes, 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0));
    } catch { /* it has just ended */ }
  };
  const timer = setInterval(look, 10);
  const run = await child;
  clearInterval(timer);
  return { ms: performance.now() - started, peakBytes, exitCode: run.exitCode, stdout: run.stdout ?? '', stderr: run.stderr ?? '' };
}

const faster = (a, b) => (a === undefined || b.ms < a.ms ? b : a);

/** Makes the core, or finds it; `isNew` says whether this run made it. */
async function make(major, kind) {
  const before = new Set(existsSync(cache) ? readdirSync(cache) : []);
  const run = await execa('tsx', [join(root, 'cores/make.ts'), 'big-leak', major, '--kind', kind, '--scale', String(scale), '--keep-zeros'], { cwd: root, preferLocal: true, reject: false });
  if (run.exitCode !== 0) return { reason: run.stderr.trim().split('\n').at(-1) };
  const made = JSON.parse(run.stdout);
  return { ...made, isNew: !before.has(made.directory.slice(dirname(made.directory).length + 1)) };
}

/** Phases that `--verbose` prints as lines `time: <phase> <ms>`, the time from the start of the process to the end of the phase. */
const phasesOf = (stderr) => new Map([...stderr.matchAll(/^time: (.+) ([\d.]+)$/gm)].map(([, phase, ms]) => [phase, Number(ms)]));

let failures = 0;
/** Prints one figure, and holds it against its budget where it has one. */
function line(what, figure, limit, unit) {
  const ok = limit === undefined || figure <= limit;
  if (!ok) failures++;
  const verdict = limit === undefined ? '' : `${ok ? 'within' : 'OVER  '} ${limit.toFixed(unit === '%' || limit % 1 > 0 ? 1 : 0)} ${unit}`;
  console.log(`  ${what.padEnd(40)} ${figure.toFixed(unit === 'MiB' ? 0 : 1).padStart(7)} ${unit.padEnd(3)} ${verdict}`.trimEnd());
}

/** llnode on the same core, where lldb has its plug-in. */
async function llnode(made) {
  const run = await measure('lldb', ['--batch', '--no-lldbinit', '-o', 'v8 findjsobjects', '-c', made.core, made.binary], { timeout: 600_000 }).catch(() => undefined);
  if (run === undefined || run.exitCode === undefined) return console.log('  llnode: lldb is not installed, nothing to compare with');
  if (!/LeakedRecord/.test(run.stdout)) return console.log('  llnode: lldb has no plug-in that reads this core, nothing to compare with');
  return run;
}

async function bench(major, kind) {
  const made = await make(major, kind);
  if (made.reason !== undefined) {
    console.log(`${kind} core of node ${major}: not made: ${made.reason}`);
    return undefined;
  }
  try {
    const { size, blocks } = statSync(made.core);
    console.log(`\n${kind} core of node ${made.facts.node}, ${scale} records: ${mebibytes(size)} long, ${mebibytes(blocks * 512)} on disk, heap ${mebibytes(made.facts.heapBytes)}`);
    const readFile = () => measure('cat', [made.core], { stdout: 'ignore' });
    await readFile();
    // Turn by turn, so that both meet the same machine; the fastest of each counts.
    let cat;
    let report;
    let whole;
    const args = [cli, 'report', made.core, '--binary', made.binary, '--format', 'json', '--verbose'];
    for (let i = 0; i < runs; i++) {
      cat = faster(cat, await readFile());
      report = faster(report, await measure(process.execPath, [...args, '--no-retained'], { cwd: root }));
      whole = faster(whole, await measure(process.execPath, args, { cwd: root }));
    }
    for (const run of [report, whole]) {
      if (run.exitCode === 0) continue;
      failures++;
      console.log(`  report exits with ${run.exitCode}: ${run.stderr.trim().split('\n')[0]}`);
      return undefined;
    }
    const json = JSON.parse(report.stdout);
    const wholeJson = JSON.parse(whole.stdout);
    const phases = phasesOf(report.stderr);
    const found = json.constructors.find((row) => row.name === 'LeakedRecord')?.instances;
    console.log(`  ${json.sources[0].heap.objects.toLocaleString('en')} heap objects; LeakedRecord ${found} of ${made.facts.counts.LeakedRecord}; first suspect: ${wholeJson.suspects[0]?.title}`);
    const told = (of) => [...of].map(([phase, ms]) => `${phase} ${seconds(ms)}`).join(', ') || 'not told';
    console.log(`  cat ${seconds(cat.ms)}; report --no-retained ${seconds(report.ms)}; phases: ${told(phases)}`);
    console.log(`  report ${seconds(whole.ms)}; phases: ${told(phasesOf(whole.stderr))}`);
    if (found !== made.facts.counts.LeakedRecord) failures++;
    // The budgets are those of a gcore core; a kernel core is short, and is held against its gcore core instead.
    const limited = kind === 'gcore';
    // Counts and sizes are there when the heap is walked.
    const counted = phases.get('census') ?? phases.get('walk');
    if (counted !== undefined) line('counts and sizes, times cat', counted / cat.ms, limited ? 8 : undefined, 'x');
    line('live and garbage told apart, times cat', report.ms / cat.ms, limited ? 20 : undefined, 'x');
    line('peak memory over the heap', (report.peakBytes - json.sources[0].heap.bytes) / MIB, limited ? 1144 : undefined, 'MiB');
    line('with retained sizes, times cat', whole.ms / cat.ms, limited ? 50 : undefined, 'x');
    // 12 words of four bytes an object, and 4 an edge, of which each of these objects has two.
    line('peak memory over the heap', (whole.peakBytes - json.sources[0].heap.bytes) / MIB, limited ? (json.sources[0].heap.objects * (12 + 2 * 4) * 4) / MIB : undefined, 'MiB');
    const other = limited && major === '16' ? await llnode(made) : undefined;
    if (other !== undefined) {
      console.log(`  llnode: ${seconds(other.ms)}, ${mebibytes(other.peakBytes)}`);
      line('report, share of the time of llnode', (100 * report.ms) / other.ms, 100 / 30, '%');
    }
    return report.ms;
  } finally {
    if (made.isNew && !values.keep) rmSync(made.directory, { recursive: true, force: true });
  }
}

const cache = process.env.CORELEAK_CACHE ?? join(root, 'cores/.cache');
if (!existsSync(cli)) {
  console.error('dist/cli/main.js is not built: npm run build');
  process.exit(2);
}
mkdirSync(cache, { recursive: true, mode: 0o700 });
const disk = statfsSync(cache);
const free = disk.bavail * disk.bsize;
const need = 1024 * MIB + 2 * scale * 650;
if (free < need) {
  console.error(`not enough room for the cores: ${mebibytes(free)} free, ${mebibytes(need)} needed; --scale N makes smaller ones`);
  process.exit(2);
}
console.log(`node ${process.version}; best of ${runs} runs with a warm cache; times on a shared machine are noisy, the ratios count`);
for (const major of values.majors.split(',')) {
  const gcore = await bench(major, 'gcore');
  const kernel = await bench(major, 'kernel');
  if (gcore !== undefined && kernel !== undefined) line('kernel core, times its gcore core', kernel / gcore, 1.1, 'x');
  if (major !== '16') console.log('  llnode is compared on Node 16 only, the last version that it reads right: --majors 16');
}
process.exitCode = failures === 0 ? 0 : 1;
