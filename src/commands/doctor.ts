/** `doctor`: what this machine can do, and how well the layout of a core's heap is known. */
import type { DoctorCheck, DoctorResult, LayoutResult } from '../result.ts';
import type { HeapSource } from '../session/source.ts';
import { coreLimits, corePattern, installCommand } from './machine.ts';
import type { Machine } from './machine.ts';

/** Less free space than this does not hold the core of a process with a full default heap. */
const ENOUGH_DISK = 8 * 2 ** 30;

function nodeCheck(machine: Machine): DoctorCheck {
  const fits = machine.platform === 'linux';
  return {
    name: 'node',
    state: fits ? 'ok' : 'limited',
    found: [machine.node, ` on ${machine.platform} ${machine.arch}`],
    adds: 'runs coreleak; x86-64 Linux cores of Node 16 to 26 are read with nothing else installed',
    remedy: fits ? undefined : 'take cores on Linux; they can be read here',
  };
}

function patternCheck(machine: Machine): DoctorCheck {
  const pattern = corePattern(machine);
  const base = { name: 'core pattern', adds: 'where the kernel puts the core of a process that dies' };
  if (pattern === undefined) return { ...base, state: 'missing', found: ['not known (/proc/sys/kernel/core_pattern)'], remedy: undefined };
  if (pattern.goes === 'pipe')
    return {
      ...base,
      state: 'limited',
      found: ['cores are piped to a program: ', { name: pattern.text }],
      remedy: pattern.text.includes('systemd-coredump') ? 'coredumpctl dump PID -o core.PID' : 'sysctl -w kernel.core_pattern=core.%p (as root)',
    };
  return { ...base, state: 'ok', found: [{ name: pattern.text }, pattern.goes === 'folder' ? ' (in the folder of the process)' : ''], remedy: undefined };
}

function limitCheck(machine: Machine): DoctorCheck {
  const limits = coreLimits(machine);
  const base = { name: 'core limit', adds: 'how large a core may be; a process started from here inherits it' };
  if (limits === undefined) return { ...base, state: 'missing', found: ['not known (/proc/self/limits)'], remedy: undefined };
  const whole = limits.soft === 'unlimited';
  const found = [`soft ${limits.soft}, hard ${limits.hard}`];
  const remedy =
    limits.hard === 'unlimited' ? 'ulimit -c unlimited, before the process starts' : 'raise the hard limit: LimitCORE=infinity in the unit, or limits.conf';
  return whole ? { ...base, state: 'ok', found, remedy: undefined } : { ...base, state: 'limited', found, remedy };
}

function attachCheck(machine: Machine): DoctorCheck {
  const scope = machine.readText('/proc/sys/kernel/yama/ptrace_scope')?.trim();
  const base = { name: 'attaching', adds: 'gcore has to attach to a running process' };
  if (scope === undefined || scope === '0') return { ...base, state: 'ok', found: ['allowed for processes of the same user'], remedy: undefined };
  return {
    ...base,
    state: scope === '3' ? 'missing' : 'limited',
    found: [
      `ptrace_scope is ${scope.slice(0, 8)}: `,
      scope === '1' ? 'only a parent or root may attach' : scope === '2' ? 'only root may attach' : 'nobody may attach until a reboot',
    ],
    remedy: scope === '3' ? undefined : 'run gcore as root',
  };
}

function programCheck(machine: Machine, program: string, packageName: string, adds: string): DoctorCheck {
  const found = machine.findProgram(program);
  return found === undefined
    ? { name: program, state: 'missing', found: ['not on PATH'], adds, remedy: installCommand(machine, packageName) }
    : { name: program, state: 'ok', found: [{ name: found }], adds, remedy: undefined };
}

function diskCheck(machine: Machine, folder: string): DoctorCheck {
  const free = machine.freeBytes(folder);
  const base = { name: 'disk', adds: 'a core is about as large as the memory of its process' };
  if (free === undefined) return { ...base, state: 'missing', found: ['free space of ', { name: folder }, ' is not known'], remedy: undefined };
  const found = [{ bytes: free }, ' free in ', { name: folder }];
  return free >= ENOUGH_DISK
    ? { ...base, state: 'ok', found, remedy: undefined }
    : { ...base, state: 'limited', found, remedy: 'free some space, or write cores to another disk' };
}

/** Looks at the machine: what coreleak can do here, what would add to it, and how to get that. `folder` is where cores would go. */
function examineMachine(machine: Machine, folder: string): DoctorCheck[] {
  return [
    nodeCheck(machine),
    patternCheck(machine),
    limitCheck(machine),
    programCheck(machine, 'gcore', 'gdb', 'takes the core of a running process, which goes on afterwards'),
    attachCheck(machine),
    programCheck(machine, 'gdb', 'gdb', 'native stacks and C++ symbols of a core, by hand'),
    programCheck(machine, 'lldb', 'lldb', 'the same, and with the llnode plugin a second opinion on cores of Node 16 and older'),
    programCheck(machine, 'eu-stack', 'elfutils', 'native stacks of a core in one line: eu-stack --core FILE'),
    diskCheck(machine, folder),
  ];
}

/** The layout of a source's heap; `undefined` for a kind of source that has none. */
function examineLayout({ facts, layout }: HeapSource): LayoutResult | undefined {
  if (layout === undefined) return undefined;
  const { table, exact, counts, constants, missing, checks } = layout;
  return { path: facts.path, node: facts.runtime.node, v8: facts.runtime.v8, table, exact, counts, constants, missing, checks, warnings: facts.warnings };
}

/** `doctor` with or without a core. */
export function doctor(machine: Machine, folder: string, source: HeapSource | undefined): DoctorResult {
  return { checks: examineMachine(machine, folder), layout: source === undefined ? undefined : examineLayout(source) };
}
