/** Retained sizes of groups: what would be freed if all instances of a shape, or of a constructor, went. */
import type { Control } from './control.ts';
import { makeTicker, TICK_MASK } from './control.ts';
import type { DominatorTree } from './dominator-tree.ts';
import type { Dominators } from './dominators.ts';
import { ROOT } from './heap-graph.ts';
import { sharedFloat64 } from './shared.ts';

/**
 * The retained size of each group of nodes: the sum over those members that no other member of the group dominates, so that what one instance holds of another is
 * counted once. The same sum as DevTools shows for a constructor. Bytes that several members hold together and none of them alone are in no member's retained size,
 * and so not in the sum either. Nodes that the root does not reach are left out.
 *
 * Takes 4 bytes a node while it works.
 * @param groupOf the group of every node, from 0 to below `groupCount`; anything else is in no group
 * @throws {InterruptedError} when `control` says so
 */
export function computeGroupRetained(tree: DominatorTree, dominators: Dominators, groupOf: Int32Array, groupCount: number, control?: Control): Float64Array {
  const { first, child } = tree;
  const { retainedSize, reachableCount } = dominators;
  const tick = makeTicker(control);
  const sums = sharedFloat64(groupCount);
  if (reachableCount === 0) return sums;
  const isOpen = new Uint8Array(groupCount);
  // Groups that are open above the node at hand, and how high the stack of nodes stood below each one's subtree. At most one entry a group.
  const openGroups = new Int32Array(groupCount);
  const openUntil = new Int32Array(groupCount);
  let open = 0;
  const stack = new Int32Array(reachableCount);
  let depth = 0;
  stack[depth++] = ROOT;
  let visited = 0;
  while (depth > 0) {
    if ((visited++ & TICK_MASK) === 0) tick(visited / reachableCount);
    const node = stack[--depth]!;
    while (open > 0 && openUntil[open - 1]! > depth) isOpen[openGroups[--open]!] = 0;
    const group = groupOf[node]!;
    const row = first[node]!;
    const end = first[node + 1]!;
    if (group >= 0 && group < groupCount && isOpen[group] === 0) {
      sums[group]! += retainedSize[node]!;
      if (row < end) {
        isOpen[group] = 1;
        openGroups[open] = group;
        // The subtree is done once something from below this node is popped.
        openUntil[open++] = depth;
      }
    }
    for (let at = row; at < end; at++) stack[depth++] = child[at]!;
  }
  tick(1);
  return sums;
}
