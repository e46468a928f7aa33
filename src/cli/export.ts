/** `coreleak export`: opens the source, writes the file. */
import { exportSnapshot } from '../commands/export.ts';
import { visible } from '../render/escape.ts';
import { formatBytes, formatNumber } from '../render/format.ts';
import { EXIT } from './failure.ts';
import type { Io } from './io.ts';
import type { ExportInvocation } from './options.ts';
import { checkOutput } from './output.ts';
import type { OutputFile } from './output-file.ts';
import { openOutputFile } from './output-file.ts';
import { startProgress } from './progress.ts';
import { openOptions } from './report.ts';

/** Stdout as a file: a snapshot is ASCII, so its bytes are its text. */
function stdoutFile(io: Io): OutputFile {
  return {
    write: (bytes) => io.stdout.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')),
    commit: () => undefined,
    discard: () => undefined,
  };
}

/** Runs the verb and answers its exit code. */
export async function runExport(invocation: ExportInvocation, io: Io): Promise<number> {
  const { source: path, output } = invocation;
  const toFile = output !== '-';
  if (toFile) await checkOutput(output);
  const progress = startProgress(io, invocation);
  progress.subject(path.split('/').at(-1) ?? path);
  progress.note('open', 0);
  let line: string;
  try {
    const source = await io.openSource(path, openOptions(invocation));
    progress.note('open', 1);
    let file: OutputFile | undefined;
    try {
      file = toFile ? openOutputFile(output, io.signal) : stdoutFile(io);
      const written = await exportSnapshot(source, file.write, { strings: invocation.strings, signal: io.signal, onProgress: progress.note });
      file.commit();
      line = `${formatNumber(written.nodes, 'node')}, ${formatNumber(written.edges, 'edge')}, ${formatBytes(written.bytes)}`;
    } finally {
      file?.discard();
      source.close();
    }
  } finally {
    progress.end();
  }
  const left = invocation.strings ? '' : '; string contents were left out (--strings writes them)';
  if (toFile && !invocation.quiet) await io.stderr.write(`wrote ${visible(output)}: ${line}${left}\n`);
  return EXIT.ok;
}
