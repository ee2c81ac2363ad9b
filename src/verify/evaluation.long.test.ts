import { afterAll, describe, expect, it } from "vitest";
import { exactAt, inDoubles } from "../../test/fixtures/in-doubles.ts";
import { Crown, type SparseRow } from "../engine/bounds/crown.ts";
import { KERNEL } from "../engine/bounds/evaluation-sums.ts";
import { ballAround, type InputRegion } from "../engine/bounds/region.ts";
import * as g from "../engine/graph/expressions.ts";
import type { Value } from "../engine/graph/value.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { normal, uniform } from "../math/distributions.ts";
import { fold, keyOf } from "../math/random.ts";
import { elementCount, type Shape, tensor } from "../math/tensor.ts";
import { evaluationOf } from "./evaluation.ts";

// From two channels on, so that every 3×3 convolution of whole blocks becomes a Winograd convolution.
const lowerings = ["plain", "blocked-16-w2-2", "blocked-8-w2-2"];
const runtimes = new Map<string, Promise<Runtime>>();
const runtimeOf = (lowering: string): Promise<Runtime> => {
  const made = runtimes.get(lowering) ?? nodeRuntime({ threads: 1, lowering });
  runtimes.set(lowering, made);
  return made;
};
const opened: Crown[] = [];
afterAll(async () => {
  for (const one of opened) await one.release();
});

const weights = (seed: number, shape: Shape, scale = 1): Value =>
  g.constant(
    tensor(
      shape,
      normal([keyOf(seed)], [1, elementCount(shape)]).data.map((v) => v * scale),
    ),
  );
const listed = (...values: number[]): Value => g.constant(tensor([values.length], values));
const same = { pads: [1, 1, 1, 1] };

const identity = (outputs: number): SparseRow[] =>
  Array.from({ length: outputs }, (_, i) => [[[i, 1]], [[i, -1]]] as SparseRow[]).flat();

/** Bounds [lower, upper] of every output that hold for evaluations on a runtime. */
async function evaluated(
  runtime: Runtime,
  x: Value,
  y: Value,
  region: InputRegion,
): Promise<(readonly [number, number])[]> {
  const crown = new Crown((await runtimeOf("plain")).compile, x, y);
  opened.push(crown);
  const state = await crown.analyse(region, { evaluation: evaluationOf(runtime.target) });
  const count = elementCount(y.shape);
  const bounds = await crown.lowerBounds(state, crown.plan.output, identity(count));
  return Array.from({ length: count }, (_, i) => [bounds[2 * i], -bounds[2 * i + 1]] as const);
}

const networks: {
  readonly name: string;
  readonly shape: Shape;
  readonly f: (x: Value) => Value;
}[] = [
  {
    name: "a normalised network with Winograd, batch norm and a residual",
    shape: [3, 8, 8],
    f: (x) => {
      const normalized = g.mul(g.sub(x, g.scalar(0.45)), g.scalar(1 / 0.22));
      const scale = g.div(
        weights(1, [1, 16, 1, 1]),
        g.sqrt(g.add(g.abs(weights(2, [1, 16, 1, 1])), g.scalar(1e-5))),
      );
      const h = g.relu(
        g.add(
          g.mul(g.conv(normalized, weights(3, [16, 3, 3, 3], 0.3), same), scale),
          weights(4, [1, 16, 1, 1]),
        ),
      );
      const inner = g.add(
        g.conv(h, weights(5, [16, 16, 3, 3], 0.1), same),
        weights(6, [1, 16, 1, 1]),
      );
      const joined = g.relu(g.add(inner, h));
      return g.add(g.matmul(g.mean(joined, [2, 3]), weights(7, [16, 3])), listed(0.1, 0.2, 0.3));
    },
  },
  {
    name: "smooth functions, a product and a division",
    shape: [6],
    f: (x) => {
      const h = g.add(g.matmul(x, weights(10, [6, 8])), weights(11, [8]));
      const gelu = g.mul(
        g.mul(h, g.scalar(0.5)),
        g.add(g.erf(g.div(h, g.scalar(Math.SQRT2))), g.scalar(1)),
      );
      const mixed = g.concat([g.tanh(h), g.sigmoid(h), gelu, g.exp(g.mul(h, g.scalar(0.3)))], 1);
      return g.matmul(g.sub(mixed, g.neg(g.pow(mixed, g.scalar(2)))), weights(12, [32, 3]));
    },
  },
  {
    name: "self-attention",
    shape: [5, 4],
    f: (x) => {
      const [q, k, v] = [30, 31, 32].map((seed) => g.matmul(x, weights(seed, [4, 6])));
      const scores = g.mul(g.matmul(q, g.transpose(k, [0, 2, 1])), g.scalar(6 ** -0.5));
      const mixed = g.add(g.matmul(g.softmax(scores), v), g.mul(v, g.scalar(0.3)));
      return g.matmul(g.reshape(mixed, [1, 30]), weights(33, [30, 3]));
    },
  },
  {
    name: "quantised values",
    shape: [6],
    f: (x) => {
      const h = g.round(g.mul(g.add(g.matmul(x, weights(40, [6, 8])), listed(0.1)), g.scalar(7)));
      const z = g.add(g.clip(h, -7, 8), g.mul(g.sign(h), g.ceil(g.mul(h, g.scalar(0.3)))));
      return g.matmul(z, weights(41, [8, 3]));
    },
  },
  {
    name: "pooling, clips and casts",
    shape: [2, 6, 6],
    f: (x) => {
      const h = g.clip(
        g.reshape(
          g.matmul(
            g.cast(g.reshape(x, [1, 72]), "float64"),
            g.cast(weights(20, [72, 36], 0.1), "float64"),
          ),
          [1, 1, 6, 6],
        ),
        -1,
        2,
      );
      const y = g.averagePool(g.maxPool(g.cast(h, "float32"), { kernel: [2, 2] }), {
        kernel: [3, 3],
      });
      return g.matmul(
        g.reshape(y, [1, elementCount(y.shape)]),
        weights(21, [elementCount(y.shape), 3]),
      );
    },
  },
];

