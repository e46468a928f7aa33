/** Retained sizes of groups: what would be freed if all instances of a shape, or of a constructor, went. */
import type { Control } from './control.ts';
import { makeTicker, TICK_MASK } from './control.ts';
import type { DominatorTree } from './dominator-tree.ts';
import type { Dominators } from './dominators.ts';
import { ROOT } from './heap-graph.ts';
import { sharedFloat64 } from './shared.ts';

const NO_GROUP = -1;

/** One way to put nodes into groups. */
export interface Grouping {
  /** The group of every node, or the row of `groupOfRow` that has it. What is negative or too large is in no group. */
  readonly rowOf: Int32Array;
  readonly groupOfRow?: Int32Array;
  /** Groups are from 0 to below this. */
  readonly groupCount: number;
}

/**
 * The retained size of each group of nodes: the sum over those members that no other member of the group dominates, so that what one instance holds of another is
 * counted once. The same sum as DevTools shows for a constructor. Bytes that several members hold together and none of them alone are in no member's retained size,
 * and so not in the sum either. Nodes that the root does not reach are left out.
 *
 * One walk down the dominator tree answers for all groupings. Takes 4 bytes while it works for each node that has others below it.
 * @returns for each grouping the bytes of its groups
 * @throws {InterruptedError} when `control` says so
 */
export function computeGroupsRetained<G extends readonly Grouping[]>(
  tree: DominatorTree,
  dominators: Dominators,
  groupings: G,
  control?: Control,
): { [K in keyof G]: Float64Array } {
  const { first, child } = tree;
  const { retainedSize, reachableCount } = dominators;
  const tick = makeTicker(control);
  // Groups of all groupings are numbered through, so that one stack holds all that are open.
  const bases = [0];
  for (const { groupCount } of groupings) bases.push(bases[bases.length - 1]! + groupCount);
  const total = bases[groupings.length]!;
  const sums = sharedFloat64(total);
  const isOpen = new Uint8Array(total);
  // Groups that are open above the node at hand, and how high the stack of nodes stood below each one's subtree. At most one entry a group.
  const openGroups = new Int32Array(total);
  const openUntil = new Int32Array(total);
  let open = 0;
  const columns = groupings.map(({ rowOf }) => rowOf);
  const tables = groupings.map(({ groupOfRow, groupCount }, at) => {
    const table = groupOfRow ?? Int32Array.from({ length: groupCount }, (_, group) => group);
    return table.map((group) => (group >= 0 && group < groupCount ? bases[at]! + group : NO_GROUP));
  });
  const stack = new Int32Array(reachableCount);
  let depth = 0;
  if (reachableCount > 0) stack[depth++] = ROOT;
  let visited = 0;
  while (depth > 0) {
    const node = stack[--depth]!;
    while (open > 0 && openUntil[open - 1]! > depth) isOpen[openGroups[--open]!] = 0;
    const end = first[node + 1]!;
    for (let at = 0; at < groupings.length; at++) {
      const row = columns[at]![node]!;
      const table = tables[at]!;
      const group = row >= 0 && row < table.length ? table[row]! : NO_GROUP;
      if (group === NO_GROUP || isOpen[group] === 1) continue;
      sums[group]! += retainedSize[node]!;
      isOpen[group] = 1;
      openGroups[open] = group;
      // The subtree is done once something from below this node is popped.
      openUntil[open++] = depth;
    }
    for (let place = first[node]!; place < end; place++) {
      if ((visited++ & TICK_MASK) === 0) tick(visited / reachableCount);
      const below = child[place]!;
      if (first[below] !== first[below + 1]) {
        stack[depth++] = below;
        continue;
      }
      for (let at = 0; at < groupings.length; at++) {
        const row = columns[at]![below]!;
        const table = tables[at]!;
        const group = row >= 0 && row < table.length ? table[row]! : NO_GROUP;
        if (group !== NO_GROUP && isOpen[group] === 0) sums[group]! += retainedSize[below]!;
      }
    }
  }
  tick(1);
  return groupings.map((_, at) => sums.subarray(bases[at], bases[at + 1])) as { [K in keyof G]: Float64Array };
}

/** The same for one grouping: `groupOf` has the group of every node. */
export function computeGroupRetained(tree: DominatorTree, dominators: Dominators, groupOf: Int32Array, groupCount: number, control?: Control): Float64Array {
  return computeGroupsRetained(tree, dominators, [{ rowOf: groupOf, groupCount }] as const, control)[0];
}
