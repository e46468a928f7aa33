import { describe, expect, it } from 'vitest';
import type { NodeIndex } from '../../../src/graph/heap-graph.ts';
import { EdgeKind, NodeKind } from '../../../src/graph/heap-graph.ts';
import type { PathNames } from '../../../src/graph/graph-paths.ts';
import { pathSteps, pathWords } from '../../../src/graph/graph-paths.ts';
import { pathEdges } from '../../../src/graph/path-tree.ts';
import { HeldBuilder } from '../../support/held-heap.ts';

/** The path to a node in words, and step by step. */
function pathTo(draw: (heap: HeldBuilder) => NodeIndex, strings = false): { words: string; steps: string[] } {
  const builder = new HeldBuilder();
  const node = draw(builder);
  const heap = builder.finish();
  const { graph, pathTree } = heap;
  const names: PathNames = { graph, functionOf: (at) => heap.functionOf(at), strings };
  const edges = pathEdges(pathTree, node);
  const words = pathWords(names, edges).map((piece) => (typeof piece === 'string' ? piece : piece.name));
  return { words: words.join(''), steps: pathSteps(names, edges).map(({ label, edge, file, line }) => [label, edge ?? '.', file ?? '', line ?? ''].join(' ').trim()) };
}

/** A Map with one entry below the global object. */
function mapOf(heap: HeldBuilder, key: NodeIndex, value: NodeIndex): void {
  const map = heap.node(NodeKind.Object, 'Map');
  const table = heap.node(NodeKind.Array, '', 16 + 8 * (3 + 2 + 3 * 4));
  heap.property(heap.global, 'kept', map);
  heap.edge(map, table, EdgeKind.Internal, 'table');
  heap.edge(table, key, EdgeKind.Internal, '5');
  heap.edge(table, value, EdgeKind.Internal, '6');
}

describe('pathWords', () => {
  it('starts at the global object where the shortcut leads to a native context, as since V8 14', () => {
    const { words } = pathTo((heap) => {
      const global = heap.node(NodeKind.Object, 'global (global*)');
      heap.edge(heap.global, global, EdgeKind.Internal, 'extension');
      const session = heap.object('Session');
      heap.property(global, 'kept', session);
      return session;
    });
    expect(words).toBe('global.kept → Session');
  });

  it('joins properties of plain objects, names classes, and folds the table of a Map', () => {
    const session = (key: string) => (heap: HeldBuilder) => {
      const value = heap.object('Session');
      mapOf(heap, heap.node(NodeKind.String, key), value);
      return value;
    };
    expect(pathTo(session('k42')).words).toBe('global.kept → Map → ["k42"] → Session');
    expect(pathTo(session('alice@example.org')).words).toBe('global.kept → Map → ["ali…"] → Session');
    expect(pathTo(session('alice@example.org'), true).words).toBe('global.kept → Map → ["alice@example.org"] → Session');
    expect(pathTo(session('k42')).steps).toEqual(['global kept', 'Map table', '(array) 6', 'Session .']);
  });

  it('writes a key that is no string as such', () => {
    const path = pathTo((heap) => {
      const value = heap.object('Session');
      mapOf(heap, heap.object('Key'), value);
      return value;
    });
    expect(path.words).toBe('global.kept → Map → […] → Session');
  });

  it('starts at the module of the application, and gives closures their place', () => {
    const draw = (isModule: boolean) => (heap: HeldBuilder) => {
      const cache = heap.object('Cache');
      const around = isModule ? undefined : heap.closure('main', {}).context;
      const { closure } = heap.closure('onData', { cache }, around);
      heap.property(heap.global, 'listener', closure);
      return cache;
    };
    expect(pathTo(draw(true)).words).toBe('module server.js → cache → Cache');
    expect(pathTo(draw(false)).words).toBe('closure onData (server.js:10:5) → variable cache → Cache');
    expect(pathTo(draw(false)).steps).toEqual(['global listener', 'onData context /srv/app/server.js 10', 'system / Context cache', 'Cache .']);
  });

  it('shortens the keys of an object that serves as a table, and what is no identifier', () => {
    const draw = (count: number, key: string) => (heap: HeldBuilder) => {
      const table = heap.node(NodeKind.Object, 'Object');
      const value = heap.object('Login');
      heap.property(heap.global, 'logins', table);
      for (let at = 1; at < count; at++) heap.property(table, `token${at}`, heap.object('Login'));
      heap.property(table, key, value);
      return value;
    };
    expect(pathTo(draw(3, 'current')).words).toBe('global.logins.current → Login');
    expect(pathTo(draw(300, 'abcdef')).words).toBe('global.logins["abc…"] → Login');
    expect(pathTo(draw(300, 'abcdef'), true).words).toBe('global.logins.abcdef → Login');
    expect(pathTo(draw(3, '406-af')).words).toBe('global.logins["406…"] → Login');
    expect(pathTo(draw(300, 'abcdef')).steps[1]).toBe('Object abc…');
  });

  it('names the kind of root where no global object leads to a node', () => {
    const path = pathTo((heap) => {
      const roots = heap.node(NodeKind.Synthetic, '(GC roots)', 0);
      const handles = heap.node(NodeKind.Synthetic, '(Global handles)', 0);
      const socket = heap.object('Socket');
      const state = heap.object('State');
      heap.edge(0, roots, EdgeKind.Element, 1);
      heap.edge(roots, handles, EdgeKind.Element, 1);
      heap.edge(handles, socket, EdgeKind.Internal, '1');
      heap.property(socket, 'state', state);
      return state;
    });
    expect(path.words).toBe('(Global handles) → Socket.state → State');
  });

  it('does not show the text of strings', () => {
    const path = pathTo((heap) => {
      const secret = heap.node(NodeKind.String, 'hunter2');
      heap.property(heap.global, 'password', secret);
      return secret;
    });
    expect(path).toEqual({ words: 'global.password → (string)', steps: ['global password', '(string) .'] });
  });
});
