/**
 * Two programs that read heap snapshots and share nothing with coreleak: memlab, a dev dependency (what it wants of browsers and screens is replaced by an empty package in
 * package.json), and the heap worker of Chrome DevTools, from the package that Chrome is built with, bundled into the cache of the cores on first use.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';
import { execa } from 'execa';
import { TemporaryDirectory } from '../../cores/machine.ts';
import { moveIntoPlace } from '../../cores/node-binary.ts';
import { openFileSource } from '../../src/bytes/byte-source.ts';
import { computeDominators } from '../../src/graph/dominators.ts';
import { EdgeKind, graphOfColumns } from '../../src/graph/heap-graph.ts';
import type { GraphColumns, HeapGraph } from '../../src/graph/heap-graph.ts';
import { parseSnapshot } from '../../src/snapshot/parse.ts';
import { stringTable } from '../../src/snapshot/strings.ts';

/** What a program makes of a snapshot; columns by node. */
export interface Dominance {
  readonly nodeCount: number;
  readonly edgeCount: number;
  readonly selfSize: Float64Array;
  /** The immediate dominator; the root has itself. Nodes that nothing holds are held by the root. */
  readonly dominator: Int32Array;
  readonly retainedSize: Float64Array;
}

/** The graph of a snapshot file. */
export function readGraph(path: string): HeapGraph {
  const source = openFileSource(path);
  try {
    const { graph, strings } = parseSnapshot(source);
    return graphOfColumns(graph, stringTable(strings), { length: 0, at: () => ({ constructorName: '', properties: [] }) });
  } finally {
    source.close();
  }
}

/**
 * Which edges a program lets retain, said in the plainest way. Both programs flag some nodes first and ignore edges from nodes without the flag to nodes with it.
 * DevTools flags what the root's shortcuts reach, memlab what its other edges reach. memlab does not know the two edges of a WeakMap entry apart.
 */
export const RULES = {
  devtools: { flagsShortcuts: true, dropsTables: true },
  memlab: { flagsShortcuts: false, dropsTables: false },
} as const;

/** coreleak's dominators and sizes over the edges that another program follows, with what nothing holds hung on the root as they do. */
export function ourDominance(graph: GraphColumns, rule: (typeof RULES)[keyof typeof RULES]): Dominance {
  const { nodeCount, edgeCount, firstEdge, edgeTo, edgeKind } = graph;
  const flagged = new Uint8Array(nodeCount);
  const open: number[] = [];
  const flag = (node: number): void => {
    if (flagged[node] === 1) return;
    flagged[node] = 1;
    open.push(node);
  };
  for (let edge = 0; edge < firstEdge[1]!; edge++) if ((edgeKind[edge] === EdgeKind.Shortcut) === rule.flagsShortcuts) flag(edgeTo[edge]!);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (let edge = firstEdge[node]!; edge < firstEdge[node + 1]!; edge++) if (edgeKind[edge] !== EdgeKind.Weak) flag(edgeTo[edge]!);
  }
  const follows = new Uint8Array(edgeCount);
  for (let node = 0; node < nodeCount; node++) {
    for (let edge = firstEdge[node]!; edge < firstEdge[node + 1]!; edge++) {
      const to = edgeTo[edge]!;
      const kind = edgeKind[edge];
      if (kind === EdgeKind.Weak || to === node || (rule.dropsTables && kind === EdgeKind.EphemeronTable)) continue;
      if (node !== 0 && (kind === EdgeKind.Shortcut || (flagged[to] === 1 && flagged[node] === 0))) continue;
      follows[edge] = 1;
    }
  }
  const reached = new Uint8Array(nodeCount);
  const reach = (start: number): void => {
    reached[start] = 1;
    open.push(start);
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for (let edge = firstEdge[node]!; edge < firstEdge[node + 1]!; edge++) {
        if (follows[edge] === 0 || reached[edgeTo[edge]!] === 1) continue;
        reached[edgeTo[edge]!] = 1;
        open.push(edgeTo[edge]!);
      }
    }
  };
  reach(0);
  const held = new Uint8Array(nodeCount);
  for (let edge = 0; edge < edgeCount; edge++) if (follows[edge] === 1) held[edgeTo[edge]!] = 1;
  const hung: number[] = [];
  for (const needsNone of [true, false]) {
    for (let node = 0; node < nodeCount; node++) {
      if (reached[node] === 1 || (needsNone && held[node] === 1)) continue;
      hung.push(node);
      reach(node);
    }
  }
  // The same graph with the edges that count alone, and the root's own to what is hung on it behind its others.
  const first = new Uint32Array(nodeCount + 1);
  const to: number[] = [];
  for (let node = 0; node < nodeCount; node++) {
    for (let edge = firstEdge[node]!; edge < firstEdge[node + 1]!; edge++) if (follows[edge] === 1) to.push(edgeTo[edge]!);
    if (node === 0) for (const each of hung) to.push(each);
    first[node + 1] = to.length;
  }
  const plain: GraphColumns = { ...graph, edgeCount: to.length, firstEdge: first, edgeTo: Int32Array.from(to), edgeKind: new Uint8Array(to.length).fill(EdgeKind.Internal) };
  const { dominator, retainedSize } = computeDominators(plain, new Uint32Array((to.length + 31) >>> 5).fill(0xffffffff));
  const whole = dominator.slice();
  whole[0] = 0;
  return { nodeCount, edgeCount, selfSize: graph.nodeShallowSize, dominator: whole, retainedSize };
}

