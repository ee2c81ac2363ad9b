// A step of projected gradient ascent in WebAssembly, four pixels at a time: the loops of `balls.ts` take a tenth of a small network's
// gradient. The same operations, rounded where those round, so the bits are the same.

import {
  addresses,
  type Code,
  four,
  get,
  lane,
  load,
  machines,
  number,
  op,
  repeat,
  set,
  store,
  type,
  upperFloats,
  words,
} from "../math/assembly.ts";

const { add, mul, fromFloats, toFloats } = op.f64;
const f32 = op.f32;
const SIGN = four(...[0, 1, 2, 3].map(() => 0x80000000 | 0));
const ONE = four(...[0, 1, 2, 3].map(() => 0x3f800000));
const ZERO = four(0, 0, 0, 0);

/** Four float32 of what `of` makes of the halves of `vectors` in double precision, two numbers at a time. */
const inDouble = (vectors: readonly number[], of: (halves: readonly Code[]) => Code): Code => {
  const low = vectors.map((vector) => [...get(vector), ...fromFloats]);
  const high = vectors.map(upperFloats);
  return [...of(low), ...toFloats, ...of(high), ...toFloats, ...words(0, 1, 4, 5)];
};
const clampedToUnit: Code = [...ZERO, ...f32.max, ...ONE, ...f32.min];

/** `linf(at, gradient, center, out, quads, length, epsilon)`: the whole step. */
function linf(): Code {
  const [at, gradient, center, out, quads, length, epsilon] = [0, 1, 2, 3, 4, 5, 6];
  const [most, least, direction, from, middle] = [7, 8, 9, 10, 11];
  const bound = [...number(epsilon), ...toFloats];
  return [
    ...bound,
    ...bound,
    ...words(0, 1, 4, 5),
    ...set(most),
    ...ZERO,
    ...get(most),
    ...f32.sub,
    ...set(least),
    ...repeat(
      quads,
      [at, gradient, center, out].map((place) => [place, 16]),
      [
        ...get(gradient),
        ...load(),
        ...set(direction),
        ...get(direction),
        ...SIGN,
        ...op.and,
        ...ONE,
        ...op.or,
        ...get(direction),
        ...ZERO,
        ...f32.notEqual,
        ...op.and,
        ...set(direction),
        ...get(at),
        ...load(),
        ...set(from),
        ...get(center),
        ...load(),
        ...set(middle),
        ...get(out),
        ...inDouble([from, direction], ([x, d]) => [...x, ...number(length), ...d, ...mul, ...add]),
        ...get(middle),
        ...f32.sub,
        ...get(most),
        ...f32.min,
        ...get(least),
        ...f32.max,
        ...get(middle),
        ...f32.add,
        ...clampedToUnit,
        ...store(),
      ],
    ),
  ];
}

/** `squares(from, quads)`: the sum of squares, of even and odd places by themselves. */
function squares(): Code {
  const [from, quads, total, row] = [0, 1, 2, 3];
  const half = (pair: Code): Code => [
    ...pair,
    ...pair,
    ...mul,
    ...get(total),
    ...add,
    ...set(total),
  ];
  return [
    ...repeat(
      quads,
      [[from, 16]],
      [
        ...get(from),
        ...load(),
        ...set(row),
        ...half([...get(row), ...fromFloats]),
        ...half(upperFloats(row)),
      ],
    ),
    ...get(total),
    ...lane(0),
    ...get(total),
    ...lane(1),
    ...op.addDouble,
  ];
}

/** `move(at, gradient, center, out, quads, length, factor)`: at + length · (factor · gradient) − center. */
function move(): Code {
  const [at, gradient, center, out, quads, length, factor] = [0, 1, 2, 3, 4, 5, 6];
  const [slope, direction, from] = [7, 8, 9];
  return repeat(
    quads,
    [at, gradient, center, out].map((place) => [place, 16]),
    [
      ...get(gradient),
      ...load(),
      ...set(slope),
      ...inDouble([slope], ([g]) => [...g, ...number(factor), ...mul]),
      ...set(direction),
      ...get(at),
      ...load(),
      ...set(from),
      ...get(out),
      ...inDouble([from, direction], ([x, d]) => [...x, ...number(length), ...d, ...mul, ...add]),
      ...get(center),
      ...load(),
      ...f32.sub,
      ...store(),
    ],
  );
}

/** `land(center, out, quads, factor)`: out is factor · out + center, clamped to [0, 1]. */
function land(): Code {
  const [center, out, quads, factor, offset] = [0, 1, 2, 3, 4];
  return repeat(
    quads,
    [center, out].map((place) => [place, 16]),
    [
      ...get(out),
      ...load(),
      ...set(offset),
      ...get(out),
      ...inDouble([offset], ([d]) => [...d, ...number(factor), ...mul]),
      ...get(center),
      ...load(),
      ...f32.add,
      ...clampedToUnit,
      ...store(),
    ],
  );
}

const machineOf = machines(() => ({
  linf: {
    parameters: [...addresses(5), type.f64, type.f64],
    results: [],
    vectors: 5,
    code: linf(),
  },
  squares: { parameters: addresses(2), results: [type.f64], vectors: 2, code: squares() },
  move: {
    parameters: [...addresses(5), type.f64, type.f64],
    results: [],
    vectors: 3,
    code: move(),
  },
  land: { parameters: [...addresses(3), type.f64], results: [], vectors: 1, code: land() },
}));

/** A step from `at` along the gradient, back into the ball around `center` and into [0, 1], written to `out`; rows have equal lengths. */
export type AscendRow = (
  at: Float32Array,
  gradient: Float32Array,
  length: number,
  center: Float32Array,
  epsilon: number,
  out: Float32Array,
) => void;

/** The step for rows of this length; null where there is no WebAssembly. */
function rowsOf(size: number): Readonly<Record<"linf" | "l2", AscendRow>> | null {
  const quads = Math.ceil(size / 4);
  const machine = machineOf(4 * 16 * quads);
  if (machine === null) return null;
  const { buffer, run } = machine;
  const starts = [0, 1, 2, 3].map((place) => place * 16 * quads);
  const [a, g, c, o] = starts;
  // What lies behind the last pixel stays 0.
  const [at, gradient, center, out] = starts.map((from) => new Float32Array(buffer, from, size));
  const bring = (from: Float32Array, slope: Float32Array, middle: Float32Array) => {
    at.set(from);
    gradient.set(slope);
    center.set(middle);
  };
  return {
    linf(from, slope, length, middle, epsilon, to) {
      bring(from, slope, middle);
      run.linf(a, g, c, o, quads, length, epsilon);
      to.set(out);
    },
    l2(from, slope, length, middle, epsilon, to) {
      bring(from, slope, middle);
      const norm = Math.sqrt(run.squares(g, quads));
      run.move(a, g, c, o, quads, length, norm === 0 ? 0 : 1 / norm);
      const distance = Math.sqrt(run.squares(o, quads));
      run.land(c, o, quads, distance > epsilon ? epsilon / distance : 1);
      to.set(out);
    },
  };
}

let made: { readonly size: number; readonly rows: ReturnType<typeof rowsOf> } | null = null;

/** Pixels from which on the way into WebAssembly's memory and back is worth it. */
const MIN_VECTORISED = 256;

/** The step in WebAssembly for rows of `size` pixels; null where loops do as well, or nothing else is there. */
export function fastAscent(norm: "linf" | "l2", size: number): AscendRow | null {
  if (size < MIN_VECTORISED) return null;
  if (made?.size !== size) made = { size, rows: rowsOf(size) };
  return made.rows?.[norm] ?? null;
}
