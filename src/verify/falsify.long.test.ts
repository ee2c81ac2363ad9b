import { describe, expect, it } from "vitest";
import {
  dot,
  kinked,
  linear,
  type Watched,
  watched,
} from "../../test/fixtures/networks-fixture.ts";
import { normal, uniform } from "../math/distributions.ts";
import { fold, keyOf } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { checkpointsOf } from "./descent.ts";
import { type FalsifyEvent, type FlatNetwork, falsify } from "./falsify.ts";
import { type Case, excessOf, type Property } from "./property.ts";
import { isInside } from "./region.ts";
import { parseVnnlib } from "./vnnlib.ts";

async function searched(
  { network, now }: Watched,
  property: Property,
  {
    seconds = 300,
    seed = 0,
    signal,
  }: { seconds?: number; seed?: number; signal?: AbortSignal } = {},
): Promise<Exclude<FalsifyEvent, { event: "step" }>> {
  for await (const event of falsify(network, property, { seconds, key: keyOf(seed), now, signal }))
    if (event.event !== "step") return event;
  throw new Error("no verdict");
}

const propertyOf = (outputs: number, ...cases: Case[]): Property => ({
  inputs: cases[0].lower.length,
  outputs,
  cases,
});

/** Whether it is a counterexample, by the network itself and the text's bounds. */
async function isCounterexample(net: Watched, property: Property, found: FalsifyEvent) {
  if (found.event !== "sat") return false;
  const { case: index, x, y } = found.counterexample;
  const again = await net.network.outputs(tensor([1, x.length], x));
  expect([...again.data]).toEqual([...y]);
  const one = property.cases[index];
  return isInside(one, x) && excessOf(one.conditions, y) <= 0;
}

describe("falsify on a linear network", () => {
  const inputs = 20;
  const problems = [0, 1, 2, 3, 4].map((seed) => {
    const key = keyOf(seed);
    const W = [0, 1, 2].map((j) => normal([fold(key, j)], [1, inputs]).data);
    const net = linear(W, [0.1, -0.2, 0.3]);
    const middle = uniform([fold(key, 3)], [1, inputs], -1, 1).data;
    const half = uniform([fold(key, 4)], [1, inputs], 0, 1).data.map((h, i) => (i === 7 ? 0 : h));
    const box = {
      lower: Float64Array.from(middle, (m, i) => m - half[i]),
      upper: Float64Array.from(middle, (m, i) => m + half[i]),
    };
    // min over the box of w·x is w·middle − |w|·half, for w of one condition.
    const coefficients = Float64Array.of(2, -1, 0.5);
    const w = Array.from({ length: inputs }, (_, i) =>
      dot(
        coefficients,
        W.map((row) => row[i]),
      ),
    );
    const offset = dot(coefficients, [0.1, -0.2, 0.3]);
    const least = dot(w, middle) - dot(w.map(Math.abs), half) + offset;
    return { seed, net, box, coefficients, least };
  });

  it.each(problems)("finds nothing below the minimum ($seed)", async (problem) => {
    const { net, box, coefficients, least, seed } = problem;
    const conditions = [{ coefficients, bound: least - 1e-3 }];
    const result = await searched(net, propertyOf(3, { ...box, conditions }), { seed });
    expect(result).toMatchObject({ event: "unknown", reason: "time" });
    expect(result.closest).toBeCloseTo(1e-3, 4); // the corner itself was found
  });

  it.each(problems)(
    "finds a point just above the minimum in a few steps ($seed)",
    async (problem) => {
      const { net, box, coefficients, least, seed } = problem;
      const conditions = [{ coefficients, bound: least + 1e-3 }];
      const property = propertyOf(3, { ...box, conditions });
      const result = await searched(net, property, { seed, seconds: 30 });
      expect(await isCounterexample(net, property, result)).toBe(true);
    },
  );

  it("finds the corner of a conjunction that only one point nearly satisfies", async () => {
    const net = linear(
      [
        [1, 0],
        [0, 1],
        [1, 1],
      ],
      [0, 0, 0],
    );
    const text = (bound: number) => `
(declare-const X_0 Real) (declare-const X_1 Real)
(declare-const Y_0 Real) (declare-const Y_1 Real) (declare-const Y_2 Real)
(assert (<= -1 X_0 1)) (assert (<= 0 X_1 3))
(assert (and (>= Y_0 0.5) (<= Y_1 2) (>= Y_2 ${bound})))`;
    const within = parseVnnlib(text(2.999));
    expect(await isCounterexample(net, within, await searched(net, within))).toBe(true);
    expect((await searched(net, parseVnnlib(text(3.001)))).event).toBe("unknown");
  });
});

