// Threefry-2x32 in WebAssembly, four blocks at a time. It draws noise five times as fast as JavaScript.

import {
  addresses,
  type Code,
  four,
  get,
  i32,
  load,
  machines,
  number,
  op,
  repeat,
  set,
  store,
  twice,
  type,
  words,
} from "./assembly.ts";

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;
const PARITY = 0x1bd11bda;

/** `fill(k0, k1, c0, c1, quads, to)`: writes 4 · quads blocks, of counters (c0, c1), (c0, c1 + 1), … */
function fill(): Code {
  const [k0, k1, c0, c1, quads, to, x0, x1, counter] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const keys = [9, 10, 11];
  const splat = (local: number): Code => [...get(local), ...op.i32.splat];
  const rotate = (by: number): Code => [
    ...get(x1),
    ...i32(by),
    ...op.i32.left,
    ...get(x1),
    ...i32(32 - by),
    ...op.i32.right,
    ...op.or,
  ];
  const round = (by: number): Code => [
    ...get(x0),
    ...get(x1),
    ...op.i32Add,
    ...set(x0),
    ...rotate(by),
    ...get(x0),
    ...op.bitwiseXor,
    ...set(x1),
  ];
  const inject = (group: number): Code => [
    ...get(x0),
    ...get(keys[group % 3]),
    ...op.i32Add,
    ...set(x0),
    ...get(x1),
    ...get(keys[(group + 1) % 3]),
    ...op.i32Add,
    ...four(group, group, group, group),
    ...op.i32Add,
    ...set(x1),
  ];
  const groups = [1, 2, 3, 4, 5].flatMap((group) => [
    ...ROTATIONS[(group + 1) % 2].flatMap(round),
    ...inject(group),
  ]);
  return [
    ...splat(k0),
    ...set(keys[0]),
    ...splat(k1),
    ...set(keys[1]),
    ...get(k0),
    ...get(k1),
    ...op.xor,
    ...i32(PARITY),
    ...op.xor,
    ...op.i32.splat,
    ...set(keys[2]),
    ...splat(c1),
    ...four(0, 1, 2, 3),
    ...op.i32Add,
    ...set(counter),
    ...repeat(
      quads,
      [[to, 32]],
      [
        ...splat(c0),
        ...get(keys[0]),
        ...op.i32Add,
        ...set(x0),
        ...get(counter),
        ...get(keys[1]),
        ...op.i32Add,
        ...set(x1),
        ...groups,
        ...get(to),
        ...get(x0),
        ...get(x1),
        ...words(0, 4, 1, 5),
        ...store(0),
        ...get(to),
        ...get(x0),
        ...get(x1),
        ...words(2, 6, 3, 7),
        ...store(16),
        ...get(counter),
        ...four(4, 4, 4, 4),
        ...op.i32Add,
        ...set(counter),
      ],
    ),
  ];
}

/**
 * `uniform(from, to, quads, low, range)`: maps 4 · quads words to low + range · (word + ½) · 2⁻³², in double precision,
 * rounded to float32.
 */
function uniform(): Code {
  const [from, to, quads, low, range] = [0, 1, 2, 3, 4];
  const both = (places: Code): Code => [
    ...get(from),
    ...load(0),
    ...get(from),
    ...load(0),
    ...places,
    ...op.f64.fromWords,
    ...twice(0.5),
    ...op.f64.add,
    ...twice(2 ** -32),
    ...op.f64.mul,
    ...number(range),
    ...op.f64.mul,
    ...number(low),
    ...op.f64.add,
    ...op.f64.toFloats,
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

/** Draws with the same bits as the loops in JavaScript. */
export interface Simd {
  /** Upper bound on `count`. */
  readonly maxWords: number;
  /** `count` words from counter (c0, c1) on: a view that is valid until the next call. */
  words(k0: number, k1: number, c0: number, c1: number, count: number): Uint32Array;
  /** `count` draws from U[low, low + range], of the words from counter (0, 0) on: a view, as for `words`. */
  uniform(k0: number, k1: number, count: number, low: number, range: number): Float32Array;
}

/** Size in bytes of the memory for words, and of that for numbers. */
const HALF = 2 ** 16;

const machineOf = machines(() => ({
  fill: {
    parameters: addresses(6),
    results: [],
    vectors: 6,
    code: fill(),
  },
  uniform: {
    parameters: [...addresses(3), type.f64, type.f64],
    results: [],
    vectors: 0,
    code: uniform(),
  },
}));

/** A new instance; null without SIMD. */
export function simd(): Simd | null {
  const machine = machineOf(2 * HALF);
  if (machine === null) return null;
  const { buffer, run } = machine;
  const drawn = new Uint32Array(buffer, 0, HALF / 4);
  const numbers = new Float32Array(buffer, HALF, HALF / 4);
  const words = (k0: number, k1: number, c0: number, c1: number, count: number) => {
    run.fill(k0, k1, c0, c1, Math.ceil(count / 8), 0);
    return drawn.subarray(0, count);
  };
  return {
    maxWords: HALF / 4,
    words,
    uniform(k0, k1, count, low, range) {
      words(k0, k1, 0, 0, count);
      run.uniform(0, HALF, Math.ceil(count / 4), low, range);
      return numbers.subarray(0, count);
    },
  };
}
