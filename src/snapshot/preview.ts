/** One line about a node of a snapshot. */
import type { NamedColumns, NodeIndex, StringTable } from '../graph/heap-graph.ts';
import { EdgeKind, NodeKind } from '../graph/heap-graph.ts';

/** What may be shown, and how much of it. */
export interface PreviewOptions {
  /** Shows what is in strings; their lengths are not in a snapshot. */
  readonly strings: boolean;
  readonly maxLength: number;
}

/** Properties that are looked at; more do not fit on a line. */
const MAX_PROPERTIES = 40;

function clipped(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`;
}

function labelOf(graph: NamedColumns, strings: StringTable, node: NodeIndex, options: PreviewOptions): string {
  const name = (): string => clipped(strings.at(graph.nodeName[node]!), options.maxLength);
  switch (graph.nodeKind[node]! as NodeKind) {
    case NodeKind.String:
      return options.strings ? JSON.stringify(name()) : '(string)';
    case NodeKind.ConsString:
      return '(concatenated string)';
    case NodeKind.SlicedString:
      return '(sliced string)';
    case NodeKind.RegExp:
      return options.strings ? `/${name()}/` : '(regexp)';
    case NodeKind.Number:
      return '(number)';
    case NodeKind.BigInt:
      return '(bigint)';
    case NodeKind.Symbol:
      return '(symbol)';
    case NodeKind.Closure:
      return `function ${name()}`.trimEnd();
    default:
      return name();
  }
}

/** `Session {id: (number), user: Object}`: the node's name and the properties that are nodes; small integers are none. */
export function previewNode(graph: NamedColumns, strings: StringTable, node: NodeIndex, options: PreviewOptions): string {
  const label = labelOf(graph, strings, node, options);
  if (graph.nodeKind[node] !== NodeKind.Object) return clipped(label, options.maxLength);
  const { firstEdge, edgeKind, edgeName, edgeTo } = graph;
  const properties: string[] = [];
  for (let edge = firstEdge[node]!; edge < firstEdge[node + 1]! && properties.length < MAX_PROPERTIES; edge++) {
    if (edgeKind[edge] !== EdgeKind.Property) continue;
    const name = strings.at(edgeName[edge]!);
    if (name !== '__proto__') properties.push(`${name}: ${labelOf(graph, strings, edgeTo[edge]!, options)}`);
  }
  return clipped(properties.length === 0 ? label : `${label} {${properties.join(', ')}}`, options.maxLength);
}
