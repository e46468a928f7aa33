import { describe, expect, test } from 'vitest';
import { ET_DYN, ET_EXEC, PF_R } from '../../../src/elf/constants.ts';
import { BinaryMismatchError, FaultError, UnsupportedError } from '../../../src/errors.ts';
import { openTarget, type OpenTargetOptions, type Target } from '../../../src/target/target.ts';
import { mapExecutable, saved, writeCore, writeStack, type CoreSpec } from '../../support/core-writer.ts';
import { IMAGE, PAGE, linkBase, writeExecutable } from '../../support/elf-writer.ts';
import { makeTempFolder, writeFileIn } from '../../support/temp-files.ts';

const BUILD_ID = 'bd05d6407047594fc3d31dd4ed4a37fe48c01f93';
const OTHER_ID = '00000000000000000000000000000000000000ff';
const STACK_END = 0x7ffe_3db1_6000;
const FS_BASE = 0x7f00_0000_1740;
const ENVIRONMENT = ['HOME=/root', 'EMPTY=', 'UMLAUT=ä'];

interface Made {
  readonly folder: string;
  readonly binary: string;
  readonly core: string;
  readonly image: Uint8Array;
  readonly base: number;
}

interface Options {
  readonly type?: number;
  readonly bias?: number;
  readonly buildId?: string;
  readonly isBinaryKept?: boolean;
  readonly nulls?: number;
  readonly environment?: readonly string[];
  readonly spec?: Partial<CoreSpec>;
  readonly cutTo?: (length: number) => number;
}

/** Writes an executable and a core of it into a folder of their own. */
function make(options: Options = {}): Made {
  const folder = makeTempFolder();
  const type = options.type ?? ET_EXEC;
  const bias = options.bias ?? 0;
  const base = linkBase(type) + bias;
  const image = writeExecutable({
    type,
    buildId: options.buildId ?? BUILD_ID,
    rodata: new TextEncoder().encode('in rodata\0'),
    tls: { memsz: 0x1a3, align: 16 },
    symbols: [
      { name: 'answer', value: linkBase(type) + IMAGE.data + 8 },
      { name: 'constant', value: 42, section: 0xfff1 },
      { name: 'current', value: 0x10, info: 0x16 },
    ],
  });
  const binary = `${folder}/bin/node`;
  if (options.isBinaryKept !== false) writeFileIn(folder, 'bin/node', image);
  const mapped = mapExecutable(image, type, binary, bias);
  const stack = writeStack({
    end: STACK_END,
    argv: ['./node', '--expose-gc', 'a b.js'],
    environment: options.environment ?? ENVIRONMENT,
    nulls: options.nulls ?? 1,
    execfn: './node',
    auxv: [
      [3, base + 64],
      [9, base + IMAGE.entry],
    ],
  });
  const bytes = writeCore({
    pid: 41,
    fname: 'MainThread',
    signal: { signo: 6, code: -6, first: 41 },
    threads: [
      { tid: 41, signal: 6, rip: base + IMAGE.entry, rsp: stack.rsp, fsBase: FS_BASE },
      { tid: 42, rsp: 0x1234 },
    ],
    auxv: stack.auxv,
    files: mapped.files,
    mappings: [...mapped.mappings, stack.mapping],
    ...options.spec,
  });
  return { folder, binary, core: writeFileIn(folder, 'core', bytes.subarray(0, options.cutTo?.(bytes.length))), image, base };
}

function withTarget<T>(made: Made, options: OpenTargetOptions, body: (target: Target) => T): T {
  const target = openTarget(made.core, options);
  try {
    return body(target);
  } finally {
    target.close();
  }
}

