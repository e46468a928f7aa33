/**
 * What a command returns: typed records and tables, no text widths and no colours. Views turn them into text or JSON.
 * Absent facts are `undefined`; addresses, bytes and counts stay numbers until render prints them.
 */

/** What the values of a column are: says how a view aligns and prints them. */
export type ColumnKind = 'address' | 'bytes' | 'count' | 'percent' | 'shape' | 'source-location' | 'text';

/** One column of a table; `key` names the field of the rows. */
export interface Column {
  readonly key: string;
  readonly kind: ColumnKind;
  readonly title: string;
}

/** One cell: `undefined` where the source cannot tell. */
export type Cell = string | number | undefined;

/** Columns with their kinds, and rows: what every list on every screen is made from. */
export interface Result {
  readonly columns: readonly Column[];
  readonly rows: readonly Readonly<Record<string, Cell>>[];
}

/**
 * One piece of a sentence. A plain string is coreleak's own wording; `name` is a string of the dead process and never trusted;
 * the others are figures that a view prints in its own way. `ratio` is "how many times", `share` lies in [0, 1].
 */
type SentencePart =
  | string
  | { readonly name: string }
  | { readonly count: number }
  | { readonly bytes: number }
  | { readonly share: number }
  | { readonly ratio: number }
  | { readonly address: number };

/** A sentence whose figures are still typed. analysis builds the same records; the compiler checks that they fit. */
export type Sentence = readonly SentencePart[];

/** How sure a finding is. */
type Confidence = 'high' | 'medium' | 'low';

/** Whose code made the objects of a row; views fold `internal` and `node` unless asked. */
export type RowOrigin = 'application' | 'node' | 'language' | 'internal';

/** One source of a report. */
export interface SourceResult {
  readonly path: string;
  readonly kind: 'core' | 'heapsnapshot';
  readonly writer: 'kernel' | 'gcore' | undefined;
  readonly bytes: number;
  readonly takenAt: Date | undefined;
  readonly process: {
    readonly pid: number;
    readonly command: string;
    readonly argv: readonly string[];
    readonly signal: string | undefined;
    readonly threads: number;
  };
  readonly runtime: {
    readonly node: string;
    readonly v8: string;
    readonly arch: string;
    readonly flags: readonly string[];
    readonly binary: { readonly path: string | undefined; readonly buildId: string | undefined; readonly match: 'build-id' | 'mismatch' | 'absent' };
  };
  readonly coverage: {
    readonly complete: boolean;
    readonly heapPages: number;
    readonly walkedBytes: number;
    readonly skippedBytes: number;
    readonly missingBytes: number;
    readonly problems: readonly { readonly kind: string; readonly count: number; readonly bytes: number; readonly firstAddress: number | undefined }[];
  };
  readonly heap: {
    readonly objects: number;
    readonly bytes: number;
    readonly reachableObjects: number;
    readonly reachableBytes: number;
    readonly externalBytes: number | undefined;
    readonly limitBytes: number | undefined;
    readonly isolates: readonly { readonly address: number; readonly kind: 'main' | 'worker'; readonly objects: number; readonly bytes: number }[];
    readonly spaces: readonly {
      readonly isolate: number | undefined;
      readonly name: string;
      readonly pages: number;
      readonly objects: number;
      readonly bytes: number;
    }[];
  };
  readonly memory: readonly { readonly what: string; readonly bytes: number }[];
  readonly warnings: readonly string[];
}

/** All instances with one constructor and one ordered list of property names. */
export interface ShapeResult {
  readonly id: string;
  readonly constructorName: string;
  readonly properties: readonly string[];
  readonly propertyCount: number;
  readonly kind: string;
  readonly origin: RowOrigin;
  readonly instances: number;
  readonly unreachable: number;
  readonly shallowBytes: number;
  readonly retainedBytes: number | undefined;
  readonly representative: number;
}

/** All reachable instances of one class name. */
interface ConstructorResult {
  readonly name: string;
  readonly origin: RowOrigin;
  readonly instances: number;
  readonly shallowBytes: number;
  readonly retainedBytes: number | undefined;
}

