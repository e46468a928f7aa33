import { beforeAll, describe, expect, test } from 'vitest';
import { report } from '../../../src/commands/report.ts';
import type { HeapCensus } from '../../../src/graph/census.ts';
import { displayWidth } from '../../../src/render/escape.ts';
import { ansi, plain } from '../../../src/render/paint.ts';
import { reportJson } from '../../../src/render/report-json.ts';
import { commandLines, reportText } from '../../../src/render/report-text.ts';
import type { ReportTextOptions } from '../../../src/render/report-text.ts';
import { tableLines } from '../../../src/render/table.ts';
import type { ReportResult } from '../../../src/result.ts';
import { census, closures, collection, fakeSource, shape } from '../../support/fake-source.ts';
import type { FakeOptions } from '../../support/fake-source.ts';

const LOOK: ReportTextOptions = { width: 80, paint: plain, rows: 12, suspects: 5, internals: false, program: 'coreleak', elapsed: 3_100 };
const reportOf = (options: FakeOptions = {}, top?: number): Promise<ReportResult> =>
  report([() => Promise.resolve(fakeSource(options))], { version: '0.1.0', top, strings: false });
/** Lines without the commands of NEXT, whose words must stay whole. */
const laidOut = (text: string): string[] => text.slice(0, text.indexOf('\nNEXT')).split('\n');

