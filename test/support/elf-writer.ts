/** Builds small ELF files in memory, right or wrong in whatever way a test asks for. */
import * as elf from '../../src/elf/constants.ts';

/** One program header and the bytes it covers. What is given overrides what follows from `data`. */
export interface SegmentSpec {
  readonly type: number;
  readonly flags?: number;
  readonly vaddr?: number | bigint;
  readonly data?: Uint8Array;
  /** Covers this offset of the file instead of bytes of its own. */
  readonly offset?: number;
  readonly filesz?: number | bigint;
  readonly memsz?: number | bigint;
  readonly align?: number;
}

interface SymbolSpec {
  readonly name: string;
  readonly value: number;
  readonly size?: number;
  /** st_info; a global object when not given. */
  readonly info?: number;
  /** st_shndx; 1 when not given. */
  readonly section?: number;
  /** In .dynsym instead of .symtab. */
  readonly isDynamic?: boolean;
}

export interface ElfSpec {
  readonly type: number;
  readonly machine?: number;
  readonly elfClass?: number;
  readonly data?: number;
  readonly entry?: number;
  readonly segments: readonly SegmentSpec[];
  readonly symbols?: readonly SymbolSpec[];
  /** Puts the number of program headers into section 0, as for 65,535 of them and more. */
  readonly usesPnXnum?: boolean;
}

/** 4096 bytes: everything is laid out in pages. */
export const PAGE = 4096;

