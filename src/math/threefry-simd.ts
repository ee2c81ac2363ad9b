// Threefry-2x32 in WebAssembly, four blocks at a time: noise for an attack on a randomised model is drawn in a fifth of the time
// that JavaScript takes. The program is assembled here, since a compiler for 30 instructions would be a larger thing to keep.

/** The few instructions that are used, as the specification numbers them (WebAssembly 2.0, §5.4). */
const op = {
  ...{ loop: [0x03, 0x40], end: [0x0b], branchIf: [0x0d] },
  ...{ get: [0x20], set: [0x21], tee: [0x22] },
  ...{ i32: [0x41], add: [0x6a], sub: [0x6b], xor: [0x73], f64: [0x44] },
  load: [0xfd, 0x00, 4],
  store: [0xfd, 0x0b, 4],
  constant: [0xfd, 0x0c],
  shuffle: [0xfd, 0x0d],
  splat: [0xfd, 0x11],
  splatDouble: [0xfd, 0x14],
  or4: [0xfd, 0x50],
  xor4: [0xfd, 0x51],
  narrow: [0xfd, 0x5e],
  left4: [0xfd, 0xab, 0x01],
  right4: [0xfd, 0xad, 0x01],
  add4: [0xfd, 0xae, 0x01],
  addDoubles: [0xfd, 0xf0, 0x01],
  mulDoubles: [0xfd, 0xf2, 0x01],
  toDoubles: [0xfd, 0xff, 0x01],
} as const;

const types = { i32: 0x7f, f64: 0x7c, v128: 0x7b } as const;

type Code = readonly number[];

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

const get = (local: number): Code => [...op.get, local];
const set = (local: number): Code => [...op.set, local];
const i32 = (value: number): Code => [...op.i32, ...signed(value)];
const f64 = (value: number): Code => [...op.f64, ...new Uint8Array(Float64Array.of(value).buffer)];
const load = (offset: number): Code => [...op.load, ...size(offset)];
const store = (offset: number): Code => [...op.store, ...size(offset)];
const four = (...values: readonly number[]): Code => [
  ...op.constant,
  ...new Uint8Array(Int32Array.from(values).buffer),
];
/** Four of the eight words of two vectors. */
const words = (...places: readonly number[]): Code => [
  ...op.shuffle,
  ...places.flatMap((place) => [0, 1, 2, 3].map((byte) => 4 * place + byte)),
];

/** A loop over `count` (a local, at least 1), which it lowers to 0; `pointers` go up by so many bytes each time. */
const repeat = (
  count: number,
  pointers: readonly (readonly [local: number, bytes: number])[],
  body: Code,
): Code => [
  ...op.loop,
  ...body,
  ...pointers.flatMap(([local, bytes]) => [...get(local), ...i32(bytes), ...op.add, ...set(local)]),
  ...[...get(count), ...i32(1), ...op.sub, ...op.tee, count],
  ...[...op.branchIf, 0, ...op.end],
];

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;
const PARITY = 0x1bd11bda;

/** `fill(k0, k1, c0, c1, quads, to)`: the words of the blocks of counters (c0, c1), (c0, c1 + 1), …, four blocks per quad. */
function fill(): Code {
  const [k0, k1, c0, c1, quads, to, x0, x1, counter] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const keys = [9, 10, 11];
  const splat = (local: number): Code => [...get(local), ...op.splat];
  const rotate = (by: number): Code => [
    ...[...get(x1), ...i32(by), ...op.left4],
    ...[...get(x1), ...i32(32 - by), ...op.right4, ...op.or4],
  ];
  const round = (by: number): Code => [
    ...[...get(x0), ...get(x1), ...op.add4, ...set(x0)],
    ...[...rotate(by), ...get(x0), ...op.xor4, ...set(x1)],
  ];
  const inject = (group: number): Code => [
    ...[...get(x0), ...get(keys[group % 3]), ...op.add4, ...set(x0)],
    ...[...get(x1), ...get(keys[(group + 1) % 3]), ...op.add4],
    ...[...four(group, group, group, group), ...op.add4, ...set(x1)],
  ];
  const groups = [1, 2, 3, 4, 5].flatMap((group) => [
    ...ROTATIONS[(group + 1) % 2].flatMap(round),
    ...inject(group),
  ]);
  return [
    ...[...splat(k0), ...set(keys[0]), ...splat(k1), ...set(keys[1])],
    ...[...get(k0), ...get(k1), ...op.xor, ...i32(PARITY), ...op.xor, ...op.splat, ...set(keys[2])],
    ...[...splat(c1), ...four(0, 1, 2, 3), ...op.add4, ...set(counter)],
    ...repeat(
      quads,
      [[to, 32]],
      [
        ...[...splat(c0), ...get(keys[0]), ...op.add4, ...set(x0)],
        ...[...get(counter), ...get(keys[1]), ...op.add4, ...set(x1)],
        ...groups,
        ...[...get(to), ...get(x0), ...get(x1), ...words(0, 4, 1, 5), ...store(0)],
        ...[...get(to), ...get(x0), ...get(x1), ...words(2, 6, 3, 7), ...store(16)],
        ...[...get(counter), ...four(4, 4, 4, 4), ...op.add4, ...set(counter)],
      ],
    ),
  ];
}