/** All reachable closures of one function definition. */
interface FunctionResult {
  readonly name: string;
  readonly script: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly origin: RowOrigin;
  readonly instances: number;
  readonly shallowBytes: number;
  readonly retainedBytes: number | undefined;
  readonly representative: number;
}

/** One claim of the ranking with its evidence. */
export interface SuspectResult {
  readonly rank: number;
  readonly kind: string;
  readonly title: Sentence;
  /** In [0, 1]; src/analysis/score.ts states the formula. */
  readonly score: number;
  readonly confidence: Confidence;
  readonly instances: number | undefined;
  /** Own bytes of the objects named in the title; what they hold is not in it. */
  readonly shallowBytes: number;
  readonly shallowShare: number | undefined;
  readonly retainedBytes: number | undefined;
  readonly retainedShare: number | undefined;
  readonly shape: string | undefined;
  readonly representative: number | undefined;
  /** Where the code is that makes the suspect, if that is known. */
  readonly code: { readonly name: string; readonly script: string; readonly line: number | undefined; readonly column: number | undefined } | undefined;
  /** Strongest first; those with `against` speak against a leak. */
  readonly reasons: readonly {
    readonly code: string;
    readonly value: number | undefined;
    readonly threshold: number | undefined;
    readonly text: Sentence;
    readonly against: boolean;
  }[];
  /** From a root to the suspect, every object. */
  readonly path: readonly {
    readonly address: number | undefined;
    readonly label: string;
    readonly edge: string | undefined;
    readonly file: string | undefined;
    readonly line: number | undefined;
  }[];
  /** The path as a person would write it; empty where there is none. */
  readonly route: Sentence;
  readonly fingerprint: string;
  /** One line about the representative, if the source can show it. */
  readonly example: string | undefined;
}

/** Whether the heap looks like a leak at all, in sentences, the answer first. */
interface VerdictResult {
  readonly level: 'likely' | 'possible' | 'nothing';
  readonly sentences: readonly Sentence[];
}

/** Everything that `coreleak report` says. Shapes, constructors, functions and suspects are those of the last source. */
export interface ReportResult {
  readonly generator: { readonly name: string; readonly version: string };
  readonly sources: readonly SourceResult[];
  readonly verdict: VerdictResult;
  readonly shapes: readonly ShapeResult[];
  readonly constructors: readonly ConstructorResult[];
  readonly functions: readonly FunctionResult[];
  readonly suspects: readonly SuspectResult[];
  /** How many rows there were before `--top` cut the lists. */
  readonly totals: { readonly shapes: number; readonly constructors: number; readonly functions: number; readonly suspects: number };
  /** All suspects by confidence, also those that `--top` cut. */
  readonly confidences: Readonly<Record<Confidence, number>>;
  /** The option that cut a list, such as `--top 20`; `undefined` when nothing was cut. */
  readonly truncatedBy: string | undefined;
}

/** One line of `coreleak doctor`: something of this machine, what it is good for, and how to get it. */
export interface DoctorCheck {
  readonly name: string;
  readonly state: 'ok' | 'missing' | 'limited';
  readonly found: Sentence;
  /** What it makes possible. */
  readonly adds: string;
  /** The command that gets it, where there is one to give. */
  readonly remedy: string | undefined;
}

/** Where the layout of a core's heap came from and how well it fits. */
export interface LayoutResult {
  readonly path: string;
  readonly node: string;
  readonly v8: string;
  readonly table: string;
  readonly exact: boolean;
  readonly counts: { readonly symbol: number; readonly canned: number; readonly derived: number };
  readonly constants: readonly { readonly name: string; readonly value: number; readonly origin: 'symbol' | 'canned' | 'derived'; readonly note: string }[];
  readonly missing: readonly { readonly name: string; readonly disables: string }[];
  readonly checks: readonly { readonly what: string; readonly passed: boolean; readonly detail: string }[];
  readonly warnings: readonly string[];
}

/** Everything that `coreleak doctor` says; `layout` only when a core was given and its kind has one. */
export interface DoctorResult {
  readonly checks: readonly DoctorCheck[];
  readonly layout: LayoutResult | undefined;
}
