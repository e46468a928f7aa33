/** The public API: open a source, count its heap, rank what is suspicious. Re-exports only. */
export { openSource, type OpenSourceOptions } from './session/open.ts';
export type { HeapSource, LayoutFacts, ProcessFacts, RuntimeFacts, SourceFacts, WorkOptions } from './session/source.ts';
export type { CollectionRow, ConstructorRow, FunctionRow, HeapCensus, IsolateRow, ShapeRow, SpaceRow } from './graph/census.ts';
export { BinaryMismatchError, CoreleakError, FaultError, InterruptedError, LimitError, MalformedInputError, UnsupportedError } from './errors.ts';
export type { HeapProblem, WalkReport } from './errors.ts';
