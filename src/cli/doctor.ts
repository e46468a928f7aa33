/** `coreleak doctor`: the machine, and a core's layout. */
import { doctor } from '../commands/doctor.ts';
import { doctorText } from '../render/doctor-text.ts';
import { EXIT } from './failure.ts';
import type { Io } from './io.ts';
import type { DoctorInvocation } from './options.ts';
import { startProgress } from './progress.ts';
import { openOptions } from './report.ts';
import { paintFor, textWidth } from './screen.ts';

/** Runs the verb and answers its exit code. */
export async function runDoctor(invocation: DoctorInvocation, io: Io): Promise<number> {
  const progress = startProgress(io, invocation);
  if (invocation.source !== undefined) progress.subject(invocation.source.split('/').at(-1) ?? invocation.source);
  const source = invocation.source === undefined ? undefined : await io.openSource(invocation.source, openOptions(invocation));
  try {
    // Most checks of a layout are made by reading the whole heap with it.
    await source?.census({ signal: io.signal, onProgress: progress.note });
    progress.end();
    const result = doctor(io.machine, '.', source);
    await io.stdout.write(doctorText(result, { width: textWidth(io, false), paint: paintFor(io, invocation.color, false), verbose: invocation.verbose }));
    return EXIT.ok;
  } finally {
    progress.end();
    source?.close();
  }
}
