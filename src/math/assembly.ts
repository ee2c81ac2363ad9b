// A small assembler for WebAssembly with SIMD, for loops over arrays that take several times as long in JavaScript.

/** Opcodes (WebAssembly 2.0, §5.4). Those under `i32` and `f32` work on four lanes, those under `i64` and `f64` on two. */
export const op = {
  loop: [0x03, 0x40],
  end: [0x0b],
  branchIf: [0x0d],
  get: [0x20],
  set: [0x21],
  tee: [0x22],
  add: [0x6a],
  sub: [0x6b],
  xor: [0x73],
  addDouble: [0xa0],
  and: [0xfd, 0x4e],
  or: [0xfd, 0x50],
  bitwiseXor: [0xfd, 0x51],
  i32: { splat: [0xfd, 0x11], left: [0xfd, 0xab, 0x01], right: [0xfd, 0xad, 0x01] },
  i32Add: [0xfd, 0xae, 0x01],
  f32: {
    /** Per lane all ones if the operands differ, otherwise zeros. */
    notEqual: [0xfd, 0x42],
    add: [0xfd, 0xe4, 0x01],
    sub: [0xfd, 0xe5, 0x01],
    min: [0xfd, 0xe8, 0x01],
    max: [0xfd, 0xe9, 0x01],
  },
  i64: { left: [0xfd, 0xcb, 0x01], add: [0xfd, 0xce, 0x01] },
  f64: {
    splat: [0xfd, 0x14],
    sqrt: [0xfd, 0xef, 0x01],
    add: [0xfd, 0xf0, 0x01],
    sub: [0xfd, 0xf1, 0x01],
    mul: [0xfd, 0xf2, 0x01],
    div: [0xfd, 0xf3, 0x01],
    min: [0xfd, 0xf4, 0x01],
    max: [0xfd, 0xf5, 0x01],
    /** Converts the lower two lanes from unsigned 32-bit integers. */
    fromWords: [0xfd, 0xff, 0x01],
    /** Converts the lower two lanes from float32. */
    fromFloats: [0xfd, 0x5f],
    /** Converts to float32, into the lower two lanes. */
    toFloats: [0xfd, 0x5e],
  },
} as const;

/** Encodings of value types: parameters, results and locals. */
export const type = { i32: 0x7f, f64: 0x7c, v128: 0x7b } as const;

/** The bytes of a sequence of instructions. */
export type Code = readonly number[];

/** An unsigned 32-bit integer in LEB128. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [128 | (value & 127), ...unsigned(value >>> 7)];
}

/** A signed 32-bit integer in LEB128. */
function signed(value: number): number[] {
  const rest = value >> 7;
  const low = value & 127;
  const last = (rest === 0 && low < 64) || (rest === -1 && low >= 64);
  return last ? [low] : [128 | low, ...signed(rest)];
}

const bytesOf = ({ buffer }: Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>): number[] => [
  ...new Uint8Array(buffer),
];

/** Pushes a local. */
export const get = (local: number): Code => [...op.get, local];
/** Pops into a local. */
export const set = (local: number): Code => [...op.set, local];
/** Pushes a constant. */
export const i32 = (value: number): Code => [0x41, ...signed(value)];
/** Pushes a vector of four 32-bit integers. */
export const four = (...values: readonly number[]): Code => [
  0xfd,
  0x0c,
  ...bytesOf(Int32Array.from(values)),
];
/** Pushes a vector of the same double twice. */
export const twice = (value: number): Code => [
  0xfd,
  0x0c,
  ...bytesOf(Float64Array.of(value, value)),
];
/** Replaces the address on the stack by the 16 bytes at address + offset. */
export const load = (offset = 0): Code => [0xfd, 0x00, 2, ...unsigned(offset)];
/** Pops a vector and an address, and stores the vector at address + offset. */
export const store = (offset = 0): Code => [0xfd, 0x0b, 2, ...unsigned(offset)];
/** As `load`, 8 bytes into the lower half; zeros in the upper one. */
export const loadHalf = (): Code => [0xfd, 0x5d, 2, 0];
/** As `store`, the lower 8 bytes. */
export const storeHalf = (): Code => [0xfd, 0x5b, 2, 0, 0];
/** One of the two doubles of a vector. */
export const lane = (place: 0 | 1): Code => [0xfd, 0x21, place];
/** A vector of four of the eight 32-bit lanes of two vectors, by their indices. */
export const words = (...places: readonly number[]): Code => [
  0xfd,
  0x0d,
  ...places.flatMap((place) => [0, 1, 2, 3].map((byte) => 4 * place + byte)),
];

