/** `coreleak report`: opens the sources, reports, prints. */
import { report } from '../commands/report.ts';
import type { OpenNext } from '../commands/report.ts';
import { reportJson } from '../render/report-json.ts';
import { DEFAULT_ROWS, DEFAULT_SUSPECTS, reportText } from '../render/report-text.ts';
import type { ReportResult } from '../result.ts';
import { EXIT } from './failure.ts';
import type { Io, OpenOptions } from './io.ts';
import type { ReportInvocation, SourceOptions } from './options.ts';
import { checkOutput, writeOutput } from './output.ts';
import { startProgress } from './progress.ts';
import { paintFor, textWidth } from './screen.ts';

/** The options of a source without those that were not given. */
export function openOptions({ binary, sysroot, force }: SourceOptions): OpenOptions {
  return { ...(binary === undefined ? {} : { binary }), ...(sysroot === undefined ? {} : { sysroot }), ...(force ? { force } : {}) };
}

const LEVELS = ['high', 'medium', 'low'] as const;

/** Says whether there is a suspect at or above the level that was asked to fail on. */
function fails(result: ReportResult, level: ReportInvocation['failOn']): boolean {
  return level !== undefined && LEVELS.slice(0, LEVELS.indexOf(level) + 1).some((each) => result.confidences[each] > 0);
}

/** Runs the verb and answers its exit code. */
export async function runReport(invocation: ReportInvocation, io: Io): Promise<number> {
  const { output } = invocation;
  const toFile = output !== undefined && output !== '-';
  if (toFile) await checkOutput(output);
  const progress = startProgress(io, invocation);
  const started = io.now();
  let result: ReportResult;
  try {
    const open = invocation.sources.map((path): OpenNext => {
      return async () => {
        progress.subject(path.split('/').at(-1) ?? path);
        progress.note('open', 0);
        const source = await io.openSource(path, openOptions(invocation));
        progress.note('open', 1);
        return source;
      };
    });
    // Text folds rows before it cuts; JSON has them all and so is cut first.
    const top = invocation.format === 'json' ? invocation.top : undefined;
    result = await report(open, { version: io.version, top, strings: invocation.strings, retained: invocation.retained, signal: io.signal, onProgress: progress.note });
  } finally {
    progress.end();
  }
  const text =
    invocation.format === 'json'
      ? reportJson(result)
      : reportText(result, {
          width: textWidth(io, toFile),
          paint: paintFor(io, invocation.color, toFile),
          rows: invocation.top ?? DEFAULT_ROWS,
          suspects: invocation.top ?? DEFAULT_SUSPECTS,
          internals: invocation.internals,
          program: io.program,
          elapsed: io.now() - started,
        });
  if (toFile) await writeOutput(output, text);
  else await io.stdout.write(text);
  return fails(result, invocation.failOn) ? EXIT.suspects : EXIT.ok;
}
