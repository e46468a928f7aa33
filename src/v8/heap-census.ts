/** The census of a V8 heap: puts the counts of walk and marks together into the records that every source gives. */
import type { Address } from '../bytes/address.ts';
import type { ConstructorRow, FunctionRow, HeapCensus, IsolateRow, SpaceRow } from '../graph/census.ts';
import type { HeapProblem, WalkReport } from '../errors.ts';
import { Containers } from './containers.ts';
import { functionPlace, tryReadSharedFunctionInfo } from './functions.ts';
import type { EnginePool } from './engine-pool.ts';
import { findMapOf } from './heap.ts';
import { addressOfRef } from './heap-memory.ts';
import type { WalkProblem } from './heap-walk.ts';
import type { MarkResult } from './mark.ts';
import { originOfScript } from './names.ts';
import { type HeapPlan, type MarkedHeap, type ReadOptions, type WalkedHeap, readHeap } from './read-heap.ts';
import { ShapeGroups } from './shape-groups.ts';
import { isFromPage, spaceName } from './spaces.ts';
import { stringLength } from './strings.ts';

/** A census, and the heap it was made of for whoever wants to look at values. */
export interface CensusResult {
  readonly census: HeapCensus;
  readonly heap: WalkedHeap;
  readonly marked: MarkedHeap;
  readonly groups: ShapeGroups;
  /** By row of the census's `functions`: ref of the SharedFunctionInfo. */
  readonly sharedOfFunction: Int32Array;
  /** The threads, where they were asked to stay. */
  readonly pool: EnginePool | undefined;
}

function countSpaces(heap: WalkedHeap): SpaceRow[] {
  const { plan, pageObjects, pageBytes } = heap;
  const isolateOf = new Map(plan.isolates.map((isolate) => [isolate.heap, isolate.address]));
  const rows = new Map<string, { isolate: Address | undefined; name: string; pages: number; objects: number; bytes: number }>();
  for (const [index, page] of plan.parts.pages.entries()) {
    const name = spaceName(page, plan.layout, plan.target.memory);
    const isolate = isolateOf.get(page.heap);
    const key = `${isolate ?? 0} ${name}`;
    const row = rows.get(key) ?? { isolate, name, pages: 0, objects: 0, bytes: 0 };
    row.pages++;
    row.objects += pageObjects[index]!;
    row.bytes += pageBytes[index]!;
    rows.set(key, row);
  }
  return [...rows.values()].sort((a, b) => b.bytes - a.bytes);
}

function countIsolates(heap: WalkedHeap): IsolateRow[] {
  const { plan, pageObjects, pageBytes } = heap;
  const rows = new Map(plan.isolates.map((isolate) => [isolate.heap, { address: isolate.address, kind: isolate.kind, objects: 0, bytes: 0 }]));
  for (const [index, page] of plan.parts.pages.entries()) {
    const row = rows.get(page.heap);
    if (row === undefined) continue;
    row.objects += pageObjects[index]!;
    row.bytes += pageBytes[index]!;
  }
  return [...rows.values()];
}

/** Adds up the damage that the walks met, and what the marks found that the walks had not. */
function report(heap: WalkedHeap, results: readonly MarkResult[]): WalkReport {
  const problems = new Map<string, WalkProblem>();
  let skippedBytes = 0;
  let missingBytes = heap.plan.target.memory.missingBytes;
  let absentAreaBytes = 0;
  let freeBytes = 0;
  for (const { walk } of heap.walks) {
    skippedBytes += walk.skippedBytes;
    absentAreaBytes += walk.missingBytes;
    freeBytes += walk.freeBytes;
    for (const problem of walk.problems.values()) {
      const known = problems.get(problem.kind);
      if (known === undefined) problems.set(problem.kind, { ...problem });
      else {
        known.count += problem.count;
        known.bytes += problem.bytes;
        known.first = Math.min(known.first, problem.first);
      }
    }
  }
  missingBytes = Math.max(missingBytes, absentAreaBytes);
  const rows: HeapProblem[] = [...problems.values()].map(({ kind, count, bytes, first }) => ({ kind, count, bytes, firstAddress: addressOfRef(heap.plan.parts, first) }));
  const strays = results.reduce((sum, result) => sum + result.strays, 0);
  if (strays > 0) rows.push({ kind: 'not-walked', count: strays, bytes: 0, firstAddress: undefined });
  if (missingBytes > 0) rows.push({ kind: 'not-in-the-core', count: 1, bytes: missingBytes, firstAddress: undefined });
  const walked = heap.plan.parts.pages.filter((page) => !isFromPage(page));
  return { complete: skippedBytes === 0 && missingBytes === 0 && strays === 0, heapPages: walked.length, walkedBytes: heap.bytes + freeBytes, skippedBytes, missingBytes, problems: rows };
}

function constructorsOf(shapes: HeapCensus['shapes']): ConstructorRow[] {
  const rows = new Map<string, { -readonly [K in keyof ConstructorRow]: ConstructorRow[K] }>();
  for (const shape of shapes) {
    if (shape.instances === 0) continue;
    const row = rows.get(shape.constructorName);
    if (row === undefined) {
      const { constructorName, origin, kind, instances, shallowBytes } = shape;
      rows.set(constructorName, { name: constructorName, origin, kind, instances, shallowBytes, retainedBytes: undefined });
    } else {
      row.instances += shape.instances;
      row.shallowBytes += shape.shallowBytes;
    }
  }
  return [...rows.values()].sort((a, b) => b.shallowBytes - a.shallowBytes);
}