/** Pushes a vector of a parameter of type double, twice. */
export const number = (parameter: number): Code => [...get(parameter), ...op.f64.splat];
/** Pushes the upper two float32 lanes of a local as doubles; `op.f64.fromFloats` converts the lower ones. */
export const upperFloats = (local: number): Code => [
  ...get(local),
  ...get(local),
  ...words(2, 3, 2, 3),
  ...op.f64.fromFloats,
];
/** The types of `count` parameters that are addresses or counts. */
export const addresses = (count: number): number[] => Array.from({ length: count }, () => type.i32);

/** Repeats `body` as often as the local `count` says (at least once), and counts it down to 0. Advances `pointers` each time. */
export const repeat = (
  count: number,
  pointers: readonly (readonly [local: number, bytes: number])[],
  body: Code,
): Code => [
  ...op.loop,
  ...body,
  ...pointers.flatMap(([local, bytes]) => [...get(local), ...i32(bytes), ...op.add, ...set(local)]),
  ...get(count),
  ...i32(1),
  ...op.sub,
  ...op.tee,
  count,
  ...op.branchIf,
  0,
  ...op.end,
];

/** An exported function. */
export interface Routine {
  readonly parameters: readonly number[];
  readonly results: readonly number[];
  /** Number of locals of vector type. They are numbered after the parameters. */
  readonly vectors: number;
  readonly code: Code;
}

/** A vector of the binary format: its length and its items. */
const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const section = (id: number, content: Code): Code => [id, ...unsigned(content.length), ...content];
const text = (value: string): Code => [
  ...unsigned(value.length),
  ...new TextEncoder().encode(value),
];
const typesOf = (types: readonly number[]): Code => vector(types.map((one) => [one]));

/** The bytes of a module that exports `routines` and imports its memory (WebAssembly 2.0, §5.5). */
function assemble(routines: Readonly<Record<string, Routine>>): Uint8Array<ArrayBuffer> {
  const all = Object.entries(routines);
  const body = ({ vectors, code }: Routine): Code => {
    const whole = [1, ...unsigned(vectors), type.v128, ...code, ...op.end];
    return [...unsigned(whole.length), ...whole];
  };
  return Uint8Array.from([
    // \0asm, version 1.
    0x00,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(
      1,
      vector(
        all.map(([, { parameters, results }]) => [
          0x60,
          ...typesOf(parameters),
          ...typesOf(results),
        ]),
      ),
    ),
    ...section(2, vector([[...text("our"), ...text("memory"), 2, 0, 1]])),
    ...section(3, vector(all.map((_, i) => [i]))),
    ...section(7, vector(all.map(([name], i) => [...text(name), 0, i]))),
    ...section(10, vector(all.map(([, routine]) => body(routine)))),
  ]);
}

/** The part of WebAssembly's API that is used here. TypeScript declares it in its DOM library only. */
interface Assembly {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (pages: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

/** Size of a page of memory in bytes. */
const PAGE = 2 ** 16;

/** An instance of the routines with a memory of its own, initially zeros. */
export interface Machine<Names extends string> {
  readonly buffer: ArrayBuffer;
  readonly run: Readonly<Record<Names, (...numbers: readonly number[]) => number>>;
}

/**
 * A function that instantiates the routines with `bytes` of memory, or returns null if there is no WebAssembly, no SIMD or
 * not enough memory. The first call assembles the routines.
 */
export function machines<Names extends string>(
  routines: () => Readonly<Record<Names, Routine>>,
): (bytes: number) => Machine<Names> | null {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: Assembly };
  let module: object | undefined;
  return (bytes) => {
    if (WebAssembly === undefined) return null;
    try {
      module ??= new WebAssembly.Module(assemble(routines()));
      const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
      const { exports } = new WebAssembly.Instance(module, { our: { memory } });
      return { buffer: memory.buffer, run: exports as Machine<Names>["run"] };
    } catch {
      return null;
    }
  };
}