/** `uniform(from, to, quads, low, range)`: low + range · (word + ½) · 2⁻³² in double precision, rounded once, four words per quad. */
function uniform(): Code {
  const [from, to, quads, low, range] = [0, 1, 2, 3, 4];
  const both = (places: Code): Code => [
    ...[...get(from), ...load(0), ...get(from), ...load(0), ...places, ...op.toDoubles],
    ...[...f64(0.5), ...op.splatDouble, ...op.addDoubles],
    ...[...f64(2 ** -32), ...op.splatDouble, ...op.mulDoubles],
    ...[...get(range), ...op.splatDouble, ...op.mulDoubles],
    ...[...get(low), ...op.splatDouble, ...op.addDoubles, ...op.narrow],
  ];
  return repeat(
    quads,
    [
      [from, 16],
      [to, 16],
    ],
    [
      ...get(to),
      ...both(words(0, 1, 0, 1)),
      ...both(words(2, 3, 2, 3)),
      ...words(0, 1, 4, 5),
      ...store(0),
    ],
  );
}

const vector = (items: readonly Code[]): Code => [...size(items.length), ...items.flat()];
const section = (id: number, content: Code): Code => [id, ...size(content.length), ...content];
const text = (value: string): Code => [...size(value.length), ...new TextEncoder().encode(value)];

/** Bytes of memory that are used: words in the first half, numbers in the second. */
const HALF = 2 ** 16;

function assembled(): Uint8Array<ArrayBuffer> {
  const { i32, f64, v128 } = types;
  const body = (locals: Code, code: Code): Code => {
    const whole = [...locals, ...code, ...op.end];
    return [...size(whole.length), ...whole];
  };
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      vector([
        [0x60, ...vector([i32, i32, i32, i32, i32, i32].map((type) => [type])), 0],
        [0x60, ...vector([i32, i32, i32, f64, f64].map((type) => [type])), 0],
      ]),
    ),
    ...section(3, vector([[0], [1]])),
    ...section(5, vector([[0x00, (2 * HALF) / 2 ** 16]])),
    ...section(
      7,
      vector([
        [...text("memory"), 2, 0],
        [...text("fill"), 0, 0],
        [...text("uniform"), 0, 1],
      ]),
    ),
    ...section(10, vector([body([1, 6, v128], fill()), body([0], uniform())])),
  ]);
}

/** What the program exports. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  fill(k0: number, k1: number, c0: number, c1: number, quads: number, to: number): void;
  uniform(from: number, to: number, quads: number, low: number, range: number): void;
}

/** WebAssembly, as far as it is used: TypeScript has its types with those of browsers alone. */
interface Assembly {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/** Draws many words at a time, with the bits of the loops in JavaScript. */
export interface Simd {
  /** The most words of a call. */
  readonly most: number;
  /** `count` words from counter (c0, c1) on; they are valid until the next call. */
  words(k0: number, k1: number, c0: number, c1: number, count: number): Uint32Array;
  /** The same as numbers of U[low, low + range]. */
  uniform(k0: number, k1: number, count: number, low: number, range: number): Float32Array;
}

/** Null where there is no WebAssembly, or none with vectors. */
export function simd(): Simd | null {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: Assembly };
  if (WebAssembly === undefined) return null;
  let exported: Exports;
  try {
    exported = new WebAssembly.Instance(new WebAssembly.Module(assembled())).exports as Exports;
  } catch {
    return null;
  }
  const { memory, fill, uniform } = exported;
  const drawn = new Uint32Array(memory.buffer, 0, HALF / 4);
  const numbers = new Float32Array(memory.buffer, HALF, HALF / 4);
  const words = (k0: number, k1: number, c0: number, c1: number, count: number) => {
    fill(k0, k1, c0, c1, Math.ceil(count / 8), 0);
    return drawn.subarray(0, count);
  };
  return {
    most: HALF / 4,
    words,
    uniform(k0, k1, count, low, range) {
      words(k0, k1, 0, 0, count);
      uniform(0, HALF, Math.ceil(count / 4), low, range);
      return numbers.subarray(0, count);
    },
  };
}
