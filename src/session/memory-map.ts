/** What the memory that a core holds is used for: every saved byte once, by the mapping or the V8 page it belongs to. */
import type { Target } from '../target/target.ts';
import type { HeapPlan } from '../v8/read-heap.ts';
import { spaceName } from '../v8/spaces.ts';
import type { SourceFacts } from './source.ts';

interface Use {
  readonly start: number;
  readonly end: number;
  readonly what: string;
}

/** What a mapping is when no V8 page says otherwise. */
function useOfMapping(target: Target, mapping: Target['memory']['mappings'][number]): string {
  if (mapping.file !== undefined) return 'mapped files';
  if (target.threads.some((thread) => thread.rsp !== undefined && thread.rsp >= mapping.start && thread.rsp < mapping.end)) return 'thread stacks';
  if (mapping.flags === 0) return 'reserved, no access';
  const PF_X = 1;
  return (mapping.flags & PF_X) !== 0 ? 'V8 code range outside of pages' : 'native memory (malloc and other)';
}

/** Adds up the bytes in the core by what they are, most first. The sum is all the memory that the file holds. */
export function memoryRows(target: Target, plan: HeapPlan): SourceFacts['memory'] {
  const pages: Use[] = plan.parts.pages
    .map((page) => ({ start: page.base, end: page.base + page.size, what: `V8 ${spaceName(page, plan.layout, target.memory)} space` }))
    .sort((a, b) => a.start - b.start);
  const bytes = new Map<string, number>();
  const add = (what: string, count: number): void => {
    if (count > 0) bytes.set(what, (bytes.get(what) ?? 0) + count);
  };
  let next = 0;
  for (const mapping of target.memory.mappings) {
    let left = mapping.savedEnd - mapping.start;
    if (left <= 0) continue;
    while (next > 0 && pages[next - 1] !== undefined && (pages[next - 1]?.end ?? 0) > mapping.start) next--;
    while (next < pages.length && (pages[next]?.end ?? 0) <= mapping.start) next++;
    for (let i = next; i < pages.length; i++) {
      const page = pages[i];
      if (page === undefined || page.start >= mapping.savedEnd) break;
      const count = Math.min(page.end, mapping.savedEnd) - Math.max(page.start, mapping.start);
      add(page.what, count);
      left -= Math.max(0, count);
      next = i;
    }
    add(useOfMapping(target, mapping), left);
  }
  add('vsyscall page of the kernel', target.memory.vsyscallBytes);
  return [...bytes].sort((a, b) => b[1] - a[1]).map(([what, count]) => ({ what, bytes: count }));
}
