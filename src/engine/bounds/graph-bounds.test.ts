// Bounds as graphs: interval arithmetic and the backward pass for margins.
import { describe, expect, it } from "vitest";
import { isSlow } from "../../../test/fixtures/slow.ts";
import { normal, uniform } from "../../math/distributions.ts";
import { fold, foldAll, keyOf, keysFor } from "../../math/random.ts";
import { elementCount, type NdArray, type Shape, type Tensor, tensor } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { interpret } from "../graph/interpret.ts";
import type { Value } from "../graph/value.ts";
import { between, GraphIntervals } from "./graph-intervals.ts";
import { marginBounds } from "./graph-margins.ts";

const [BATCH, CLASSES] = [3, 4];
const IMAGES: Shape = [BATCH, 2, 6, 6];
const RADIUS = 0.07;

/** Weights by name, drawn from their name's length alone. */
const fixed = (seed: number, shape: Shape, deviation = 0.4): Value =>
  g.constant(tensor(shape, normal([fold(keyOf(9), seed)], [1, ...shape], deviation).data));
const zero = (x: Value) => g.scalarLike(x, 0);
const flat = (x: Value) => g.reshape(x, [BATCH, elementCount(x.shape.slice(1))]);
const linear = (seed: number, x: Value) =>
  g.add(
    g.matmul(x, g.transpose(fixed(seed, [CLASSES, x.shape[1]]), [1, 0])),
    fixed(seed + 1, [CLASSES]),
  );
const conv = (seed: number, x: Value, out: number, strides = [1, 1]) =>
  g.add(
    g.conv(x, fixed(seed, [out, x.shape[1], 3, 3]), { strides, pads: [1, 1, 1, 1] }),
    fixed(seed + 1, [1, out, 1, 1]),
  );

/** Values for the images and for the clean images. */
type Pair = readonly [x: Value, clean: Value];
const both = ([x, clean]: Pair, f: (one: Value) => Value): Pair => [f(x), f(clean)];

/** A batch norm by the statistics of the clean batch. */
function batchNorm(seed: number, pair: Pair): Pair {
  const [, clean] = pair;
  const mean = g.mean(clean, [0, 2, 3], true);
  const apart = g.sub(clean, g.stopGradient(mean));
  const variance = g.mean(g.mul(apart, apart), [0, 2, 3], true);
  const shape = [1, clean.shape[1], 1, 1];
  const root = g.sqrt(g.add(variance, g.scalarLike(clean, 1e-5)));
  const scale = g.div(fixed(seed, shape), root);
  return both(pair, (x) => g.add(g.mul(g.sub(x, mean), scale), fixed(seed + 1, shape)));
}

/** A network of images and of clean images, whose statistics batch norms take. In training they are the same. */
type Network = (x: Value, clean: Value) => Value;

const networks: Readonly<Record<string, Network>> = {
  "convolutions with stride": (x) =>
    linear(1, flat(g.relu(conv(3, g.relu(conv(5, x, 4)), 3, [2, 2])))),
  "a residual block with batch norms": (x, clean) => {
    const normed = (seed: number, pair: Pair) => both(batchNorm(seed, pair), g.relu);
    const convolved = (seed: number, pair: Pair) => both(pair, (one) => conv(seed, one, 4));
    const a = normed(11, convolved(13, [x, clean]));
    const [b] = convolved(15, normed(17, convolved(19, a)));
    return linear(21, g.mean(g.relu(g.add(b, a[0])), [2, 3]));
  },
  "pooling, clipping and tanh": (x) => {
    const pooled = g.maxPool(conv(23, x, 3), { kernel: [2, 2], strides: [2, 2] });
    const averaged = g.averagePool(g.tanh(pooled), { kernel: [3, 1] });
    return linear(25, flat(g.clip(averaged, -0.5, 0.4)));
  },
  "operators that move elements": (x) => {
    const parts = g.concat([g.sliceAxis(x, 1, 1, 2), fixed(27, [BATCH, 1, 6, 6]), g.neg(x)], 1);
    const padded = g.pad(g.transpose(parts, [0, 1, 3, 2]), [0, 0, 1, 0], [0, 0, 0, 1]);
    const scaled = g.div(g.sub(fixed(29, [1, 4, 1, 1]), padded), g.scalarLike(x, 0.7));
    return linear(31, flat(g.relu(scaled)));
  },
  "maxima of two values": (x) =>
    linear(33, g.maximum(linear(35, flat(x)), g.minimum(linear(37, flat(x)), zero(x)))),
};

const keys = keysFor(keyOf(1), [0, 1, 2]);
const centre = uniform(keys, IMAGES, 0.2, 0.8);
const labels = [0, 2, 3];
const oneHot = tensor(
  [BATCH, CLASSES],
  labels.flatMap((label) => Array.from({ length: CLASSES }, (_, j) => Number(j === label))),
);

/** Everything about a network on boxes around `centre`. */
function bounded(network: Network, radius = RADIUS) {
  const x = g.input("x", IMAGES);
  const logits = network(x, x);
  const apart = network(x, g.input("clean", IMAGES));
  const moved = (by: number) => g.add(x, g.scalarLike(x, by));
  const intervals = new GraphIntervals(x, logits, between(moved(-radius), moved(radius)));
  const one = g.input("oneHot", oneHot.shape);
  const byIntervals = marginBounds(intervals, logits, one);
  const byCrown = marginBounds(intervals, logits, one, { throughRelus: true });
  const { lower, upper } = intervals.of(logits);
  const values = (outputs: Value[], images: Tensor = centre) =>
    interpret(outputs, { x: images, clean: centre, oneHot }).map(({ data }) =>
      Array.from(data, Number),
    );
  return { x, logits, apart, lower, upper, byIntervals, byCrown, values };
}

