/** Groups of objects that can be compared with each other: a class of the application counts once, a plain object once per list of properties. */
import type { FunctionRow, HeapCensus, Origin, ShapeKind, ShapeRow } from '../graph/census.ts';

/** All live objects that a person would give one name. */
export interface Group {
  readonly name: string;
  /** Property names that tell one plain `Object` from another; empty for a class of its own name. */
  readonly properties: readonly string[];
  readonly propertyCount: number;
  readonly kind: ShapeKind;
  readonly origin: Origin;
  readonly instances: number;
  readonly shallowBytes: number;
  /** What would be freed if all instances went; `undefined` where the source does not say it of just these. */
  readonly retainedBytes: number | undefined;
  /** The shape of most of its instances. */
  readonly shape: ShapeRow;
}

const OBJECT_KINDS: readonly ShapeKind[] = ['object', 'array', 'map', 'set', 'buffer'];

/** Says whether a row is one of many objects without a class of their own, told apart by their properties. */
function isPlain(row: ShapeRow): boolean {
  return row.constructorName === 'Object' || row.constructorName === '';
}

const label = (group: Group): string => [group.name, ...group.properties].join('\0');

/** Groups the live objects of the census; most instances first, ties by name, so that the order never depends on addresses. */
export function groupObjects(census: HeapCensus): Group[] {
  const rowsByKey = new Map<string, ShapeRow[]>();
  for (const row of census.shapes) {
    if (row.instances === 0 || !OBJECT_KINDS.includes(row.kind)) continue;
    const key = isPlain(row) ? `${row.origin}\0Object\0${row.properties.join('\0')}\0${row.propertyCount}` : `${row.origin}\0${row.constructorName}`;
    const rows = rowsByKey.get(key);
    if (rows === undefined) rowsByKey.set(key, [row]);
    else rows.push(row);
  }
  const constructors = new Map(census.constructors.map((row) => [row.name, row]));
  const groups: Group[] = [];
  for (const rows of rowsByKey.values()) {
    const shape = rows.reduce((most, row) =>
      row.instances > most.instances || (row.instances === most.instances && row.properties.join() < most.properties.join()) ? row : most,
    );
    const instances = rows.reduce((sum, row) => sum + row.instances, 0);
    const whole = constructors.get(shape.constructorName);
    // Sums over shapes would count twice what one holds of another.
    const retainedBytes = rows.length === 1 ? shape.retainedBytes : whole?.instances === instances ? whole.retainedBytes : undefined;
    groups.push({
      name: shape.constructorName === '' ? 'Object' : shape.constructorName,
      properties: isPlain(shape) ? shape.properties : [],
      propertyCount: shape.propertyCount,
      kind: shape.kind,
      origin: shape.origin,
      instances,
      shallowBytes: rows.reduce((sum, row) => sum + row.shallowBytes, 0),
      retainedBytes,
      shape,
    });
  }
  return groups.sort((a, b) => b.instances - a.instances || (label(a) < label(b) ? -1 : 1));
}

const definition = (row: FunctionRow): string => [row.script ?? '', row.line ?? 0, row.column ?? 0, row.name].join(':');

/** All live closures of one definition of the application, most instances first. */
export function applicationFunctions(census: HeapCensus): FunctionRow[] {
  return census.functions
    .filter((row) => row.origin === 'application' && row.instances > 0)
    .sort((a, b) => b.instances - a.instances || (definition(a) < definition(b) ? -1 : 1));
}

/** Groups whose counts differ by at most this share are taken to come and go together. */
const TOGETHER = 0.02;
/** Groups that come in twos, threes or fours are held to a closer match: chance would find one too often. */
const MULTIPLE_TOLERANCE = 0.002;

/** Says whether two counts are so close that the objects seem to come in pairs. */
export function comeTogether(a: number, b: number): boolean {
  return Math.abs(a - b) <= Math.max(10, TOGETHER * Math.max(a, b));
}

/** How many of `many` there are for each of `few`, if that is a whole number from 1 to 4; `undefined` otherwise. */
export function perEach(many: number, few: number): number | undefined {
  if (comeTogether(many, few)) return 1;
  const times = Math.round(many / few);
  return times >= 2 && times <= 4 && Math.abs(many - times * few) <= Math.max(10, MULTIPLE_TOLERANCE * many) ? times : undefined;
}

/** A cohort: groups of about the same number of instances, and the largest count below them. */
export interface Cohort<T extends { readonly instances: number }> {
  readonly members: readonly T[];
  /** The first group that is not a member; `undefined` when there is none. */
  readonly next: T | undefined;
}

/** Cuts groups, sorted by instances, into cohorts; those under `floor` only serve as the next group. */
export function cohorts<T extends { readonly instances: number }>(sorted: readonly T[], floor: number): Cohort<T>[] {
  const found: Cohort<T>[] = [];
  for (let at = 0; at < sorted.length;) {
    const leader = sorted[at];
    if (leader === undefined || leader.instances < floor) break;
    let end = at + 1;
    for (let member = sorted[end]; member !== undefined && comeTogether(leader.instances, member.instances); member = sorted[end]) end++;
    found.push({ members: sorted.slice(at, end), next: sorted[end] });
    at = end;
  }
  return found;
}
