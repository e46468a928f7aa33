/** Counts V8's own heap snapshot: the second opinion on what a core holds. Knows the file format and nothing of coreleak. */
import { readFileSync } from 'node:fs';

/** Objects of one name or type; bytes are their own (`self_size`). */
export interface SnapshotRow {
  count: number;
  bytes: number;
}

export interface SnapshotNode {
  readonly type: string;
  readonly name: string;
  readonly bytes: number;
}

interface SnapshotFile {
  readonly snapshot: { readonly meta: { readonly node_fields: readonly string[]; readonly node_types: readonly [readonly string[], ...unknown[]]; readonly edge_fields: readonly string[]; readonly edge_types: readonly [readonly string[], ...unknown[]] } };
  readonly nodes: readonly number[];
  readonly edges: readonly number[];
  readonly strings: readonly string[];
}

/** The group that the summary of Chrome DevTools puts a node in. */
function groupOf(type: string, name: string): string {
  if (type === 'object' || type === 'native') return name;
  if (type === 'closure') return 'Function';
  if (type === 'regexp') return 'RegExp';
  return `(${type})`;
}

export class Snapshot {
  readonly #file: SnapshotFile;
  readonly #nodeWidth: number;
  readonly #edgeWidth: number;
  /** First edge of every node, and one past the last. */
  readonly #firstEdge: Uint32Array;

  constructor(path: string) {
    this.#file = JSON.parse(readFileSync(path, 'utf8')) as SnapshotFile;
    const { meta } = this.#file.snapshot;
    this.#nodeWidth = meta.node_fields.length;
    this.#edgeWidth = meta.edge_fields.length;
    const edgeCount = meta.node_fields.indexOf('edge_count');
    this.#firstEdge = new Uint32Array(this.nodeCount + 1);
    for (let node = 0; node < this.nodeCount; node++) this.#firstEdge[node + 1] = this.#firstEdge[node]! + this.#file.nodes[node * this.#nodeWidth + edgeCount]!;
  }

  get nodeCount(): number {
    return this.#file.nodes.length / this.#nodeWidth;
  }

  node(index: number): SnapshotNode {
    const { meta } = this.#file.snapshot;
    const at = index * this.#nodeWidth;
    const field = (name: string): number => this.#file.nodes[at + meta.node_fields.indexOf(name)]!;
    return { type: meta.node_types[0][field('type')]!, name: this.#file.strings[field('name')]!, bytes: field('self_size') };
  }

  /** Counts and bytes by the groups of DevTools' summary. */
  groups(): Map<string, SnapshotRow> {
    const groups = new Map<string, SnapshotRow>();
    for (let index = 0; index < this.nodeCount; index++) {
      const { type, name, bytes } = this.node(index);
      const group = groupOf(type, name);
      const row = groups.get(group) ?? { count: 0, bytes: 0 };
      row.count++;
      row.bytes += bytes;
      groups.set(group, row);
    }
    return groups;
  }

  /** Names of all nodes of type `object`: those that are one JavaScript object each. */
  objectNames(): Set<string> {
    const names = new Set<string>();
    for (let index = 0; index < this.nodeCount; index++) {
      const { type, name } = this.node(index);
      if (type === 'object') names.add(name);
    }
    return names;
  }

  /** The named properties of one node, with the node each leads to. */
  properties(index: number): Map<string, number> {
    const { meta } = this.#file.snapshot;
    const [typeField, nameField, toField] = ['type', 'name_or_index', 'to_node'].map((name) => meta.edge_fields.indexOf(name)) as [number, number, number];
    const found = new Map<string, number>();
    for (let edge = this.#firstEdge[index]!; edge < this.#firstEdge[index + 1]!; edge++) {
      const at = edge * this.#edgeWidth;
      if (meta.edge_types[0][this.#file.edges[at + typeField]!] !== 'property') continue;
      found.set(this.#file.strings[this.#file.edges[at + nameField]!]!, this.#file.edges[at + toField]! / this.#nodeWidth);
    }
    return found;
  }

  /** The node that a property of this name leads to from some object; the first one that itself has the property `member`. */
  findProperty(name: string, member: string): number | undefined {
    for (let index = 0; index < this.nodeCount; index++) {
      if (this.node(index).type !== 'object') continue;
      const to = this.properties(index).get(name);
      if (to !== undefined && this.properties(to).has(member)) return to;
    }
    return undefined;
  }
}