/** A snapshot in memlab. */
export async function readWithMemlab(path: string): Promise<Dominance> {
  const { analysis, config, utils } = await import('@memlab/core');
  config.muteConsole = true;
  const heap = await utils.getSnapshotFromFile(path, {});
  analysis.preparePathFinder(heap);
  const nodeCount = heap.nodes.length;
  const read: Dominance = {
    nodeCount,
    edgeCount: heap.edges.length,
    selfSize: new Float64Array(nodeCount),
    dominator: new Int32Array(nodeCount),
    retainedSize: new Float64Array(nodeCount),
  };
  heap.nodes.forEach((node, index) => {
    read.selfSize[index] = node.self_size;
    read.retainedSize[index] = node.retainedSize;
    read.dominator[index] = node.dominatorNode?.nodeIndex ?? -1;
  });
  return read;
}

/** Version and digest of the package that DevTools come in. */
const DEVTOOLS = { version: '1.0.1705227', integrity: 'sha512-bCwTmQyZTMBsjhUcHvVaqRM+cj28v2Yijto6varONvt5W+4Y5FufKRDB/ue3qXl2h2F6UDRXOP6exZsZRyP/Pw==' };

interface DevToolsSnapshot {
  readonly nodeCount: number;
  readonly containmentEdges: { readonly length: number };
  readonly nodes: { getValue(at: number): number };
  readonly retainedSizes: Float64Array;
  readonly dominatorsTree: Uint32Array;
  readonly totalSize: number;
}
interface DevTools {
  readonly HeapSnapshotLoader: new (dispatcher: { sendEvent(): void }) => { write(chunk: string): void; close(): void; buildSnapshot(port: MessagePort): Promise<DevToolsSnapshot> };
  readonly SecondaryInitManager: new (port: MessagePort) => unknown;
  readonly JSHeapSnapshot: { readonly prototype: { calculateShallowSizes(): void } };
}

/** Its modules name each other as what they are compiled to; the texts for the screen, which need all of its translations, are left out. */
const asSources: Plugin = {
  name: 'as-sources',
  setup(bundle) {
    bundle.onResolve({ filter: /\/i18n\/i18n\.js$/ }, () => ({ path: 'texts', namespace: 'none' }));
    bundle.onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: "export const i18n = new Proxy({}, { get: () => () => '' });" }));
    bundle.onResolve({ filter: /\.js$/ }, async ({ path, resolveDir, kind, pluginData }) => {
      if (pluginData === 'sources' || !path.startsWith('.')) return undefined;
      const found = await bundle.resolve(path.replace(/\.js$/, '.ts'), { resolveDir, kind, pluginData: 'sources' });
      return found.errors.length > 0 ? undefined : { path: found.path };
    });
  },
};

async function bundleDevTools(): Promise<string> {
  const cache = process.env['CORELEAK_CACHE'] ?? fileURLToPath(new URL('../../cores/.cache', import.meta.url));
  const home = join(cache, `devtools-${DEVTOOLS.version}`);
  const bundle = join(home, 'heap.mjs');
  if (existsSync(bundle)) return bundle;
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  using directory = new TemporaryDirectory(cache);
  const name = `chrome-devtools-frontend@${DEVTOOLS.version}`;
  await execa('npm', ['pack', '--silent', name], { cwd: directory.path, stdin: 'ignore' });
  const tarball = readdirSync(directory.path).find((each) => each.endsWith('.tgz'));
  if (tarball === undefined) throw new Error(`npm pack left no tarball of ${name}`);
  const digest = createHash('sha512').update(readFileSync(join(directory.path, tarball))).digest('base64');
  if (`sha512-${digest}` !== DEVTOOLS.integrity) throw new Error(`the tarball of ${name} is not the one that the test names`);
  await execa('tar', ['-xzf', tarball], { cwd: directory.path });
  const made = join(directory.path, 'made');
  await build({
    stdin: {
      contents: "export * from './HeapSnapshotLoader.ts'; export { SecondaryInitManager, JSHeapSnapshot } from './HeapSnapshot.ts';",
      resolveDir: join(directory.path, 'package/front_end/entrypoints/heap_snapshot_worker'),
      loader: 'ts',
    },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    outfile: join(made, 'heap.mjs'),
    plugins: [asSources],
    logLevel: 'error',
  });
  moveIntoPlace(made, home);
  return bundle;
}