describe('opening a core', () => {
  test.each(['kernel', 'gcore'] as const)('of a process that %s wrote', (writer) => {
    const made = make({ spec: { writer } });
    withTarget(made, {}, (target) => {
      expect(target).toMatchObject({
        path: made.core,
        writer,
        pid: 41,
        command: 'node',
        signal: 'SIGABRT',
        argv: ['./node', '--expose-gc', 'a b.js'],
        environment: ENVIRONMENT,
        warnings: [],
      });
      expect(target.executable).toMatchObject({
        namedPath: made.binary,
        path: made.binary,
        loadBias: 0,
        buildId: BUILD_ID,
        fileBuildId: BUILD_ID,
        match: 'build-id',
      });
      expect(target.threads.map((t) => t.tid)).toEqual([41, 42]);
      expect(target.threads[0]?.stack).toEqual({ start: target.threads[0]?.rsp, end: STACK_END });
      expect(target.threads[1]?.stack).toBeUndefined();
      expect(target.fileBytes).toBeGreaterThan(PAGE);
      expect(target.takenAt).toBeInstanceOf(Date);
    });
  });

  test('of a running process, stopped by the debugger only, has no signal', () => {
    for (const signo of [0, 5, 19]) withTarget(make({ spec: { writer: 'gcore', signal: { signo } } }), {}, (target) => expect(target.signal).toBeUndefined());
    withTarget(make({ spec: { signal: { signo: 5, code: 1 } } }), {}, (target) => expect(target.signal).toBe('SIGTRAP'));
    withTarget(make({ spec: { writer: 'gcore', signal: { signo: 11, code: 1, first: 8 } } }), {}, (target) => {
      expect(target.signal).toBe('SIGSEGV');
      expect(target.signalInfo?.faultAddress).toBe(8);
    });
  });

  test.each([
    ['unsetenv left three NULLs', 3, ENVIRONMENT],
    ['the environment is empty', 1, []],
  ])('finds the arguments when %s', (_, nulls, environment) => {
    withTarget(make({ nulls, environment }), {}, (target) => {
      expect(target.argv).toEqual(['./node', '--expose-gc', 'a b.js']);
      expect(target.environment).toEqual(environment);
    });
  });

  test('without its stack has no arguments and says so', () => {
    const made = make({ spec: { mappings: [saved(0x400000, new Uint8Array(PAGE))] } });
    withTarget(made, {}, (target) => {
      expect(target.argv).toEqual([]);
      expect(target.warnings).toContain(`${made.core}: the arguments of the process were not found on its stack`);
    });
  });

  test('that is cut says how many bytes are missing', () => {
    const made = make({ cutTo: (length) => length - 1000 });
    withTarget(made, {}, (target) => {
      expect(target.memory.missingBytes).toBe(1000);
      expect(target.warnings[0]).toBe(`${made.core}: the file is cut: 1000 of ${4 * PAGE} bytes of memory are missing`);
      expect(target.executable.match).toBe('build-id');
    });
  });

  test('that is cut before its notes knows its executable by the one that is given', () => {
    const made = make({ type: ET_DYN, bias: 0x5555_5555_4000, spec: { writer: 'gcore' }, cutTo: (length) => length - 2 * PAGE });
    withTarget(made, {}, (target) => {
      expect(target).toMatchObject({ pid: 0, threads: [], signal: undefined, argv: [] });
      expect(target.executable).toMatchObject({ path: undefined, match: 'absent' });
    });
    withTarget(made, { binary: made.binary }, (target) =>
      expect(target.executable).toMatchObject({ path: made.binary, match: 'build-id', loadBias: 0x5555_5555_4000 }),
    );
  });

  test('closes what it opened when it fails', () => {
    const made = make();
    expect(() => openTarget(made.core, { binary: `${made.folder}/none` })).toThrow(`${made.folder}/none: no such file`);
    expect(() => openTarget(made.binary)).toThrow(UnsupportedError);
  });
});

