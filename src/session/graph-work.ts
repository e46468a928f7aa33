/** What is worked out from an object graph away from the main thread, over columns that both threads share. */
import { computeRetained } from '../graph/census-retained.ts';
import type { NodeRows, RetainedColumns } from '../graph/census-retained.ts';
import { partOf } from '../graph/control.ts';
import type { GraphColumns } from '../graph/heap-graph.ts';
import { computePathTree } from '../graph/path-tree.ts';
import type { PathTree } from '../graph/path-tree.ts';
import { computePathView } from '../graph/paths.ts';
import type { PathView } from '../graph/paths.ts';
import { computeRetainers } from '../graph/retainers.ts';

/** What a worker is asked. */
export type GraphTask =
  | { readonly kind: 'retained'; readonly rows: NodeRows }
  | { readonly kind: 'path-tree'; readonly graph: GraphColumns }
  | { readonly kind: 'paths'; readonly graph: GraphColumns };

/** What it answers to each kind of task. */
export interface GraphAnswers {
  readonly retained: RetainedColumns;
  readonly 'path-tree': PathTree;
  readonly paths: PathView;
}

/** Does one task. */
export function doGraphTask(task: GraphTask, onProgress: (share: number) => void): GraphAnswers[GraphTask['kind']] {
  switch (task.kind) {
    case 'retained':
      return computeRetained(task.rows, { onProgress });
    case 'path-tree':
      return computePathTree(task.graph, { onProgress });
    case 'paths':
      return computePathView(task.graph, computeRetainers(task.graph, partOf({ onProgress }, 0, 0.4)), {}, partOf({ onProgress }, 0.4, 1));
  }
}
