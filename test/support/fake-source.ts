/** A heap without a process: a census written down by hand, with a source around it. */
import type { CollectionRow, ConstructorRow, FunctionRow, HeapCensus, ShapeRow } from '../../src/graph/census.ts';
import { UnsupportedError } from '../../src/errors.ts';
import type { HeapSource, LayoutFacts, SourceFacts, SourceGraph, WorkOptions } from '../../src/session/source.ts';

const FIRST_ADDRESS = 0x1f4a00000001;
let nextAddress = FIRST_ADDRESS;
const address = (): number => (nextAddress += 0x40);

/** A row of the shape table: application objects of 48 bytes unless told otherwise. */
export function shape(constructorName: string, instances: number, over: Partial<ShapeRow> = {}): ShapeRow {
  const properties = over.properties ?? ['id'];
  return {
    id: 's?',
    constructorName,
    properties,
    propertyCount: properties.length,
    kind: 'object',
    origin: 'application',
    instances,
    unreachable: 0,
    shallowBytes: instances * 48,
    retainedBytes: undefined,
    representative: address(),
    ...over,
  };
}

/** A container. */
export function collection(kind: CollectionRow['kind'], entries: number, over: Partial<CollectionRow> = {}): CollectionRow {
  const constructorName = { array: 'Array', map: 'Map', set: 'Set', weak: 'WeakMap', object: 'Object' }[kind];
  return { address: address(), kind, constructorName, entries, bytes: entries * 16, valueName: undefined, valueShare: undefined, origin: 'language', ...over };
}

/** Closures of one function. */
export function closures(name: string, instances: number, over: Partial<FunctionRow> = {}): FunctionRow {
  return {
    name,
    script: '/srv/shop/lib/server.js',
    line: 41,
    column: 22,
    origin: 'application',
    instances,
    shallowBytes: instances * 64,
    retainedBytes: undefined,
    representative: address(),
    ...over,
  };
}

/** A census of these rows; totals follow from them. */
export function census(rows: { shapes?: ShapeRow[]; collections?: CollectionRow[]; functions?: FunctionRow[] }, over: Partial<HeapCensus> = {}): HeapCensus {
  const shapes = (rows.shapes ?? []).toSorted((a, b) => b.shallowBytes - a.shallowBytes).map((row, at) => ({ ...row, id: `s${at + 1}` }));
  const byName = new Map<string, ConstructorRow>();
  for (const row of shapes) {
    const sum = byName.get(row.constructorName) ?? {
      name: row.constructorName,
      origin: row.origin,
      kind: row.kind,
      instances: 0,
      shallowBytes: 0,
      retainedBytes: undefined,
    };
    byName.set(row.constructorName, { ...sum, instances: sum.instances + row.instances, shallowBytes: sum.shallowBytes + row.shallowBytes });
  }
  const reachableObjects = shapes.reduce((sum, row) => sum + row.instances, 0);
  const dead = shapes.reduce((sum, row) => sum + row.unreachable, 0);
  const bytes = shapes.reduce((sum, row) => sum + row.shallowBytes, 0) + (rows.collections ?? []).reduce((sum, row) => sum + row.bytes, 0);
  return {
    objects: reachableObjects + dead,
    bytes: bytes + dead * 48,
    reachableObjects,
    reachableBytes: bytes,
    externalBytes: 0,
    isolates: [{ address: 0x5581a0b0, kind: 'main', objects: reachableObjects + dead, bytes }],
    spaces: [{ isolate: 0x5581a0b0, name: 'old', pages: Math.ceil(bytes / 262144), objects: reachableObjects + dead, bytes }],
    shapes,
    constructors: [...byName.values()].sort((a, b) => b.shallowBytes - a.shallowBytes),
    functions: (rows.functions ?? []).toSorted((a, b) => b.instances - a.instances),
    collections: (rows.collections ?? []).toSorted((a, b) => b.entries - a.entries),
    coverage: { complete: true, heapPages: Math.ceil(bytes / 262144), walkedBytes: bytes, skippedBytes: 0, missingBytes: 0, problems: [] },
    ...over,
  };
}

