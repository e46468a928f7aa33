import { describe, expect, test } from 'vitest';
import { LimitError, MalformedInputError } from '../../../src/errors.ts';
import { HeapGraphBuilder } from '../../../src/graph/builder.ts';
import { EdgeKind, edgeSource, NodeKind } from '../../../src/graph/heap-graph.ts';
import type { HeapGraph } from '../../../src/graph/heap-graph.ts';
import { verifyGraph } from '../../../src/graph/verify.ts';
import type { GraphProblemKind } from '../../../src/graph/verify.ts';
import { graphFromText } from '../../support/graph-from-text.ts';

const node = (name: string, shallowSize = 8) => ({ kind: NodeKind.Object, name, shallowSize });

describe('HeapGraphBuilder', () => {
  test('sorts edges by the node they come from and keeps the order of one node', () => {
    const builder = new HeapGraphBuilder('address');
    builder.addEdge(2, 1, EdgeKind.Property, 'late');
    builder.addEdge(0, 1, EdgeKind.Property, 'b');
    builder.addEdge(0, 2, EdgeKind.Element, 7);
    const shape = builder.addShape({ constructorName: 'A', properties: ['x'] });
    builder.addNode(node('root'));
    builder.addNode({ ...node('A'), key: 0x1000, shape });
    builder.addNode(node('A', 5 * 2 ** 32));
    const graph = builder.finish();
    expect([...graph.firstEdge]).toEqual([0, 2, 2, 3]);
    expect([...graph.edgeTo]).toEqual([1, 2, 1]);
    expect([0, 1, 2].map((edge) => graph.edgeLabel(edge))).toEqual([
      { kind: EdgeKind.Property, name: 'b' },
      { kind: EdgeKind.Element, name: 7 },
      { kind: EdgeKind.Property, name: 'late' },
    ]);
    expect([0, 1, 2].map((edge) => edgeSource(graph, edge))).toEqual([0, 0, 2]);
    expect(graph.strings.at(graph.nodeName[1]!)).toBe('A');
    expect(graph.nodeName[1]).toBe(graph.nodeName[2]);
    expect(graph.shapes.at(graph.nodeShape[1]!)).toEqual({ constructorName: 'A', properties: ['x'] });
    expect([...graph.nodeShape]).toEqual([-1, 0, -1]);
    expect([...graph.nodeKey]).toEqual([0, 0x1000, 2]);
    expect(graph.nodeShallowSize[2]).toBe(5 * 2 ** 32);
    expect(graph.edgeTo.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(() => graph.strings.at(99)).toThrow(RangeError);
  });

  test('refuses what is no node, edge, kind, size or shape, and says which', () => {
    const builder = new HeapGraphBuilder('address');
    expect(() => builder.finish()).toThrow(MalformedInputError);
    builder.addNode(node('root'));
    expect(() => builder.addNode(node('x', -1))).toThrow('shallow size at offset 1');
    expect(() => builder.addNode(node('x', NaN))).toThrow(MalformedInputError);
    expect(() => builder.addNode({ ...node('x'), kind: 16 as NodeKind })).toThrow('node kind');
    expect(() => builder.addNode({ ...node('x'), shape: 0 })).toThrow('shape');
    for (const bad of [-1, 0.5, NaN, 2 ** 32]) {
      expect(() => builder.addEdge(bad, 0, EdgeKind.Property, 'x')).toThrow('edge source');
      expect(() => builder.addEdge(0, bad, EdgeKind.Property, 'x')).toThrow('edge target');
      expect(() => builder.addEdge(0, 0, EdgeKind.Element, bad)).toThrow('edge name');
    }
    expect(() => builder.addEdge(0, 0, EdgeKind.Element, 'x')).toThrow('edge name');
    expect(() => builder.addEdge(0, 0, EdgeKind.Property, 1)).toThrow('edge name');
    expect(() => builder.addEdge(0, 0, 9 as EdgeKind, 'x')).toThrow('edge kind');
    builder.addEdge(0, 1, EdgeKind.Property, 'x');
    expect(() => builder.finish()).toThrow('heap graph: edge target at offset 0: 1 is none of 1 nodes');
  });

  test('stops at its limits', () => {
    const builder = new HeapGraphBuilder('address', { maxNodes: 1, maxEdges: 1 });
    builder.addNode(node('root'));
    expect(() => builder.addNode(node('x'))).toThrow(LimitError);
    builder.addEdge(0, 0, EdgeKind.Property, 'x');
    expect(() => builder.addEdge(0, 0, EdgeKind.Property, 'x')).toThrow(LimitError);
  });
});

describe('verifyGraph', () => {
  const sound = (): HeapGraph => graphFromText('root -> a(1) -> b(2); a ~> c').graph;

  test('lists nothing of a sound graph but what only weak edges reach', () => {
    expect(verifyGraph(graphFromText('root -> a(1) -> b(2)').graph)).toEqual([]);
    expect(verifyGraph(sound())).toEqual([{ kind: 'unreachable', count: 1, rows: [3] }]);
  });

  test('names each kind of damage with its true total', () => {
    const broken = (change: (graph: HeapGraph) => Partial<HeapGraph> | undefined) => {
      const graph = sound();
      return verifyGraph({ ...graph, ...change(graph) });
    };
    const one = (kind: GraphProblemKind, row: number) => [{ kind, count: 1, rows: [row] }];
    expect(broken(() => ({ nodeCount: 5 }))).toEqual([{ kind: 'column-length', count: 6, rows: [0, 1, 2, 3, 4, 5] }]);
    expect(broken(({ edgeTo }) => void (edgeTo[1] = 4))).toEqual(one('edge-target', 1));
    expect(broken(({ edgeTo }) => void (edgeTo[1] = -1))).toEqual(one('edge-target', 1));
    expect(broken(({ edgeKind }) => void (edgeKind[2] = 9))).toEqual(one('edge-kind', 2));
    expect(broken(({ nodeKind }) => void (nodeKind[2] = 16))).toEqual(one('node-kind', 2));
    expect(broken(({ nodeShape }) => void (nodeShape[2] = -2))).toEqual(one('shape', 2));
    expect(broken(({ nodeShallowSize }) => void (nodeShallowSize[2] = NaN))).toEqual(one('shallow-size', 2));
    expect(broken(({ firstEdge }) => ({ firstEdge: Uint32Array.of(...[0, 2, 1, 3], ...firstEdge.slice(4)) }))).toEqual(one('first-edge', 1));
    expect(broken(({ firstEdge }) => void (firstEdge[0] = 1))).toEqual(one('first-edge', 0));
    expect(broken(({ firstEdge }) => void (firstEdge[4] = 2))).toHaveLength(1);
    const many = graphFromText(Array.from({ length: 30 }, (_, i) => `root ~> n${i}`).join(';')).graph;
    expect(verifyGraph(many)[0]).toMatchObject({ kind: 'unreachable', count: 30, rows: { length: 20 } });
  });
});
