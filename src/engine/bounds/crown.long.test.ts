import { afterAll, describe, expect, it } from "vitest";
import { isSlow } from "../../../test/fixtures/slow.ts";
import { normal, uniform } from "../../math/distributions.ts";
import { fold, keyOf } from "../../math/random.ts";
import { elementCount, type NdArray, type Shape } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { interpret } from "../graph/interpret.ts";
import type { Value } from "../graph/value.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { Crown, type SparseRow } from "./crown.ts";
import type { Compile } from "./program.ts";
import { ballAround, type InputRegion } from "./region.ts";

const runtime: Promise<Runtime> = nodeRuntime({ threads: 1, lowering: "plain" });
const compile: Compile = async (outputs) => (await runtime).compile(outputs);
const opened: Crown[] = [];
const crownOf = (x: Value, y: Value): Crown => {
  const crown = new Crown(compile, x, y);
  opened.push(crown);
  return crown;
};
afterAll(async () => {
  for (const one of opened) await one.release();
});

const weights = (seed: number, shape: Shape, scale = 1): Value => {
  const { data } = normal([keyOf(seed)], [1, elementCount(shape)]);
  return g.constant({ dtype: "float32", shape, data: data.map((v) => v * scale) });
};

const identity = (outputs: number): SparseRow[] =>
  Array.from({ length: outputs }, (_, i) => [[[i, 1]], [[i, -1]]] as SparseRow[]).flat();

interface Net {
  readonly name: string;
  readonly shape: Shape;
  readonly f: (x: Value) => Value;
}

const dense = (x: Value, seed: number, from: number, to: number): Value =>
  g.add(g.matmul(x, weights(seed, [from, to], 1 / Math.sqrt(from))), weights(seed + 1, [to], 0.1));