describe("falsify on a network with kinks, in two dimensions", () => {
  const side = 100;
  it.each(Array.from({ length: 18 }, (_, seed) => seed))(
    "agrees with a grid of all points (%i)",
    async (seed) => {
      const net = kinked(seed, 3);
      const draw = (n: number, what: number) =>
        Array.from(normal([fold(keyOf(seed), what)], [1, n]).data);
      const centres = draw(6, 10);
      const cases = [0, 1, 2].map((k): Case => {
        const rows = draw(3 * (1 + (seed % 3)), 11 + k);
        const at = (i: number) => centres[2 * k + i];
        return {
          lower: Float64Array.of(at(0) - 0.7, at(1) - 0.1),
          upper: Float64Array.of(at(0) + 0.7, at(1) + 0.4),
          conditions: Array.from({ length: 1 + (seed % 3) }, (_, i) => ({
            coefficients: Float64Array.from(rows.slice(3 * i, 3 * i + 3)),
            bound: -2,
          })),
        };
      });
      const least = async ({ lower, upper, conditions }: Case) => {
        const points = Array.from({ length: side * side }, (_, i) => {
          const share = [(i % side) / (side - 1), Math.floor(i / side) / (side - 1)];
          return [0, 1].map((d) => lower[d] + share[d] * (upper[d] - lower[d]));
        });
        const y = await net.network.outputs(tensor([side * side, 2], points.flat()));
        return points.reduce(
          (low, _, i) => Math.min(low, excessOf(conditions, y.data, 3 * i)),
          1e9,
        );
      };
      const lows = await Promise.all(cases.map(least));
      const low = Math.min(...lows);
      const before = net.now();
      const property = propertyOf(3, ...cases);
      const result = await searched({ ...net, now: () => net.now() - before }, property, {
        seed,
        seconds: 600,
      });
      if (low <= 0) expect(result.event).toBe("sat");
      if (result.event === "sat") expect(await isCounterexample(net, property, result)).toBe(true);
      // A grid of this step may miss a little of what a descent finds, and a descent nothing of what a grid finds.
      else expect(result.closest).toBeLessThan(low + 1e-3);
    },
  );
});

