/** Names of Linux signals on x86-64. */

/** SIGHUP is 1 (asm-generic/signal.h). */
const NAMES: readonly string[] = (
  'SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM SIGSTKFLT ' +
  'SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS'
).split(' ');

/** `SIGABRT` for 6; `signal 34` for one without a name of its own; `undefined` for 0, which is none. */
export function signalName(number: number): string | undefined {
  return number <= 0 ? undefined : (NAMES[number - 1] ?? `signal ${number}`);
}