describe("bounds of evaluations contain what runtimes compute", () => {
  it.each(
    networks.flatMap((one) => lowerings.map((lowering) => ({ name: one.name, lowering, one }))),
  )("$name, $lowering", async ({ lowering, one: { shape, f } }) => {
    const runtime = await runtimeOf(lowering);
    const x = g.input("x", [1, ...shape]);
    const y = f(x);
    const exact = inDoubles(y);
    const program = await runtime.compile({ y });
    for (const [seed, epsilon] of [0, 0, 0.02].entries()) {
      const centre = uniform([fold(keyOf(5), seed)], [1, elementCount(shape)]).data;
      const bounds = await evaluated(runtime, x, y, ballAround("linf", centre, epsilon, [0, 1]));
      for (let draw = 0; draw < 5; draw++) {
        const move = normal([fold(keyOf(6), draw)], [1, centre.length]).data;
        // Between the ends of the box, whatever rounds.
        const point = centre.map((c, i) =>
          Math.min(1, Math.max(0, c + 0.99 * epsilon * Math.sign(move[i]))),
        );
        const { y: computed } = await program.run({ x: tensor([1, ...shape], point) });
        for (const values of [
          Array.from(computed.data, Number),
          exactAt(exact, [1, ...shape], point),
        ])
          for (const [i, [low, high]] of bounds.entries()) {
            expect(values[i]).toBeGreaterThanOrEqual(low);
            expect(values[i]).toBeLessThanOrEqual(high);
          }
      }
      // Not void: at a point, evaluations lie close together.
      if (epsilon === 0)
        for (const [low, high] of bounds)
          expect(high - low).toBeLessThan(0.1 * (1 + Math.abs(low)));
    }
    await program.release();
  });
});

describe("float32 kernels are at least three times as accurate as assumed", () => {
  const kernels: Record<string, [(x: Value) => Value, number]> = {
    tanh: [g.tanh, 12],
    sigmoid: [g.sigmoid, 40],
    erf: [g.erf, 8],
    exp: [g.exp, 20],
    atan: [g.atan, 30],
    sin: [g.sin, 30],
    cos: [g.cos, 30],
  };
  it.each(Object.entries(kernels))("%s", async (_, [f, reach]) => {
    const runtime = await runtimeOf("plain");
    const count = 20_001;
    const x = g.input("x", [count]);
    const program = await runtime.compile({ y: f(x) });
    const points = Float32Array.from(
      { length: count },
      (_, i) => reach * ((2 * i) / (count - 1) - 1),
    );
    const { y } = await program.run({ x: tensor([count], points) });
    const truth = exactAt(inDoubles(f(x)), [count], points);
    const errors = truth.map((t, i) => Math.abs(Number(y.data[i]) - t) / Math.max(1, Math.abs(t)));
    expect(Math.max(...errors)).toBeLessThan(KERNEL / 3);
    await program.release();
  });

  it("softmax, of 3 to 300 numbers", async () => {
    const runtime = await runtimeOf("plain");
    for (const classes of [3, 10, 300]) {
      const x = g.input("x", [500, classes]);
      const program = await runtime.compile({ y: g.softmax(x) });
      const rows = normal([keyOf(classes)], [1, 500 * classes]).data;
      const points = rows.map((v, i) => v * 10 ** ((Math.floor(i / classes) % 40) / 20));
      const { y } = await program.run({ x: tensor([500, classes], points) });
      const truth = exactAt(inDoubles(g.softmax(x)), [500, classes], points);
      const errors = truth.map((t, i) => Math.abs(Number(y.data[i]) - t));
      expect(errors.reduce((a, b) => Math.max(a, b))).toBeLessThan(KERNEL / 3);
      await program.release();
    }
  });
});
