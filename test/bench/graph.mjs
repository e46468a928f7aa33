/**
 * Times of the computations on a graph: `npx tsx test/bench/graph.mjs [--nodes N] [--heaps records,sessions,tangle] [--snapshot FILE] [--runs N] [--paths]`.
 * Prints for each heap the best time of every step in milliseconds.
 */
import { parseArgs } from 'node:util';
import { openFileSource } from '../../src/bytes/byte-source.ts';
import { computeDistances, computeEdgeSet } from '../../src/graph/distances.ts';
import { computeDominatorTree } from '../../src/graph/dominator-tree.ts';
import { computeDominators } from '../../src/graph/dominators.ts';
import { computeRetainers } from '../../src/graph/retainers.ts';
import { computeGroupsRetained } from '../../src/graph/retained.ts';
import { parseSnapshot } from '../../src/snapshot/parse.ts';
import { HEAPS } from './graph-heaps.mjs';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '16500000' },
    heaps: { type: 'string', default: 'records,sessions,tangle' },
    snapshot: { type: 'string' },
    runs: { type: 'string', default: '3' },
    paths: { type: 'boolean', default: false },
  },
});

function bench(name, graph, parseMs) {
  const best = new Map();
  const cpu = new Map();
  const timed = (step, run) => {
    const began = performance.now();
    const cpuBegan = process.cpuUsage();
    const result = run();
    const ms = performance.now() - began;
    const { user, system } = process.cpuUsage(cpuBegan);
    if (!(best.get(step) <= ms)) best.set(step, ms);
    if (!(cpu.get(step) <= (user + system) / 1000)) cpu.set(step, (user + system) / 1000);
    return result;
  };
  const groups = Int32Array.from({ length: graph.nodeCount }, (_, node) => graph.edgeTo[graph.firstEdge[node]] % 1000);
  const halves = Int32Array.from({ length: 1000 }, (_, group) => group >> 1);
  const few = Int32Array.from({ length: graph.nodeCount }, (_, node) => (node % 100 === 0 ? node % 1000 : -1));
  let check = 0;
  for (let run = 0; run < Number(values.runs); run++) {
    const began = performance.now();
    const dominators = timed('dominators', () => computeDominators(graph));
    const tree = timed('dominator tree', () => computeDominatorTree(dominators));
    timed('retained sizes of shapes, constructors and functions', () =>
      computeGroupsRetained(tree, dominators, [
        { rowOf: groups, groupCount: 1000 },
        { rowOf: groups, groupOfRow: halves, groupCount: 500 },
        { rowOf: few, groupCount: 10 },
      ]),
    );
    const ms = performance.now() - began;
    if (!(best.get('all of it') <= ms)) best.set('all of it', ms);
    check = dominators.dominator.reduce((sum, node, i) => (Math.imul(sum, 31) + node + (dominators.retainedSize[i] | 0)) | 0, 0);
    if (values.paths) {
      timed('retainers', () => computeRetainers(graph));
      const strong = timed('strong edges', () => computeEdgeSet(graph, 'strong'));
      timed('distances', () => computeDistances(graph, strong));
    }
  }
  console.log(`${name}: ${graph.nodeCount} nodes, ${graph.edgeCount} edges${parseMs === undefined ? '' : `, parsed in ${parseMs.toFixed(0)} ms`}, check ${check}`);
  for (const [step, ms] of best) console.log(`  ${step.padEnd(56)} ${ms.toFixed(0).padStart(6)} ms${cpu.has(step) ? `, ${cpu.get(step).toFixed(0)} ms of processor time` : ''}`);
}

if (values.snapshot !== undefined) {
  const began = performance.now();
  const { graph } = parseSnapshot(openFileSource(values.snapshot));
  bench(values.snapshot, graph, performance.now() - began);
} else for (const name of values.heaps.split(',')) bench(name, HEAPS[name](Number(values.nodes)));