function functionsOf(heap: WalkedHeap, results: readonly MarkResult[]): { readonly shared: number; readonly row: FunctionRow }[] {
  const { parts } = heap.plan;
  const functions: { readonly shared: number; readonly row: FunctionRow }[] = [];
  const counts = new Map<number, { instances: number; sample: number }>();
  for (const { functions: rows } of results) {
    for (let i = 0; i + 2 < rows.length; i += 3) {
      const known = counts.get(rows[i]!);
      if (known === undefined) counts.set(rows[i]!, { instances: rows[i + 1]!, sample: rows[i + 2]! });
      else {
        known.instances += rows[i + 1]!;
        known.sample = Math.min(known.sample, rows[i + 2]!);
      }
    }
  }
  for (const [shared, { instances, sample }] of counts) {
    const facts = tryReadSharedFunctionInfo(heap.view, addressOfRef(parts, shared));
    const closure = addressOfRef(parts, sample);
    const place = facts === undefined ? undefined : functionPlace(heap.view, facts);
    const row: FunctionRow = {
      name: facts?.name ?? '',
      script: facts?.scriptName,
      line: place?.line,
      column: place?.column,
      origin: facts?.script === undefined ? 'language' : originOfScript(facts.scriptName),
      instances,
      shallowBytes: instances * (findMapOf(heap.view, closure)?.instanceSizeWords ?? 0) * 8,
      retainedBytes: undefined,
      representative: closure + 1,
    };
    functions.push({ shared, row });
  }
  return functions.sort((a, b) => b.row.instances - a.row.instances || a.row.representative - b.row.representative);
}

/** Contents that an external string keeps outside of the heap. */
export interface ExternalContents {
  /** A string that owns them. */
  readonly ref: number;
  readonly address: Address;
  readonly bytes: number;
}

/** Contents of external strings; those in a mapped file (Node's own sources) are no memory of the heap's and are left out. Strings may share contents. */
export function externalContents(heap: WalkedHeap, refs: Iterable<number>): ExternalContents[] {
  const { view, plan } = heap;
  const found: ExternalContents[] = [];
  for (const ref of refs) {
    const address = addressOfRef(plan.parts, ref);
    const type = findMapOf(view, address)?.instanceType;
    const data = view.memory.readPointer(address + view.layout.at.externalStringData);
    if (type === undefined || data === undefined) continue;
    const mapping = plan.target.memory.findMapping(data);
    if (mapping === undefined || mapping.file !== undefined || data >= mapping.savedEnd) continue;
    const ONE_BYTE = 8;
    found.push({ ref, address: data, bytes: (stringLength(view, address) ?? 0) * ((type & ONE_BYTE) === 0 ? 2 : 1) });
  }
  return found;
}

/** Bytes of backing stores by their address. */
export function backingStores(results: readonly MarkResult[]): Map<Address, number> {
  const stores = new Map<Address, number>();
  for (const { stores: pairs } of results) for (let i = 0; i + 1 < pairs.length; i += 2) stores.set(pairs[i]!, pairs[i + 1]!);
  return stores;
}

function externalBytes(heap: WalkedHeap, results: readonly MarkResult[]): number {
  const contents = new Map(externalContents(heap, results.flatMap((result) => [...result.externalStrings])).map((one) => [one.address, one.bytes]));
  return [...backingStores(results).values(), ...contents.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** Reads the heap and counts it. Names are worked out while another thread marks. */
export async function takeCensus(plan: HeapPlan, options: ReadOptions = {}): Promise<CensusResult> {
  const onWalked = (heap: WalkedHeap): ShapeGroups => {
    const groups = new ShapeGroups(heap);
    groups.nameMaps();
    return groups;
  };
  const { heap, marked, early: groups, pool } = await readHeap(plan, onWalked, options);
  options.onProgress?.('names', 0);
  groups.count();
  const { results } = marked;
  const shapes = groups.rows();
  const containers = [...results.flatMap((result) => [...result.largeContainers]), ...groups.largeDictionaries.map((large) => large.ref)];
  const addresses = [...new Set(containers)].map((ref) => addressOfRef(plan.parts, ref));
  options.onProgress?.('names', 0.3);
  const functions = functionsOf(heap, results);
  const census: HeapCensus = {
    objects: heap.objects,
    bytes: heap.bytes,
    reachableObjects: results.reduce((sum, result) => sum + result.objects, 0),
    reachableBytes: results.reduce((sum, result) => sum + result.bytes, 0),
    externalBytes: externalBytes(heap, results),
    isolates: countIsolates(heap),
    spaces: countSpaces(heap),
    shapes,
    constructors: constructorsOf(shapes),
    functions: functions.map(({ row }) => row),
    collections: new Containers(heap.view, groups.names).rows(addresses),
    coverage: report(heap, results),
  };
  options.onProgress?.('names', 1);
  return { census, heap, marked, groups, sharedOfFunction: Int32Array.from(functions, ({ shared }) => shared), pool };
}
