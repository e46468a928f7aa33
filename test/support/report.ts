/** The part of `report --format json` that the tests read, as the schema `coreleak.report/1` has it. Absent facts are null. */

interface ReportSource {
  readonly path: string;
  readonly kind: string;
  readonly bytes: number;
  readonly process: { readonly pid: number; readonly command: string; readonly argv: readonly string[]; readonly signal: string | null; readonly threads: number };
  readonly runtime: {
    readonly node: string;
    readonly v8: string;
    readonly arch: string;
    readonly flags: readonly string[];
    readonly binary: { readonly path: string | null; readonly buildId: string | null; readonly match: string };
  };
  readonly coverage: {
    readonly complete: boolean;
    readonly heapPages: number;
    readonly walkedBytes: number;
    readonly skippedBytes: number;
    readonly missingBytes: number;
    readonly problems: readonly { readonly kind: string; readonly count: number; readonly firstAddress: string | null }[];
  };
  readonly heap: {
    readonly objects: number;
    readonly bytes: number;
    readonly reachableObjects: number;
    readonly reachableBytes: number;
    readonly externalBytes: number | null;
    readonly isolates: readonly { readonly address: string; readonly kind: string; readonly objects: number; readonly bytes: number }[];
    readonly spaces: readonly { readonly isolate: string | null; readonly name: string; readonly pages: number; readonly objects: number; readonly bytes: number }[];
  };
  readonly memory: readonly { readonly what: string; readonly bytes: number }[];
}

interface ReportShape {
  readonly id: string;
  readonly constructor: string;
  readonly properties: readonly string[];
  readonly propertyCount: number;
  readonly kind: string;
  readonly instances: number;
  readonly unreachable: number;
  readonly shallowBytes: number;
  readonly representative: string;
}

interface ReportConstructor {
  readonly name: string;
  readonly instances: number;
  readonly shallowBytes: number;
  readonly retainedBytes: number | null;
}

interface ReportFunction {
  readonly name: string;
  readonly script: string | null;
  readonly line: number | null;
  readonly column: number | null;
  readonly instances: number;
}

export interface ReportSuspect {
  readonly rank: number;
  readonly kind: string;
  readonly title: string;
  readonly score: number;
  readonly confidence: 'high' | 'medium' | 'low';
  readonly instances: number | null;
  readonly retainedBytes: number | null;
  readonly retainedShare: number | null;
  /** Id of the shape it is about. */
  readonly shape: string | null;
  /** From a root to what is suspected. */
  readonly path: readonly { readonly address: string | null; readonly label: string; readonly edge: string | null; readonly file: string | null; readonly line: number | null }[];
  readonly reasons: readonly { readonly code: string; readonly value: number | null; readonly threshold: number | null; readonly text: string }[];
  readonly fingerprint: string;
}

export interface Report {
  readonly schema: string;
  readonly generator: { readonly name: string; readonly version: string };
  readonly sources: readonly ReportSource[];
  readonly shapes: readonly ReportShape[];
  readonly constructors: readonly ReportConstructor[];
  readonly functions: readonly ReportFunction[];
  readonly suspects: readonly ReportSuspect[];
  readonly truncatedBy: string | null;
}

/** Reachable instances of the class `name`; 0 when the report does not name it. */
export function instancesOf(report: Report, name: string): number {
  return report.constructors.find((row) => row.name === name)?.instances ?? 0;
}

/** Garbage of the class `name`, over all its shapes. */
export function unreachableOf(report: Report, name: string): number {
  return report.shapes.filter((shape) => shape.constructor === name).reduce((sum, shape) => sum + shape.unreachable, 0);
}

/** All that the suspects say, with the separators of thousands taken out of the numbers. */
export function suspectsText(report: Report): string {
  return report.suspects.map((suspect) => [suspect.title, ...suspect.reasons.map((reason) => reason.text)].join('; ').replace(/(?<=\d),(?=\d{3})/g, '')).join('\n');
}