/** Node 20 does not have it, and DevTools want it. */
function withResolvers(): { promise: Promise<unknown>; resolve: (value: unknown) => void; reject: (reason: unknown) => void } {
  let resolve: (value: unknown) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise((whenDone, whenFailed) => {
    resolve = whenDone;
    reject = whenFailed;
  });
  return { promise, resolve, reject };
}

/**
 * A snapshot in Chrome DevTools. `asShown` has sizes as its screens show them: those of arrays and hidden objects with one owner are the owner's there.
 */
export async function readWithDevTools(path: string, asShown = false): Promise<Dominance> {
  if (!('withResolvers' in Promise)) Object.defineProperty(Promise, 'withResolvers', { value: withResolvers, configurable: true, writable: true });
  const { HeapSnapshotLoader, SecondaryInitManager, JSHeapSnapshot } = (await import(pathToFileURL(await bundleDevTools()).href)) as DevTools;
  const loader = new HeapSnapshotLoader({ sendEvent: () => undefined });
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 2 ** 20 })) loader.write(chunk as string);
  loader.close();
  const { port1, port2 } = new MessageChannel();
  const shown = Object.getOwnPropertyDescriptor(JSHeapSnapshot.prototype, 'calculateShallowSizes');
  // It tells of nodes that nothing holds, one a line.
  const { warn } = console;
  console.warn = () => undefined;
  try {
    if (!asShown) Object.defineProperty(JSHeapSnapshot.prototype, 'calculateShallowSizes', { ...shown, value: () => undefined });
    new SecondaryInitManager(port2);
    const snapshot = await loader.buildSnapshot(port1);
    const { meta } = JSON.parse(headerOf(path)) as { meta: { node_fields: string[]; edge_fields: string[] } };
    const width = meta.node_fields.length;
    const size = meta.node_fields.indexOf('self_size');
    return {
      nodeCount: snapshot.nodeCount,
      edgeCount: snapshot.containmentEdges.length / meta.edge_fields.length,
      selfSize: Float64Array.from({ length: snapshot.nodeCount }, (_, node) => snapshot.nodes.getValue(node * width + size)),
      dominator: Int32Array.from(snapshot.dominatorsTree),
      retainedSize: snapshot.retainedSizes,
    };
  } finally {
    console.warn = warn;
    if (shown !== undefined) Object.defineProperty(JSHeapSnapshot.prototype, 'calculateShallowSizes', shown);
    port1.close();
    port2.close();
  }
}

/** The text of a snapshot's header: what stands before the nodes. */
function headerOf(path: string): string {
  const source = openFileSource(path);
  try {
    const start = Buffer.from(source.readBytes(0, Math.min(source.size, 2 ** 16))).toString('latin1');
    return start.slice(start.indexOf(':') + 1, start.indexOf('"nodes"')).replace(/,\s*$/, '');
  } finally {
    source.close();
  }
}

/** The first nodes at which two programs differ, in words; none when they agree in all. */
export function differencesOf(ours: Dominance, theirs: Dominance): string[] {
  const found: string[] = [];
  const compare = (what: string, a: number | undefined, b: number | undefined): void => {
    if (a !== b && found.length < 10) found.push(`${what}: ${String(a)} here, ${String(b)} there`);
  };
  compare('nodes', ours.nodeCount, theirs.nodeCount);
  compare('edges', ours.edgeCount, theirs.edgeCount);
  for (let node = 0; node < ours.nodeCount; node++) {
    compare(`size of node ${node}`, ours.selfSize[node], theirs.selfSize[node]);
    compare(`dominator of node ${node}`, ours.dominator[node], theirs.dominator[node]);
    compare(`retained size of node ${node}`, ours.retainedSize[node], theirs.retainedSize[node]);
  }
  return found;
}