describe.each(Object.entries(networks))("%s:", (_, network) => {
  const { apart, lower, upper, byIntervals, byCrown, values } = bounded(network);
  const [low, high, ibp, crown] = values([lower, upper, byIntervals, byCrown]);

  it("no image of a box leaves the bounds of the logits and margins", () => {
    for (let draw = 0; draw < (isSlow ? 200 : 40); draw++) {
      const noise = uniform(foldAll(keys, draw), IMAGES, -1, 1).data;
      // Corners and points inside.
      const at = (i: number) => RADIUS * (draw % 2 === 0 ? Math.sign(noise[i]) : noise[i]);
      const image = tensor(
        IMAGES,
        centre.data.map((pixel, i) => pixel + at(i)),
      );
      const [z] = values([apart], image);
      for (const [i, value] of z.entries()) {
        expect(value).toBeGreaterThanOrEqual(low[i] - 1e-5);
        expect(value).toBeLessThanOrEqual(high[i] + 1e-5);
        const margin = z[i - (i % CLASSES) + labels[Math.floor(i / CLASSES)]] - value;
        expect(margin).toBeGreaterThanOrEqual(ibp[i] - 1e-5);
        expect(margin).toBeGreaterThanOrEqual(crown[i] - 1e-5);
      }
    }
  });

  it("margins are at least the difference of the bounds of their logits, and 0 for the label", () => {
    for (const [i, margin] of ibp.entries()) {
      const row = i - (i % CLASSES);
      const label = row + labels[row / CLASSES];
      if (i === label) expect([margin, crown[i]]).toEqual([0, 0]);
      else expect(margin).toBeGreaterThanOrEqual(low[label] - high[i] - 1e-5);
    }
  });

  it("boxes of one point give the logits and their differences", () => {
    const point = bounded(network, 0);
    const outputs = [point.logits, point.lower, point.upper, point.byIntervals, point.byCrown];
    const [z, ...all] = point.values(outputs);
    for (const [i, value] of z.entries()) {
      const label = i - (i % CLASSES) + labels[Math.floor(i / CLASSES)];
      const expected = [value, value, z[label] - value, z[label] - value];
      for (const [k, bound] of all.entries()) expect(bound[i]).toBeCloseTo(expected[k], 4);
    }
  });
});

it("one layer is bounded exactly: ⟨w, x⟩ ± ε‖w‖₁", () => {
  const { values, lower, upper, byCrown, x, logits } = bounded((x) => linear(41, flat(x)));
  const [w] = interpret([fixed(41, [CLASSES, 72])], {});
  const [z, low, high, margins] = values([logits, lower, upper, byCrown]);
  expect(x.shape).toEqual(IMAGES);
  const row = (j: number) => Array.from(w.data.slice(72 * j, 72 * (j + 1)) as Float32Array);
  const sum = (v: number[]) => v.reduce((all, one) => all + Math.abs(one), 0);
  for (const [i, value] of z.entries()) {
    expect(high[i] - value).toBeCloseTo(RADIUS * sum(row(i % CLASSES)), 4);
    expect(value - low[i]).toBeCloseTo(RADIUS * sum(row(i % CLASSES)), 4);
    const label = labels[Math.floor(i / CLASSES)];
    const apart = row(label).map((v, k) => v - row(i % CLASSES)[k]);
    const exact = z[i - (i % CLASSES) + label] - value - RADIUS * sum(apart);
    expect(margins[i]).toBeCloseTo(exact, 4);
  }
});

it("a ReLU on [−1, 3] has the upper line ¾(x + 1) and the lower line x, and on [−3, 1] the lower line 0", () => {
  const line = (low: number, high: number, sign: number) => {
    const x = g.input("x", [1, 1]);
    const logits = g.concat([g.mul(g.relu(x), g.scalarLike(x, sign)), g.mul(x, zero(x))], 1);
    const ends = [low, high].map((end) => g.expand(g.scalarLike(x, end), [1, 1]));
    const intervals = new GraphIntervals(x, logits, between(ends[0], ends[1]));
    const one = g.constant(tensor([1, 2], [1, 0]));
    const bound = marginBounds(intervals, logits, one, { throughRelus: true });
    return Number((interpret([bound], { x: tensor([1, 1], [0]) })[0] as NdArray).data[1]);
  };
  expect(line(-1, 3, 1)).toBeCloseTo(-1, 6);
  expect(line(-1, 3, -1)).toBeCloseTo(-3, 6);
  expect(line(-3, 1, 1)).toBeCloseTo(0, 6);
  expect(line(1, 3, 1)).toBeCloseTo(1, 6);
  expect(line(-3, -1, -1)).toBeCloseTo(0, 6);
});

it("walking through ReLUs pays: the margins of CROWN are larger where few are unstable", () => {
  const { values, byIntervals, byCrown } = bounded(networks["convolutions with stride"], 0.01);
  const [ibp, crown] = values([byIntervals, byCrown]);
  const mean = (all: number[]) => all.reduce((sum, one) => sum + one, 0) / all.length;
  expect(mean(crown)).toBeGreaterThan(mean(ibp) + 0.01);
});

it.each<[string, Network]>([
  ["Mul", (x) => g.mul(x, g.sigmoid(x))],
  ["Sin", g.sin],
  ["Softmax", (x) => g.softmax(x, 3)],
])("%s has no rule, and the message names it", (op, f) => {
  expect(() => bounded((x) => linear(43, flat(f(x, x))))).toThrow(
    expect.objectContaining({
      code: "misfit",
      message: expect.stringContaining(`operator ${op} of`),
    }),
  );
});