/** Growing bytes, little-endian. */
export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  #grow(by: number): number {
    const at = this.length;
    this.length += by;
    if (this.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  u64(value: number | bigint): this {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** UTF-8 text, padded with zeros or cut to `length`; without a length, the text and one NUL. */
  text(value: string, length?: number): this {
    const encoded = new TextEncoder().encode(value);
    if (length === undefined) return this.bytes(encoded).u8(0);
    return this.bytes(encoded.subarray(0, length)).zeros(length - Math.min(length, encoded.length));
  }

  zeros(count: number): this {
    this.#grow(count);
    return this;
  }

  alignTo(step: number): this {
    return this.zeros((step - (this.length % step)) % step);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }
}

/** Bytes of an ELF file: header, program headers, the segments' bytes at page offsets, then sections. */
export function writeElf(spec: ElfSpec): Uint8Array {
  const { segments } = spec;
  const headersEnd = elf.SIZEOF_EHDR + segments.length * elf.SIZEOF_PHDR;
  let end = headersEnd;
  const placed = segments.map((segment) => {
    if (segment.data === undefined || segment.offset !== undefined) return { ...segment, at: segment.offset ?? end };
    end = Math.ceil(end / PAGE) * PAGE;
    const at = end;
    end += segment.data.length;
    return { ...segment, at };
  });
  const sections = writeSections(spec, end);
  const hasSections = sections.table.length > 0;
  const out = new ByteWriter();
  out.bytes(new Uint8Array([0x7f, 0x45, 0x4c, 0x46, spec.elfClass ?? elf.ELFCLASS64, spec.data ?? elf.ELFDATA2LSB, 1])).zeros(9);
  out
    .u16(spec.type)
    .u16(spec.machine ?? elf.EM_X86_64)
    .u32(1)
    .u64(spec.entry ?? 0)
    .u64(elf.SIZEOF_EHDR);
  out
    .u64(hasSections ? sections.tableOffset : 0)
    .u32(0)
    .u16(elf.SIZEOF_EHDR)
    .u16(elf.SIZEOF_PHDR);
  out.u16(spec.usesPnXnum === true ? elf.PN_XNUM : segments.length).u16(elf.SIZEOF_SHDR);
  out.u16(hasSections ? sections.table.length / elf.SIZEOF_SHDR : 0).u16(0);
  for (const segment of placed) {
    const filesz = segment.filesz ?? segment.data?.length ?? 0;
    out
      .u32(segment.type)
      .u32(segment.flags ?? elf.PF_R)
      .u64(segment.at)
      .u64(segment.vaddr ?? 0)
      .u64(0);
    out
      .u64(filesz)
      .u64(segment.memsz ?? filesz)
      .u64(segment.align ?? 1);
  }
  for (const segment of placed) {
    if (segment.data === undefined || segment.offset !== undefined) continue;
    out.zeros(segment.at - out.length).bytes(segment.data);
  }
  return out.bytes(sections.bytes).bytes(sections.table).finish();
}

function writeSections(spec: ElfSpec, start: number): { readonly bytes: Uint8Array; readonly table: Uint8Array; readonly tableOffset: number } {
  const none = new Uint8Array(0);
  if (spec.symbols === undefined && spec.usesPnXnum !== true) return { bytes: none, table: none, tableOffset: 0 };
  const bytes = new ByteWriter();
  const table = new ByteWriter();
  const section = (type: number, content: Uint8Array, link: number, entsize: number, info = 0): void => {
    const offset = start + bytes.length;
    bytes.bytes(content);
    table
      .u32(0)
      .u32(type)
      .u64(0)
      .u64(0)
      .u64(type === 0 ? 0 : offset)
      .u64(content.length)
      .u32(link)
      .u32(info)
      .u64(1)
      .u64(entsize);
  };
  section(0, none, 0, 0, spec.usesPnXnum === true ? spec.segments.length : 0);
  [false, true].forEach((isDynamic, i) => {
    const wanted = spec.symbols?.filter((s) => (s.isDynamic ?? false) === isDynamic) ?? [];
    if (wanted.length === 0) return;
    const strings = new ByteWriter().u8(0);
    const symbols = new ByteWriter().zeros(elf.SIZEOF_SYM);
    for (const s of wanted) {
      symbols
        .u32(strings.length)
        .u8(s.info ?? 0x11)
        .u8(0)
        .u16(s.section ?? 1)
        .u64(s.value)
        .u64(s.size ?? 8);
      strings.text(s.name);
    }
    const link = table.length / elf.SIZEOF_SHDR + 1;
    section(i === 0 ? elf.SHT_SYMTAB : elf.SHT_DYNSYM, symbols.finish(), link, elf.SIZEOF_SYM);
    section(3, strings.finish(), 0, 0);
  });
  return { bytes: bytes.finish(), table: table.finish(), tableOffset: start + bytes.length };
}

/** One note with 4-byte alignment. */
export function writeNote(name: string, type: number, content: Uint8Array): Uint8Array {
  const out = new ByteWriter()
    .u32(name.length + 1)
    .u32(content.length)
    .u32(type);
  return out.text(name).alignTo(4).bytes(content).alignTo(4).finish();
}

export interface ExecutableSpec {
  /** ET_EXEC, linked at 0x400000, when not given; ET_DYN is linked at 0. */
  readonly type?: number;
  /** 40 hexadecimal digits; no build id when not given. */
  readonly buildId?: string;
  /** One page each; zeros when not given. */
  readonly text?: Uint8Array;
  readonly rodata?: Uint8Array;
  readonly data?: Uint8Array;
  readonly symbols?: readonly SymbolSpec[];
  readonly tls?: { readonly memsz: number; readonly align: number };
}

/** Where writeExecutable puts things, as offsets from the start of the image: headers, text, rodata, data, then one page of .bss. */
export const IMAGE: {
  readonly text: number;
  readonly rodata: number;
  readonly data: number;
  readonly bss: number;
  readonly end: number;
  readonly entry: number;
} = {
  text: PAGE,
  rodata: 2 * PAGE,
  data: 3 * PAGE,
  bss: 4 * PAGE,
  end: 5 * PAGE,
  entry: PAGE + 0x10,
};

/** The address that an executable of `type` is linked at. */
export function linkBase(type: number): number {
  return type === elf.ET_EXEC ? 0x400000 : 0;
}

/** Bytes of an executable: a page of headers, of text, of rodata, of data, and a page of .bss that the file does not have. */
export function writeExecutable(spec: ExecutableSpec): Uint8Array {
  const type = spec.type ?? elf.ET_EXEC;
  const base = linkBase(type);
  const page = (content: Uint8Array | undefined): Uint8Array =>
    new ByteWriter()
      .bytes(content ?? new Uint8Array(0))
      .alignTo(PAGE)
      .finish();
  const full = (content: Uint8Array | undefined): Uint8Array => (content === undefined ? new Uint8Array(PAGE) : page(content));
  const note = spec.buildId === undefined ? undefined : writeNote('GNU', elf.NT_GNU_BUILD_ID, Uint8Array.from(Buffer.from(spec.buildId, 'hex')));
  const count = 4 + (note === undefined ? 0 : 1) + (spec.tls === undefined ? 0 : 1);
  const noteOffset = elf.SIZEOF_EHDR + count * elf.SIZEOF_PHDR;
  const segments: SegmentSpec[] = [
    { type: elf.PT_LOAD, flags: elf.PF_R, vaddr: base, offset: 0, filesz: PAGE },
    { type: elf.PT_LOAD, flags: elf.PF_R | elf.PF_X, vaddr: base + IMAGE.text, data: full(spec.text) },
    { type: elf.PT_LOAD, flags: elf.PF_R, vaddr: base + IMAGE.rodata, data: full(spec.rodata) },
    { type: elf.PT_LOAD, flags: elf.PF_R | elf.PF_W, vaddr: base + IMAGE.data, data: full(spec.data), memsz: 2 * PAGE },
  ];
  if (note !== undefined) segments.push({ type: elf.PT_NOTE, vaddr: base + noteOffset, offset: noteOffset, filesz: note.length, align: 4 });
  if (spec.tls !== undefined) segments.push({ type: elf.PT_TLS, vaddr: base + IMAGE.data, offset: IMAGE.data, memsz: spec.tls.memsz, align: spec.tls.align });
  const bytes = writeElf({ type, entry: base + IMAGE.entry, segments, ...(spec.symbols === undefined ? {} : { symbols: spec.symbols }) });
  if (note !== undefined) bytes.set(note, noteOffset);
  return bytes;
}