/** The heap of a shop whose audit log is never emptied: one large leak, one of listeners, a cache, and what a healthy server has. */
export function shopCensus(): HeapCensus {
  nextAddress = FIRST_ADDRESS;
  const language = { origin: 'language' as const };
  const internal = { origin: 'internal' as const, kind: 'internal' as const, properties: [] };
  return census(
    {
      shapes: [
        shape('AuditRecord', 412_003, { properties: ['user', 'action', 'at', 'detail'], shallowBytes: 39_552_288, unreachable: 51 }),
        shape('Object', 412_003, { properties: ['ip', 'agent', 'path', 'status', 'bytes', 'ms'], shallowBytes: 29_664_216 }),
        shape('CartLine', 32_044, { properties: ['sku', 'quantity', 'price'], unreachable: 1_204 }),
        shape('Cart', 8_011, { properties: ['lines', 'customer', 'updatedAt'] }),
        shape('Customer', 2_100, { properties: ['name', 'email'] }),
        shape('Array', 40_100, { ...language, kind: 'array', properties: [] }),
        shape('Date', 12_011, { ...language, properties: [] }),
        shape('Map', 31, { ...language, kind: 'map', properties: [] }),
        shape('IncomingMessage', 220, { origin: 'node', properties: ['_readableState', '_events', '_eventsCount', 'socket'] }),
        shape('(string)', 1_650_110, { ...internal, kind: 'string', shallowBytes: 61_000_000 }),
        shape('(heap number)', 420_000, { ...internal, kind: 'number', shallowBytes: 6_720_000 }),
        shape('system / Context', 18_900, { ...internal, kind: 'context' }),
        shape('system / Map', 9_120, { ...internal, shallowBytes: 729_600 }),
      ],
      collections: [
        collection('map', 412_003, { valueName: 'AuditRecord', valueShare: 1, bytes: 20_971_576 }),
        collection('array', 18_204, { valueName: 'onUpdate', valueShare: 1 }),
        collection('map', 8_011, { valueName: 'Cart', valueShare: 1 }),
        collection('object', 5_210, { valueName: 'String', valueShare: 0.98 }),
        collection('array', 1_400, { constructorName: 'Array', valueName: 'String', valueShare: 1 }),
      ],
      functions: [
        closures('onUpdate', 18_204, { script: '/srv/shop/lib/proxy.js', line: 88, column: 16 }),
        closures('', 640, {
          script: '/srv/shop/node_modules/@long-scope/some-quite-long-package-name/dist/commonjs/internal/handlers/index.js',
          line: 1_204,
          column: 31,
        }),
        closures('onclose', 220, { origin: 'node', script: 'node:net', line: 700, column: 3 }),
      ],
    },
    { externalBytes: 18_874_368 },
  );
}

const FACTS: SourceFacts = {
  path: '/var/cores/core.1234',
  kind: 'core',
  writer: 'gcore',
  bytes: 314_572_800,
  takenAt: new Date('2026-08-20T03:12:00Z'),
  process: { pid: 1234, command: 'node', argv: ['node', '--max-old-space-size=512', '/srv/shop/server.js'], signal: undefined, threads: 11 },
  runtime: {
    node: 'v22.23.3',
    v8: '12.4.254.21-node.57',
    arch: 'x64',
    flags: ['--max-old-space-size=512'],
    binary: { path: '/usr/local/bin/node', buildId: '0a1b2c3d', match: 'build-id' },
  },
  heapLimitBytes: 536_870_912,
  memory: [
    { what: 'V8 heap', bytes: 190_000_000 },
    { what: 'ArrayBuffers', bytes: 18_874_368 },
    { what: 'stacks, code, files', bytes: 81_000_000 },
    { what: 'unaccounted', bytes: 24_698_432 },
  ],
  warnings: [],
};

const LAYOUT: LayoutFacts = {
  table: '12.4',
  exact: true,
  counts: { symbol: 61, canned: 22, derived: 4 },
  constants: [
    { name: 'off_fp_function', value: -16, origin: 'symbol', note: '' },
    { name: 'page_size', value: 262144, origin: 'derived', note: 'page headers repeat at this distance' },
  ],
  missing: [{ name: 'class_Foo__bar__int', disables: 'names of Foo' }],
  checks: [{ what: 'maps of maps are maps', passed: true, detail: '9,120 of 9,120' }],
};

/** What a fake source is to answer, and how it is to misbehave. */
export interface FakeOptions {
  readonly census?: HeapCensus;
  readonly facts?: Partial<SourceFacts>;
  readonly layout?: LayoutFacts | undefined;
  readonly preview?: (address: number, strings: boolean) => string;
  readonly graph?: Promise<SourceGraph>;
  /** Takes the place of the census: throws, waits, reports progress. */
  readonly work?: (options: WorkOptions | undefined) => Promise<HeapCensus>;
}

/** A source that answers from memory and remembers whether it was closed. */
export function fakeSource(options: FakeOptions = {}): HeapSource & { readonly closed: () => number } {
  let closed = 0;
  return {
    facts: { ...FACTS, ...options.facts },
    layout: 'layout' in options ? options.layout : LAYOUT,
    census: (work) => options.work?.(work) ?? Promise.resolve(options.census ?? shopCensus()),
    graph: () => options.graph ?? Promise.reject(new UnsupportedError('a census written down by hand has no graph')),
    preview: (at, { strings }) => options.preview?.(at, strings) ?? (strings ? '{ user: "ann", action: "login" }' : '{ user: "…3 chars", action: "…5 chars" }'),
    close: () => {
      closed++;
    },
    closed: () => closed,
  };
}
