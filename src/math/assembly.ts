// WebAssembly with vectors, as far as we need it: loops over arrays that JavaScript takes several times as long for. They are
// assembled here, since a compiler for 50 instructions would be a larger thing to keep, and a binary could not be read.

/** Instructions, as the specification numbers them (WebAssembly 2.0, §5.4); `f64` ones work on two numbers, `i32` and `f32` ones on four. */
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
    /** All bits of a number that is not equal, none of one that is. */
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
    /** Of the lower two whole numbers, unsigned. */
    fromWords: [0xfd, 0xff, 0x01],
    /** Of the lower two float32. */
    fromFloats: [0xfd, 0x5f],
    /** To float32, into the lower half. */
    toFloats: [0xfd, 0x5e],
  },
} as const;

/** Types of parameters, results and locals. */
export const type = { i32: 0x7f, f64: 0x7c, v128: 0x7b } as const;

/** Bytes of instructions. */
export type Code = readonly number[];

/** A number as WebAssembly writes its sizes. */
function size(value: number): number[] {
  return value < 128 ? [value] : [128 | (value & 127), ...size(value >>> 7)];
}

/** A signed 32-bit number, likewise. */
function signed(value: number): number[] {
  const rest = value >> 7;
  const low = value & 127;
  const last = (rest === 0 && low < 64) || (rest === -1 && low >= 64);
  return last ? [low] : [128 | low, ...signed(rest)];
}

const bytesOf = ({ buffer }: Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>): number[] => [
  ...new Uint8Array(buffer),
];

export const get = (local: number): Code => [...op.get, local];
export const set = (local: number): Code => [...op.set, local];
export const i32 = (value: number): Code => [0x41, ...signed(value)];
/** Four whole numbers. */
export const four = (...values: readonly number[]): Code => [
  0xfd,
  0x0c,
  ...bytesOf(Int32Array.from(values)),
];
/** The same number twice. */
export const twice = (value: number): Code => [
  0xfd,
  0x0c,
  ...bytesOf(Float64Array.of(value, value)),
];
/** 16 bytes at the address on the stack, and back; `offset` is added to it. */
export const load = (offset = 0): Code => [0xfd, 0x00, 2, ...size(offset)];
export const store = (offset = 0): Code => [0xfd, 0x0b, 2, ...size(offset)];
/** The lower 8 bytes alone. */
export const loadHalf = (): Code => [0xfd, 0x5d, 2, 0];
export const storeHalf = (): Code => [0xfd, 0x5b, 2, 0, 0];
/** One of two numbers. */
export const lane = (place: 0 | 1): Code => [0xfd, 0x21, place];
/** Four of the eight words of two vectors. */
export const words = (...places: readonly number[]): Code => [
  0xfd,
  0x0d,
  ...places.flatMap((place) => [0, 1, 2, 3].map((byte) => 4 * place + byte)),
];

/** A parameter of double precision, twice. */
export const number = (parameter: number): Code => [...get(parameter), ...op.f64.splat];
/** The upper two float32 of a local in double precision; `op.f64.fromFloats` has the lower ones. */
export const upperFloats = (local: number): Code => [
  ...get(local),
  ...get(local),
  ...words(2, 3, 2, 3),
  ...op.f64.fromFloats,
];
/** The types of so many addresses and counts. */
export const addresses = (count: number): number[] => Array.from({ length: count }, () => type.i32);

/** A loop over `count` (a local, at least 1), which it lowers to 0; `pointers` go up by so many bytes each time. */
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

/** A function that is exported under its name. */
export interface Routine {
  readonly parameters: readonly number[];
  readonly results: readonly number[];
  /** How many vectors it has as locals, numbered after its parameters. */
  readonly vectors: number;
  readonly code: Code;
}

const vector = (items: readonly Code[]): Code => [...size(items.length), ...items.flat()];
const section = (id: number, content: Code): Code => [id, ...size(content.length), ...content];
const text = (value: string): Code => [...size(value.length), ...new TextEncoder().encode(value)];
const typesOf = (types: readonly number[]): Code => vector(types.map((one) => [one]));

/** The bytes of a module that works on an imported memory. */
function assembled(routines: Readonly<Record<string, Routine>>): Uint8Array<ArrayBuffer> {
  const all = Object.entries(routines);
  const body = ({ vectors, code }: Routine): Code => {
    const whole = [1, ...size(vectors), type.v128, ...code, ...op.end];
    return [...size(whole.length), ...whole];
  };
  return Uint8Array.from([
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

/** WebAssembly, as far as it is used: TypeScript has its types with those of browsers alone. */
interface Assembly {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (pages: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

const PAGE = 2 ** 16;

/** Routines by name, on memory of their own, all zeros. */
export interface Machine<Names extends string> {
  readonly buffer: ArrayBuffer;
  readonly run: Readonly<Record<Names, (...numbers: readonly number[]) => number>>;
}

/**
 * Makes machines with so many bytes; null where there is no WebAssembly, none with vectors, or not so much memory. The
 * routines are assembled for the first of them.
 */
export function machines<Names extends string>(
  routines: () => Readonly<Record<Names, Routine>>,
): (bytes: number) => Machine<Names> | null {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: Assembly };
  let module: object | undefined;
  return (bytes) => {
    if (WebAssembly === undefined) return null;
    try {
      module ??= new WebAssembly.Module(assembled(routines()));
      const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
      const { exports } = new WebAssembly.Instance(module, { our: { memory } });
      return { buffer: memory.buffer, run: exports as Machine<Names>["run"] };
    } catch {
      return null;
    }
  };
}
