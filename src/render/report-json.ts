/** `report --format json`: the keys and their order are the contract of CHANGELOG.md's schema `coreleak.report/1`; new keys go behind the old ones. */
import type { ReportResult, SourceResult, SuspectResult } from '../result.ts';
import { formatAddress, sentenceText } from './format.ts';

const address = (value: number | undefined): string | null => (value === undefined ? null : formatAddress(value));

function sourceJson(source: SourceResult): object {
  const { process, runtime, coverage, heap } = source;
  return {
    path: source.path,
    kind: source.kind,
    bytes: source.bytes,
    takenAt: source.takenAt?.toISOString() ?? null,
    process: { pid: process.pid, command: process.command, argv: process.argv, signal: process.signal ?? null, threads: process.threads },
    runtime: {
      node: runtime.node,
      v8: runtime.v8,
      arch: runtime.arch,
      flags: runtime.flags,
      binary: { path: runtime.binary.path ?? null, buildId: runtime.binary.buildId ?? null, match: runtime.binary.match },
    },
    coverage: {
      complete: coverage.complete,
      heapPages: coverage.heapPages,
      walkedBytes: coverage.walkedBytes,
      skippedBytes: coverage.skippedBytes,
      missingBytes: coverage.missingBytes,
      problems: coverage.problems.map((p) => ({ kind: p.kind, count: p.count, firstAddress: address(p.firstAddress), bytes: p.bytes })),
    },
    heap: {
      objects: heap.objects,
      bytes: heap.bytes,
      reachableObjects: heap.reachableObjects,
      reachableBytes: heap.reachableBytes,
      externalBytes: heap.externalBytes ?? null,
      isolates: heap.isolates.map((i) => ({ address: formatAddress(i.address), kind: i.kind, objects: i.objects, bytes: i.bytes })),
      spaces: heap.spaces.map((s) => ({ isolate: address(s.isolate), name: s.name, pages: s.pages, objects: s.objects, bytes: s.bytes })),
      limitBytes: heap.limitBytes ?? null,
    },
    native: null,
    memory: source.memory.map((m) => ({ what: m.what, bytes: m.bytes })),
    writer: source.writer ?? null,
    warnings: source.warnings,
  };
}

function suspectJson(suspect: SuspectResult): object {
  return {
    rank: suspect.rank,
    kind: suspect.kind,
    title: sentenceText(suspect.title),
    score: suspect.score,
    confidence: suspect.confidence,
    instances: suspect.instances ?? null,
    retainedBytes: suspect.retainedBytes ?? null,
    retainedShare: suspect.retainedShare ?? null,
    shape: suspect.shape ?? null,
    representative: address(suspect.representative),
    reasons: suspect.reasons.map((r) => ({ code: r.code, value: r.value ?? null, threshold: r.threshold ?? null, text: sentenceText(r.text), against: r.against })),
    path: suspect.path.map((p) => ({ address: address(p.address), label: p.label, edge: p.edge ?? null, file: p.file ?? null, line: p.line ?? null })),
    fingerprint: suspect.fingerprint,
    shallowBytes: suspect.shallowBytes,
    code:
      suspect.code === undefined
        ? null
        : { name: suspect.code.name, script: suspect.code.script, line: suspect.code.line ?? null, column: suspect.code.column ?? null },
    route: suspect.route.length === 0 ? null : sentenceText(suspect.route),
    example: suspect.example ?? null,
  };
}

/** Prints a report as one JSON document, ending in a newline. Control characters that JSON lets through are escaped too, so that `cat` is safe. */
export function reportJson(report: ReportResult): string {
  const document = {
    schema: 'coreleak.report/1',
    generator: report.generator,
    sources: report.sources.map(sourceJson),
    shapes: report.shapes.map((s) => ({
      id: s.id,
      constructor: s.constructorName,
      properties: s.properties,
      propertyCount: s.propertyCount,
      kind: s.kind,
      instances: s.instances,
      unreachable: s.unreachable,
      shallowBytes: s.shallowBytes,
      retainedBytes: s.retainedBytes ?? null,
      representative: formatAddress(s.representative),
      origin: s.origin,
    })),
    constructors: report.constructors.map((c) => ({
      name: c.name,
      instances: c.instances,
      shallowBytes: c.shallowBytes,
      retainedBytes: c.retainedBytes ?? null,
      origin: c.origin,
    })),
    functions: report.functions.map((f) => ({
      name: f.name,
      script: f.script ?? null,
      line: f.line ?? null,
      column: f.column ?? null,
      instances: f.instances,
      retainedBytes: f.retainedBytes ?? null,
      representative: formatAddress(f.representative),
      shallowBytes: f.shallowBytes,
      origin: f.origin,
    })),
    suspects: report.suspects.map(suspectJson),
    growth: null,
    truncatedBy: report.truncatedBy ?? null,
    verdict: { level: report.verdict.level, sentences: report.verdict.sentences.map(sentenceText) },
  };
  return `${JSON.stringify(document, null, 1).replace(/[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}