const geometry = { strides: [2, 1], pads: [1, 0, 1, 1], dilations: [1, 1] };
const pooling = { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
const flat = (x: Value) => g.reshape(x, [1, elementCount(x.shape)]);
const times = (x: Value, factor: number) => g.mul(x, g.scalarLike(x, factor));

const nets: Net[] = [
  {
    name: "an MLP with ReLU",
    shape: [6],
    f: (x) => dense(g.relu(dense(g.relu(dense(x, 1, 6, 8)), 3, 8, 8)), 5, 8, 3),
  },
  {
    name: "a convolutional network with batch norm and a residual",
    shape: [2, 6, 6],
    f: (x) => {
      const scale = g.div(weights(10, [1, 4, 1, 1]), g.sqrt(g.abs(weights(11, [1, 4, 1, 1]))));
      const h = g.relu(
        g.add(
          g.mul(g.conv(x, weights(12, [4, 2, 3, 3], 0.3), geometry), scale),
          weights(13, [1, 4, 1, 1]),
        ),
      );
      const inner = g.conv(h, weights(14, [4, 2, 3, 3], 0.3), { pads: [1, 1, 1, 1], groups: 2 });
      const joined = g.relu(g.add(inner, h));
      return dense(g.mean(joined, [2, 3]), 15, 4, 3);
    },
  },
  {
    name: "max and average pooling, padded",
    shape: [1, 7, 7],
    f: (x) => {
      const h = g.maxPool(g.conv(x, weights(20, [2, 1, 3, 3], 0.4)), pooling);
      const y = g.averagePool(h, { kernel: [2, 2], pads: [1, 0, 0, 1] });
      return dense(flat(y), 21, elementCount(y.shape), 3);
    },
  },
  {
    name: "tanh, sigmoid, exp and erf",
    shape: [5],
    f: (x) => {
      const h = dense(x, 30, 5, 6);
      const mixed = g.concat([g.tanh(h), g.sigmoid(h), g.exp(times(h, 0.5)), g.erf(h)], 1);
      return dense(mixed, 32, 24, 3);
    },
  },
  {
    name: "self-attention of two heads",
    shape: [5, 4],
    f: (x) => {
      const [query, key, value] = [80, 82, 84].map((seed) =>
        g.transpose(g.reshape(dense(x, seed, 4, 6), [1, 5, 2, 3]), [0, 2, 1, 3]),
      );
      const scores = times(g.matmul(query, g.transpose(key, [0, 1, 3, 2])), 3 ** -0.5);
      const mixed = g.transpose(g.matmul(g.softmax(scores), value), [0, 2, 1, 3]);
      return dense(g.relu(dense(flat(mixed), 86, 30, 6)), 88, 6, 3);
    },
  },
  {
    name: "products of matrices that are broadcast, and a Softmax along another axis",
    shape: [3, 4],
    f: (x) => {
      const y = g.softmax(g.reshape(x, [3, 1, 4]), 0);
      const z = g.matmul(y, g.transpose(g.reshape(times(x, 2), [3, 4]), [1, 0]));
      return dense(flat(z), 90, 9, 3);
    },
  },
  {
    name: "quantised values, and signs",
    shape: [6],
    f: (x) => {
      const pixels = times(g.floor(times(x, 255)), 1 / 255);
      const h = g.clip(times(g.round(times(dense(pixels, 70, 6, 8), 3)), 1 / 3), -1, 1);
      const z = dense(h, 72, 8, 6);
      return dense(g.concat([g.ceil(z), g.sign(z), g.floor(times(z, 4))], 1), 74, 18, 3);
    },
  },
  {
    name: "leaky ReLU, hard swish, clip, abs, max and min",
    shape: [5],
    f: (x) => {
      const h = dense(x, 40, 5, 6);
      const leaky = g.add(times(h, 0.1), times(g.relu(h), 0.9));
      const swish = g.mul(h, g.clip(g.add(times(h, 1 / 6), g.scalarLike(h, 0.5)), 0, 1));
      const rest = g.sub(g.maximum(leaky, swish), g.minimum(g.abs(h), g.clip(h, -0.2, 0.4)));
      return dense(g.concat([leaky, swish, rest], 1), 42, 18, 3);
    },
  },
  {
    name: "transposes, slices, pads, gathers and reductions",
    shape: [2, 3, 4],
    f: (x) => {
      const h = g.relu(g.sub(g.transpose(x, [0, 2, 3, 1]), weights(50, [3, 4, 1], 0.3)));
      const picked = g.gather(
        h,
        g.constant({ dtype: "int64", shape: [3], data: BigInt64Array.of(2n, 0n, 2n) }),
        2,
      );
      const padded = g.pad(g.flip(picked, 1), [0, 0, 1, 0], [0, 1, 0, 0]);
      const y = g.concat([flat(g.max(padded, [3])), flat(g.neg(g.sum(padded, [1])))], 1);
      return dense(g.relu(y), 52, elementCount(y.shape), 3);
    },
  },
];

const asDoubles = (shape: Shape, data: Float64Array): NdArray => ({
  dtype: "float64",
  shape,
  data,
});

/** A random point of a region: a corner of its box pulled into the ball, or an inner point. */
function drawn({ lower, upper, ball }: InputRegion, seed: number): Float64Array {
  const { data } = uniform([keyOf(seed)], [1, lower.length]);
  const point = lower.map((low, i) => {
    const part = seed % 2 === 0 ? Math.round(data[i]) : data[i];
    return Math.min(upper[i], low + part * (upper[i] - low));
  });
  if (ball === undefined) return point;
  const offsets = point.map((v, i) => v - ball.centre[i]);
  const length =
    ball.norm === "l2" ? Math.hypot(...offsets) : offsets.reduce((s, v) => s + Math.abs(v), 0);
  const factor = Math.min(1, (0.999999 * ball.radius) / length);
  return offsets.map((v, i) => ball.centre[i] + factor * v);
}

describe("CROWN bounds contain the outputs", () => {
  const regions = (["linf", "l2", "l1"] as const).flatMap((norm) =>
    (isSlow || norm === "linf" ? [1e-4, 0.1, 1] : [0.1]).map((epsilon) => ({ norm, epsilon })),
  );
  it.each(nets)("of $name", async ({ shape, f }) => {
    const x = g.input("x", [1, ...shape]);
    const y = f(x);
    const crown = crownOf(x, y);
    const centre = Float64Array.from(uniform([fold(keyOf(3), 1)], [1, elementCount(shape)]).data);
    for (const { norm, epsilon } of regions) {
      const region = ballAround(norm, centre, epsilon, [0, 1]);
      const state = await crown.analyse(region);
      const bounds = await crown.lowerBounds(state, crown.plan.output, identity(3));
      for (let seed = 0; seed < (isSlow ? 40 : 4); seed++) {
        const point = drawn(region, seed);
        const [{ data }] = interpret([y], { x: asDoubles([1, ...shape], point) });
        for (let j = 0; j < 3; j++) {
          // The interpreter stores float32 between operators.
          const slack = 2e-6 * (1 + Math.abs(Number(data[j])));
          expect(Number(data[j])).toBeGreaterThanOrEqual(bounds[2 * j] - slack);
          expect(-Number(data[j])).toBeGreaterThanOrEqual(bounds[2 * j + 1] - slack);
        }
      }
    }
  });
});

describe("CROWN", () => {
  it.each(["linf", "l2", "l1"] as const)("is exact on a linear network for %s", async (norm) => {
    const x = g.input("x", [1, 5]);
    const w = weights(60, [5, 2]);
    const crown = crownOf(x, g.matmul(x, w));
    const centre = new Float64Array(5).fill(0.5);
    const region = ballAround(norm, centre, 0.1, [0, 1]);
    const state = await crown.analyse(region);
    const [bound] = await crown.lowerBounds(state, crown.plan.output, [[[0, 1]]]);
    const column = Array.from({ length: 5 }, (_, i) =>
      Number((w.attrs as { array: NdArray }).array.data[2 * i]),
    );
    const dual = {
      linf: column.reduce((s, v) => s + Math.abs(v), 0),
      l2: Math.hypot(...column),
      l1: Math.max(...column.map(Math.abs)),
    }[norm];
    const exact = column.reduce((s, v) => s + 0.5 * v, 0) - 0.1 * dual;
    expect(bound).toBeLessThanOrEqual(exact + 1e-15);
    expect(bound).toBeGreaterThan(exact - 1e-6);
  });

  it("is at least as tight as interval arithmetic, and far tighter behind two layers", async () => {
    const [{ shape, f }] = nets;
    const x = g.input("x", [1, ...shape]);
    const crown = crownOf(x, f(x));
    const region = ballAround("linf", new Float64Array(6).fill(0.5), 0.1, [0, 1]);
    const state = await crown.analyse(region);
    const walked = await crown.lowerBounds(state, crown.plan.output, [[[0, 1]]]);
    const plain = (await crown.analyse(region, { walks: false })).interval(crown.plan.output);
    expect(walked[0]).toBeGreaterThan(plain.lower[0]);
  });

  it("gives up in numbers that overflow, and proves nothing", async () => {
    const x = g.input("x", [1, 2]);
    const huge = g.constant({
      dtype: "float32",
      shape: [2, 2],
      data: Float32Array.of(3e38, 1, 3e38, 1),
    });
    const y = g.mul(g.exp(g.matmul(x, huge)), g.exp(g.matmul(x, huge)));
    const crown = crownOf(x, y);
    const state = await crown.analyse(ballAround("linf", [0.5, 0.5], 0.1, [0, 1]));
    const [bound] = await crown.lowerBounds(state, crown.plan.output, [[[0, -1]]]);
    expect(bound).toBe(Number.NEGATIVE_INFINITY);
  });

  it("refuses an operator without a relaxation by name", () => {
    const x = g.input("x", [1, 4]);
    expect(() => crownOf(x, g.logSoftmax(x))).toThrow("operator LogSoftmax of shape [1, 4]");
    expect(() => crownOf(x, g.div(x, g.exp(x)))).toThrow("operator Div");
    const w = g.reshape(x, [1, 1, 2, 2]);
    expect(() => crownOf(x, g.conv(w, w, {}))).toThrow("operator Conv");
  });
});
