/** Graphs as a drawing: `root -> a(10) -> b(5); c ~> b`. */
import { HeapGraphBuilder } from '../../src/graph/builder.ts';
import { EdgeKind, NodeKind } from '../../src/graph/heap-graph.ts';
import type { HeapGraph, NodeIndex, ShapeIndex } from '../../src/graph/heap-graph.ts';

const ARROWS: Readonly<Record<string, EdgeKind>> = {
  '->': EdgeKind.Property,
  '[]>': EdgeKind.Element,
  '~>': EdgeKind.Weak,
  '=>': EdgeKind.Shortcut,
  '+>': EdgeKind.Ephemeron,
  '#>': EdgeKind.EphemeronTable,
};

export interface DrawnGraph {
  readonly graph: HeapGraph;
  /** The row of a node by the name in the drawing. */
  readonly node: (name: string) => NodeIndex;
  /** The name in the drawing of a row. */
  readonly nameOf: (node: NodeIndex) => string;
}

interface Drawn {
  kind: NodeKind;
  name: string;
  size: number;
  shape: ShapeIndex | undefined;
}

/**
 * Reads chains separated by `;` or line ends. A node is a word, with its own bytes in parentheses where it is drawn first (0 if there are none); `word:Class` gives it
 * a class name and a shape of that name, `@word` makes it synthetic. `root` is row 0, the others follow in the order of the drawing. Arrows: `->` property named after
 * the target, `[]>` element, `~>` weak, `=>` shortcut, `+>` key to value of a WeakMap, `#>` its table to the value.
 */
export function graphFromText(text: string): DrawnGraph {
  const builder = new HeapGraphBuilder('snapshot-id');
  const rows = new Map<string, NodeIndex>([['root', 0]]);
  const drawn: Drawn[] = [{ kind: NodeKind.Synthetic, name: '', size: 0, shape: undefined }];
  const shapes = new Map<string, ShapeIndex>();
  const edges: [NodeIndex, NodeIndex, EdgeKind, string | number][] = [];

  const rowOf = (word: string): NodeIndex => {
    const match = /^(@?)(\w+)(?::(\w+))?(?:\((\d+)\))?$/.exec(word);
    if (match === null) throw new Error(`not a node: ${word}`);
    const [, synthetic, name = '', className, size] = match;
    let row = rows.get(name);
    if (row === undefined) {
      row = drawn.push({ kind: synthetic === '@' ? NodeKind.Synthetic : NodeKind.Object, name, size: 0, shape: undefined }) - 1;
      rows.set(name, row);
    }
    if (size !== undefined) drawn[row]!.size = Number(size);
    if (className !== undefined) {
      drawn[row]!.name = className;
      if (!shapes.has(className)) shapes.set(className, builder.addShape({ constructorName: className, properties: [] }));
      drawn[row]!.shape = shapes.get(className);
    }
    return row;
  };

  for (const chain of text.split(/[;\n]/)) {
    const words = chain.trim().split(/\s+/).filter(Boolean);
    for (let at = 0; at < words.length; at += 2) {
      const to = rowOf(words[at]!);
      if (at === 0) continue;
      const kind = ARROWS[words[at - 1]!];
      if (kind === undefined) throw new Error(`not an arrow: ${words[at - 1]!}`);
      const from = rowOf(words[at - 2]!);
      const label = [...rows].find(([, row]) => row === to)![0];
      edges.push([from, to, kind, kind === EdgeKind.Element ? edges.filter(([source, , other]) => source === from && other === kind).length : label]);
    }
  }
  for (const { kind, name, size, shape } of drawn) builder.addNode({ kind, name, shallowSize: size, ...(shape === undefined ? {} : { shape }) });
  for (const edge of edges) builder.addEdge(...edge);
  const names = [...rows.keys()];
  return {
    graph: builder.finish(),
    node: (name) => {
      const row = rows.get(name);
      if (row === undefined) throw new Error(`no node ${name}`);
      return row;
    },
    nameOf: (node) => names[node]!,
  };
}
