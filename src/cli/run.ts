/** One run of the command line: words in, text and an exit code out. */
import { InterruptedError } from '../errors.ts';
import { visible } from '../render/escape.ts';
import { describeFailure, EXIT } from './failure.ts';
import type { Io } from './io.ts';
import { parseCommandLine } from './options.ts';
import type { Invocation } from './options.ts';

async function dispatch(invocation: Invocation, io: Io): Promise<number> {
  switch (invocation.verb) {
    case 'help':
      await (invocation.asked ? io.stdout : io.stderr).write(invocation.text);
      return invocation.asked ? EXIT.ok : EXIT.usage;
    case 'report':
      return (await import('./report.ts')).runReport(invocation, io);
    case 'export':
      return (await import('./export.ts')).runExport(invocation, io);
    case 'doctor':
      return (await import('./doctor.ts')).runDoctor(invocation, io);
    case 'demo':
      return (await import('./demo.ts')).runDemo(invocation, io);
  }
}

/** Settles as soon as Ctrl-C is pressed, whatever the work is at. */
function interruption(signal: AbortSignal): { readonly promise: Promise<never>; readonly forget: () => void } {
  let forget = (): void => undefined;
  const promise = new Promise<never>((_resolve, reject) => {
    const stop = (): void => {
      reject(new InterruptedError());
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    forget = () => {
      signal.removeEventListener('abort', stop);
    };
  });
  return { promise, forget };
}

/** Runs one command line and answers the exit code; never throws. Errors go to stderr as `coreleak: error: <what>`, a hint below. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const interrupted = interruption(io.signal);
  // A leftover that nobody waits for must not end the process.
  interrupted.promise.catch(() => undefined);
  try {
    const invocation = await parseCommandLine(argv, { version: io.version, columns: io.stdout.isTTY ? (io.stdout.columns ?? 80) : 80 });
    return await Promise.race([dispatch(invocation, io), interrupted.promise]);
  } catch (error) {
    const { code, message, hint } = describeFailure(error);
    if (code === EXIT.interrupted && io.stderr.isTTY) await io.stderr.write('\r\x1b[K');
    await io.stderr.write(`coreleak: error: ${visible(message)}\n`);
    if (hint !== undefined) await io.stderr.write(`coreleak: hint: ${visible(hint)}\n`);
    if (argv.includes('--verbose') && error instanceof Error && error.stack !== undefined) {
      const lines = error.stack.split('\n').filter((line) => /^\s+at /.test(line));
      await io.stderr.write(`${lines.map(visible).join('\n')}\n`);
    }
    return code;
  } finally {
    interrupted.forget();
  }
}