describe('symbols of the executable', () => {
  test.each([
    [ET_EXEC, 0],
    [ET_DYN, 0x5555_5555_4000],
  ])('have addresses in the process (type %d)', (type, bias) => {
    const made = make({ type, bias });
    withTarget(made, {}, (target) => {
      expect(target.executable.loadBias).toBe(bias);
      expect(target.findSymbol('answer')).toBe(made.base + IMAGE.data + 8);
      expect(target.findSymbol('constant')).toBe(42);
      expect(target.findSymbol('none')).toBeUndefined();
    });
  });

  test('that are thread-local have one for each thread', () => {
    withTarget(make(), {}, (target) => {
      expect(target.findSymbol('current')).toBeUndefined();
      const [first, second] = target.threads;
      expect(first === undefined ? 0 : target.threadLocalAddress(first, 0x10)).toBe(FS_BASE - 0x1b0 + 0x10);
      expect(second === undefined ? 0 : target.threadLocalAddress(second, 0x10)).toBeUndefined();
    });
  });

  test('are none without a file, but the load bias is known all the same', () => {
    const made = make({ type: ET_DYN, bias: 0x5555_5555_4000, isBinaryKept: false });
    withTarget(made, {}, (target) => {
      expect(target.executable).toMatchObject({
        namedPath: made.binary,
        path: undefined,
        elf: undefined,
        loadBias: 0x5555_5555_4000,
        buildId: BUILD_ID,
        match: 'absent',
      });
      expect(target.findSymbol('answer')).toBeUndefined();
      expect(target.command).toBe('node');
      expect(() => target.memory.readU8(made.base + IMAGE.rodata)).toThrow(new FaultError(made.base + IMAGE.rodata, 1, 'file-missing'));
    });
  });
});

describe('the choice of the executable', () => {
  test('gives what the core left out of it', () => {
    const made = make();
    withTarget(made, {}, (target) => expect(Buffer.from(target.memory.readBytes(made.base + IMAGE.rodata, 9)).toString()).toBe('in rodata'));
  });

  test('leaves a file alone that is another by now, with a warning', () => {
    const made = make();
    writeFileIn(made.folder, 'bin/node', writeExecutable({ buildId: OTHER_ID }));
    withTarget(made, {}, (target) => {
      expect(target.executable).toMatchObject({ path: undefined, match: 'absent' });
      expect(target.warnings).toEqual([`${made.binary} is not the file that the process ran: build id ${OTHER_ID}, in the core ${BUILD_ID}`]);
    });
  });

  test('looks below the sysroot', () => {
    const made = make({ isBinaryKept: false });
    const inRoot = writeFileIn(made.folder, `root${made.binary}`, made.image);
    withTarget(made, { sysroot: `${made.folder}/root` }, (target) => expect(target.executable).toMatchObject({ path: inRoot, match: 'build-id' }));
  });

  test('takes the file that is given', () => {
    const made = make({ isBinaryKept: false });
    const binary = writeFileIn(made.folder, 'saved-node', made.image);
    withTarget(made, { binary }, (target) => {
      expect(target.executable).toMatchObject({ namedPath: made.binary, path: binary, match: 'build-id' });
      expect(target.memory.readU8(made.base + IMAGE.rodata)).toBe(0x69);
    });
  });

  test('refuses a given file of another build unless it is forced, and never takes bytes from it', () => {
    const made = make({ isBinaryKept: false });
    const binary = writeFileIn(made.folder, 'other', writeExecutable({ buildId: OTHER_ID }));
    const message = `${binary} (build id ${OTHER_ID}) is not the executable of ${made.core} (build id ${BUILD_ID})`;
    expect(() => openTarget(made.core, { binary })).toThrow(new BinaryMismatchError(message, BUILD_ID, OTHER_ID));
    withTarget(made, { binary, force: true }, (target) => {
      expect(target.executable).toMatchObject({ path: binary, match: 'mismatch', buildId: BUILD_ID, fileBuildId: OTHER_ID });
      expect(target.warnings).toEqual([message]);
      expect(() => target.memory.readU8(made.base + IMAGE.rodata)).toThrow(FaultError);
    });
  });

  test('compares the layout when the core holds no build id', () => {
    const made = make({ type: ET_DYN, bias: 0x5555_5555_4000 });
    const bare = make({ type: ET_DYN, bias: 0x5555_5555_4000, spec: { mappings: [saved(0x1000, new Uint8Array(PAGE), PF_R)] } });
    withTarget(bare, { binary: made.binary }, (target) => {
      expect(target.executable).toMatchObject({ path: made.binary, match: 'absent', loadBias: 0x5555_5555_4000 });
      expect(target.warnings[0]).toBe(`${made.binary}: the core holds no build id of its executable; the file fits by its layout only`);
    });
    const other = writeFileIn(made.folder, 'other', writeExecutable({ buildId: OTHER_ID }));
    expect(() => openTarget(bare.core, { binary: other })).toThrow(`${other} (build id ${OTHER_ID}) is not laid out like the executable of ${bare.core}`);
  });
});
