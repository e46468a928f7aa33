/** What `doctor` and `demo` ask of the machine they run on; tests answer in its place. */
import { accessSync, constants, readFileSync, statfsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The questions. Everything that cannot be told is `undefined`. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** Version of the Node that runs coreleak, `v22.23.3`. */
  readonly node: string;
  /** Text of a small file, such as one below /proc. */
  readText(path: string): string | undefined;
  /** Full path of a program on PATH. */
  findProgram(name: string): string | undefined;
  /** Bytes that this user may still write to the disk of `folder`. */
  freeBytes(folder: string): number | undefined;
}

/** The machine that coreleak runs on; `path` is the search path for programs. */
export function thisMachine(path: string): Machine {
  return {
    platform: process.platform,
    arch: process.arch,
    node: process.version,
    readText(file) {
      try {
        return readFileSync(file, 'utf8');
      } catch {
        return undefined;
      }
    },
    findProgram(name) {
      for (const folder of path.split(delimiter)) {
        if (folder === '') continue;
        try {
          const file = join(folder, name);
          accessSync(file, constants.X_OK);
          return file;
        } catch {
          // Not in this folder.
        }
      }
      return undefined;
    },
    freeBytes(folder) {
      try {
        const stat = statfsSync(folder);
        return stat.bavail * stat.bsize;
      } catch {
        return undefined;
      }
    },
  };
}

/** Where the kernel puts the core of a process that dies. */
export interface CorePattern {
  readonly text: string;
  /** `folder`: beside the process; `absolute`: in one fixed place; `pipe`: to a program. */
  readonly goes: 'folder' | 'absolute' | 'pipe';
}

/** Reads the kernel's core pattern; `undefined` where there is none. */
export function corePattern(machine: Machine): CorePattern | undefined {
  const text = machine.readText('/proc/sys/kernel/core_pattern')?.trim();
  if (text === undefined || text === '') return undefined;
  return { text, goes: text.startsWith('|') ? 'pipe' : text.startsWith('/') ? 'absolute' : 'folder' };
}

/** The soft and hard limit on the size of a core, in bytes as the kernel prints them or `unlimited`. */
export function coreLimits(machine: Machine): { readonly soft: string; readonly hard: string } | undefined {
  const match = /^Max core file size\s+(\S+)\s+(\S+)/m.exec(machine.readText('/proc/self/limits') ?? '');
  const [, soft, hard] = match ?? [];
  return soft === undefined || hard === undefined ? undefined : { soft, hard };
}

const MANAGERS: readonly (readonly [program: string, command: string])[] = [
  ['apt-get', 'apt-get install'],
  ['dnf', 'dnf install'],
  ['yum', 'yum install'],
  ['apk', 'apk add'],
  ['pacman', 'pacman -S'],
  ['zypper', 'zypper install'],
];

/** The command that installs a package with the package manager at hand. */
export function installCommand(machine: Machine, packageName: string): string {
  const [, command] = MANAGERS.find(([program]) => machine.findProgram(program) !== undefined) ?? [];
  return command === undefined ? `install ${packageName} with the system's package manager` : `${command} ${packageName}`;
}