describe('text of the shop', () => {
  let result: ReportResult;
  let text: string;
  beforeAll(async () => {
    result = await reportOf();
    text = reportText(result, LOOK);
  });
  test('has the answer first and the tables last', () => {
    const headings = text.split('\n').flatMap((line) => /^[A-Z]{4,}/.exec(line)?.[0] ?? []);
    expect(headings).toEqual(['VERDICT', 'SUSPECTS', 'MEMORY', 'SPACES', 'SHAPES', 'FUNCTIONS', 'COVERAGE', 'NEXT']);
  });
  test.each([40, 60, 80, 120, 160])('fits %i columns', (width) => {
    for (const line of laidOut(reportText(result, { ...LOOK, width }))) expect(displayWidth(line), line).toBeLessThanOrEqual(width);
  });
  test('puts the name, the size and the confidence on one line', () => {
    expect(text).toMatch(/^ 1 {2}412,003 AuditRecord in one Map +86\.0 MiB {4}55 % {2}high$/m);
  });
  test('shows an example that can be looked up', () => {
    expect(text).toMatch(/^ {4}e\.g\. {2}0x[0-9a-f]+ {2}\{ user: "…3 chars", action: "…5 chars" \}$/m);
  });
  test('folds what V8 and Node made, and says how to see it', () => {
    expect(text).not.toContain('IncomingMessage');
    expect(text).toContain('(5 shapes of V8, Node and functions folded, 66.2 MiB: --internals)');
    expect(text).toContain('(1 function of Node and V8 folded: --internals)');
    expect(reportText(result, { ...LOOK, internals: true })).toContain('IncomingMessage: _readableState');
  });
  test('says what was cut', () => {
    const cut = reportText(result, { ...LOOK, suspects: 1, rows: 2 });
    expect(cut).toContain('(3 more: --top 4)');
    expect(cut).toContain('(6 more: --top 13)');
  });
  test('aligns numbers to the right', () => {
    expect(text).toContain('   412,003   37.7 MiB       51  AuditRecord: user, action, at, detail\n   412,003   28.3 MiB        0  Object: ip');
  });
  test('ends in lines that can be typed', () => {
    expect(text).toContain('coreleak report /var/cores/core.1234 --binary /usr/local/bin/node \\\n             --format json\n');
  });
  test('is painted without a change to the text', () => {
    const painted = reportText(result, { ...LOOK, paint: ansi });

    expect(painted.replace(/\x1b\[\d+m/g, '')).toBe(text);
    expect(painted).not.toBe(text);
  });
});

const HOSTILE = '\x1b[2J\u202e名前\n"$(reboot)"';
const hostileCensus = (): HeapCensus =>
  census({
    shapes: [
      shape(HOSTILE, 40_000, { properties: Array.from({ length: 40 }, (_, at) => `${HOSTILE}${at}`) }),
      shape(`X${'y'.repeat(300)}`, 11_000),
      shape('日本語'.repeat(30), 10_500),
    ],
    collections: [collection('map', 40_000, { constructorName: HOSTILE, valueName: HOSTILE, valueShare: 0.9 })],
    functions: [closures(HOSTILE.repeat(9), 3_000, { script: `/srv/${HOSTILE}/${'deep/'.repeat(60)}a.js` })],
  });
const HOSTILE_SOURCE: FakeOptions = {
  census: hostileCensus(),
  facts: {
    path: `/tmp/${HOSTILE}`,
    process: { pid: 1, command: HOSTILE, argv: [HOSTILE, HOSTILE.repeat(30)], signal: HOSTILE, threads: 1 },
    memory: [{ what: HOSTILE.repeat(20), bytes: 10 }],
    warnings: [HOSTILE],
  },
  preview: () => HOSTILE.repeat(40),
};

describe('a hostile heap', () => {
  test.each([40, 80])('neither moves the cursor nor breaks %i columns', async (width) => {
    const text = reportText(await reportOf(HOSTILE_SOURCE), { ...LOOK, width });
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    for (const line of laidOut(text)) expect(displayWidth(line), line).toBeLessThanOrEqual(width);
  });
  test('its JSON can be shown with cat', async () => {
    const json = reportJson(await reportOf(HOSTILE_SOURCE));
    expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
    expect((JSON.parse(json) as { shapes: { constructor: string }[] }).shapes[0]?.constructor).toBe(HOSTILE);
  });
});

test('an empty heap reads well too', async () => {
  const text = reportText(await reportOf({ census: census({}), facts: { memory: [] } }), LOOK);
  expect(text).toContain('SUSPECTS   none');
  expect(text).not.toMatch(/NaN|undefined|Infinity/);
});

test('damage is said aloud', async () => {
  const coverage = {
    complete: false,
    heapPages: 9,
    walkedBytes: 100,
    skippedBytes: 2_048,
    missingBytes: 0,
    problems: [{ kind: 'bad-map', count: 3, bytes: 2_048, firstAddress: 0xabc1 }],
  };
  const text = reportText(await reportOf({ census: census({}, { coverage }) }), LOOK);
  expect(text).toMatch(/^COVERAGE {3}NOT COMPLETE/m);
  expect(text).toContain('bad-map: 3, first at 0xabc1');
});

describe('JSON', () => {
  type Spec = string | RegExp | { nullable: Spec } | { list: Spec } | { [key: string]: Spec };
  const nullable = (of: Spec): Spec => ({ nullable: of });
  const list = (of: Spec): Spec => ({ list: of });
  const hex = /^0x[0-9a-f]+$/;
  const SPEC: Record<string, Spec> = {
    schema: /^coreleak\.report\/1$/,
    generator: { name: 'string', version: 'string' },
    sources: list({
      path: 'string',
      kind: /^(core|heapsnapshot)$/,
      bytes: 'number',
      takenAt: nullable('string'),
      process: { pid: 'number', command: 'string', argv: list('string'), signal: nullable('string'), threads: 'number' },
      runtime: {
        node: /^v\d+\.\d+\.\d+/,
        v8: 'string',
        arch: 'string',
        flags: list('string'),
        binary: { path: nullable('string'), buildId: nullable('string'), match: /^(build-id|mismatch|absent)$/ },
      },
      coverage: {
        complete: 'boolean',
        heapPages: 'number',
        walkedBytes: 'number',
        skippedBytes: 'number',
        missingBytes: 'number',
        problems: list({ kind: 'string', count: 'number', firstAddress: nullable(hex) }),
      },
      heap: {
        objects: 'number',
        bytes: 'number',
        reachableObjects: 'number',
        reachableBytes: 'number',
        externalBytes: nullable('number'),
        isolates: list({ address: hex, kind: /^(main|worker)$/, objects: 'number', bytes: 'number' }),
        spaces: list({ isolate: nullable(hex), name: 'string', pages: 'number', objects: 'number', bytes: 'number' }),
      },
      native: nullable('object'),
      memory: list({ what: 'string', bytes: 'number' }),
    }),
    shapes: list({
      id: 'string',
      constructor: 'string',
      properties: list('string'),
      propertyCount: 'number',
      kind: 'string',
      instances: 'number',
      unreachable: 'number',
      shallowBytes: 'number',
      retainedBytes: nullable('number'),
      representative: hex,
    }),
    constructors: list({ name: 'string', instances: 'number', shallowBytes: 'number', retainedBytes: nullable('number') }),
    functions: list({
      name: 'string',
      script: nullable('string'),
      line: nullable('number'),
      column: nullable('number'),
      instances: 'number',
      retainedBytes: nullable('number'),
      representative: hex,
    }),
    suspects: list({
      rank: 'number',
      kind: 'string',
      title: 'string',
      score: 'number',
      confidence: /^(high|medium|low)$/,
      instances: nullable('number'),
      retainedBytes: nullable('number'),
      retainedShare: nullable('number'),
      shape: nullable('string'),
      representative: nullable(hex),
      reasons: list({ code: 'string', value: nullable('number'), threshold: nullable('number'), text: 'string' }),
      path: list('object'),
      fingerprint: 'string',
    }),
    growth: nullable('object'),
    truncatedBy: nullable('string'),
  };

  function check(value: unknown, spec: Spec, path: string): string[] {
    if (typeof spec === 'string') return typeof value === spec ? [] : [`${path} is ${JSON.stringify(value)}, not a ${spec}`];
    if (spec instanceof RegExp) return typeof value === 'string' && spec.test(value) ? [] : [`${path} is ${JSON.stringify(value)}`];
    if ('nullable' in spec && typeof spec['nullable'] === 'object') return value === null ? [] : check(value, spec['nullable'], path);
    if ('nullable' in spec) return value === null || typeof value === spec['nullable'] ? [] : [`${path} is ${JSON.stringify(value)}`];
    if ('list' in spec) return Array.isArray(value) ? value.flatMap((each, at) => check(each, spec['list'], `${path}[${at}]`)) : [`${path} is no list`];
    if (typeof value !== 'object' || value === null) return [`${path} is no object`];
    const record = value as Record<string, unknown>;
    // Known keys come first and in this order; new ones stand behind them.
    const order =
      Object.keys(record).slice(0, Object.keys(spec).length).join() === Object.keys(spec).join() ? [] : [`${path} has keys ${Object.keys(record).join()}`];
    return [...order, ...Object.entries(spec).flatMap(([key, of]) => check(record[key], of, `${path}.${key}`))];
  }

  test('has the keys, the types and the order of the contract', async () => {
    const parsed = JSON.parse(reportJson(await reportOf())) as { suspects: { rank: number }[] };
    expect(check(parsed, SPEC, 'report')).toEqual([]);
    expect(parsed.suspects.map((suspect) => suspect.rank)).toEqual([1, 2, 3, 4]);
  });
  test('absent facts are null', async () => {
    const parsed: unknown = JSON.parse(
      reportJson(
        await reportOf({
          census: census(
            { shapes: [shape('A', 3)], functions: [closures('', 2, { script: undefined, line: undefined, column: undefined })] },
            { externalBytes: undefined },
          ),
          facts: {
            takenAt: undefined,
            runtime: { node: 'v18.1.0', v8: '10', arch: 'x64', flags: [], binary: { path: undefined, buildId: undefined, match: 'absent' } },
          },
        }),
      ),
    );
    expect(check(parsed, SPEC, 'report')).toEqual([]);
    expect(parsed).toMatchObject({
      sources: [{ takenAt: null, runtime: { binary: { path: null, buildId: null } }, heap: { externalBytes: null }, process: { signal: null }, native: null }],
      functions: [{ script: null, line: null, column: null, retainedBytes: null }],
      growth: null,
      truncatedBy: null,
    });
  });
  test('says what --top cut', async () => {
    const cut = JSON.parse(reportJson(await reportOf({}, 2))) as { shapes: unknown[]; functions: unknown[]; suspects: unknown[]; truncatedBy: string };
    expect([cut.shapes.length, cut.functions.length, cut.suspects.length, cut.truncatedBy]).toEqual([2, 2, 2, '--top 2']);
    expect(JSON.parse(reportJson(await reportOf({}, 100)))).toMatchObject({ truncatedBy: null });
  });
});

describe('tables', () => {
  const table = {
    columns: [
      { key: 'n', kind: 'count' as const, title: 'n' },
      { key: 'what', kind: 'text' as const, title: 'what' },
      { key: 'at', kind: 'source-location' as const, title: 'at' },
    ],
    rows: [
      { n: 1_000, what: 'short', at: '/a/very/long/path/to/file.js:1:2' },
      { n: undefined, what: 'a rather long text', at: undefined },
    ],
  };
  test('take their natural width where there is room', () => {
    expect(tableLines(table, 80, plain)).toEqual([
      '    n  what                at',
      '1,000  short               /a/very/long/path/to/file.js:1:2',
      '    -  a rather long text  -',
    ]);
  });
  test('are squeezed evenly, paths at their start', () => {
    expect(tableLines(table, 36, plain)).toEqual(['    n  what           at', '1,000  short          …o/file.js:1:2', '    -  a rather lon…  -']);
  });
});

test('long commands break so that a shell can read them', () => {
  expect(commandLines(['coreleak', 'report', "'my core'", '--top 5'], 24)).toEqual(['coreleak report \\', "  'my core' --top 5"]);
  expect(commandLines(['coreleak', 'report'], 24)).toEqual(['coreleak report']);
});