describe("falsify", () => {
  const identity = linear([[1]], [0]);
  const box = (lower: number, upper: number, bound: number): Case => ({
    lower: Float64Array.of(lower),
    upper: Float64Array.of(upper),
    conditions: [{ coefficients: Float64Array.of(1), bound }],
  });

  it("returns float32 points between the doubles of the text", async () => {
    // The float32 nearest to 0.1 lies above it, the one nearest to 0.3 too.
    const low = propertyOf(1, box(0.1, 0.3, Math.fround(0.1)));
    expect(await searched(identity, low)).toMatchObject({
      counterexample: { x: Float32Array.of(0.1) },
    });
    const below = propertyOf(1, box(0.3, 0.9, 0.3));
    expect((await searched(identity, below)).event).toBe("unknown");
  });

  it("names inputs without a float32, and searches the other cases", async () => {
    const property = propertyOf(1, box(0.1, 0.1, 9), box(0.5, 0.5, 0));
    const result = await searched(identity, property);
    expect(result).toMatchObject({ event: "unknown", reason: "searched" });
    expect(result).toMatchObject({ skipped: [{ case: 0, input: 0, lower: 0.1, upper: 0.1 }] });
  });

  it("needs no conditions, and no cases", async () => {
    const free = propertyOf(1, { ...box(0, 1, 0), conditions: [] });
    expect(await searched(identity, free)).toMatchObject({
      event: "sat",
      counterexample: { excess: Number.NEGATIVE_INFINITY },
    });
    const none = { inputs: 1, outputs: 1, cases: [] };
    expect(await searched(identity, none)).toMatchObject({ event: "unknown", reason: "searched" });
  });

  it("reports only outputs that a second run on the point alone confirms", async () => {
    const liar = watched(
      (x) => [...x],
      () => [1],
    );
    const network: FlatNetwork = {
      outputs: liar.network.outputs,
      async gradient(x, weights) {
        const { gradient } = await liar.network.gradient(x, weights);
        return {
          outputs: tensor(
            x.shape,
            x.data.map(() => -1),
          ),
          gradient,
        };
      },
    };
    const result = await searched({ network, now: liar.now }, propertyOf(1, box(0.5, 1, 0)));
    expect(result).toMatchObject({ event: "unknown", reason: "time" });
  });

  it("never takes NaN for a counterexample", async () => {
    const broken = watched(
      () => [Number.NaN],
      () => [Number.NaN],
    );
    const result = await searched(broken, propertyOf(1, box(0, 1, 5)));
    expect(result).toMatchObject({ event: "unknown", closest: Number.POSITIVE_INFINITY });
  });

  it("goes on at another point if there is no gradient", async () => {
    const step = watched(
      (x) => [Math.abs(x[0] - 0.7) < 5e-4 ? -1 : 1],
      () => [0],
    );
    expect((await searched(step, propertyOf(1, box(0, 1, 0)))).event).toBe("sat");
  });

  it("crosses a plateau at the centre of the box from outside of it", async () => {
    // The unit is off at any start in the box: 18 is 5.7 deviations of Σ x, and 3.3 of it at a random corner.
    const n = 30;
    const sum = (x: ArrayLike<number>) => Array.from(x).reduce((total, value) => total + value, 0);
    const net = watched(
      (x) => [1 - Math.max(sum(x) - 18, 0)],
      (x, [weight]) => Array.from(x, () => (sum(x) > 18 ? -weight : 0)),
    );
    const one = { lower: new Float64Array(n).fill(-1), upper: new Float64Array(n).fill(1) };
    const conditions = [{ coefficients: Float64Array.of(1), bound: -10 }];
    const property = propertyOf(1, { ...one, conditions });
    expect((await searched(net, property)).event).toBe("sat");
  });

  it("finds the same counterexample for any clock", async () => {
    const property = propertyOf(3, {
      lower: Float64Array.of(-2, -2),
      upper: Float64Array.of(2, 2),
      conditions: [{ coefficients: Float64Array.of(1, -1, 0.5), bound: -2 }],
    });
    const runs = await Promise.all(
      [1, 0.01].map((speed) => {
        const { network, now } = kinked(5, 3);
        return searched({ network, now: () => speed * now() }, property, { seed: 3 });
      }),
    );
    const points = runs.map((run) => run.event === "sat" && [...run.counterexample.x]);
    expect(points[0]).toBeTruthy();
    expect(points[0]).toEqual(points[1]);
  });

  it("ends with the first step after its time, or on an interruption", async () => {
    const never = propertyOf(1, box(0, 1, -1));
    const { network, now } = linear([[1]], [0]);
    const events: FalsifyEvent[] = [];
    for await (const event of falsify(network, never, { seconds: 5, key: keyOf(0), now }))
      events.push(event);
    expect(events.map(({ event }) => event)).toEqual([...Array(4).fill("step"), "unknown"]);
    expect(events.at(-1)).toMatchObject({ reason: "time", seconds: 5, evaluations: 5 });
    const signal = AbortSignal.abort();
    expect(await searched(linear([[1]], [0]), never, { signal })).toMatchObject({
      reason: "interrupted",
    });
  });

  it("refuses a property of another network", async () => {
    const property = propertyOf(2, {
      ...box(0, 1, 0),
      conditions: [{ coefficients: Float64Array.of(1, 1), bound: 0 }],
    });
    await expect(searched(identity, property)).rejects.toMatchObject({
      code: "misfit",
    });
  });
});

it("has APGD's published checkpoints", () => {
  expect(checkpointsOf(100)).toEqual([22, 41, 57, 70, 80, 87, 93, 99]);
});
