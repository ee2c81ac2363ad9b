import { afterAll, describe, expect, it } from "vitest";
import { Crown } from "../engine/bounds/crown.ts";
import type { Compile } from "../engine/bounds/program.ts";
import type { InputRegion } from "../engine/bounds/region.ts";
import { RegionState } from "../engine/bounds/state.ts";
import * as g from "../engine/graph/expressions.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { normal } from "../math/distributions.ts";
import { keyOf } from "../math/random.ts";
import { elementCount, type Shape } from "../math/tensor.ts";
import { EarlierBounds } from "./earlier-bounds.ts";
import type { Property } from "./property.ts";
import { type ProofEvent, prove, type Stage } from "./prove.ts";

const runtime = nodeRuntime({ threads: 1, lowering: "plain" });
let compiled = 0;
const compile: Compile = async (outputs) => {
  compiled++;
  return (await runtime).compile(outputs);
};
const weights = (seed: number, shape: Shape) => {
  const { data } = normal([keyOf(seed)], [1, elementCount(shape)]);
  const scale = 1 / Math.sqrt(shape[0]);
  return g.constant({ dtype: "float32", shape, data: data.map((v) => v * scale) });
};
const x = g.input("x", [1, 3]);
const hidden = g.relu(g.matmul(g.relu(g.matmul(x, weights(1, [3, 10]))), weights(2, [10, 10])));
const y = g.matmul(hidden, weights(3, [10, 2]));
const opened: Crown[] = [];
const crownOf = (): Crown => {
  const crown = new Crown(compile, x, y);
  opened.push(crown);
  return crown;
};
afterAll(async () => {
  for (const one of opened) await one.release();
});

/** That y₀ − y₁ is above `bound` within `radius` of (0.4, −0.2, 0.3). */
const propertyOf = (radius: number, bound: number): Property => {
  const centre = [0.4, -0.2, 0.3];
  const lower = Float64Array.from(centre, (c) => c - radius);
  const upper = Float64Array.from(centre, (c) => c + radius);
  const conditions = [{ coefficients: Float64Array.of(1, -1), bound }];
  return { inputs: 3, outputs: 2, cases: [{ lower, upper, conditions }] };
};
const eventsOf = async (crown: Crown, property: Property, upTo?: Stage): Promise<ProofEvent[]> => {
  const events: ProofEvent[] = [];
  const now = () => performance.now() / 1000;
  for await (const event of prove(crown, property, { seconds: 60, now, upTo })) events.push(event);
  return events;
};
const firstGap = (events: readonly ProofEvent[]): number =>
  events.map((event) => (event.event === "stage" ? event.gap : Number.NaN))[0];

describe("the properties of one network", () => {
  it("share its compiled graphs", async () => {
    const crown = crownOf();
    await eventsOf(crown, propertyOf(0.3, -0.5), "alpha-crown");
    const before = compiled;
    await eventsOf(crown, propertyOf(0.31, -0.4), "alpha-crown");
    expect(compiled).toBe(before);
  });

  it("share the bounds of a larger box, but not those of a smaller one", async () => {
    const fresh = firstGap(await eventsOf(crownOf(), propertyOf(0.3, 5), "crown-ibp"));
    const crown = crownOf();
    await eventsOf(crown, propertyOf(0.2, 5), "alpha-crown");
    expect(firstGap(await eventsOf(crown, propertyOf(0.3, 5), "crown-ibp"))).toBe(fresh);
    await eventsOf(crown, propertyOf(0.31, 5), "alpha-crown");
    const later = firstGap(await eventsOf(crown, propertyOf(0.3, 5), "crown-ibp"));
    expect(later).toBeGreaterThan(fresh);
  });

  it("get the verdicts that they get alone", async () => {
    const shared = crownOf();
    const verdict = async (crown: Crown, bound: number, radius: number) =>
      (await eventsOf(crown, propertyOf(radius, bound), "alpha-crown")).at(-1)?.event;
    const verdicts = new Set<string | undefined>();
    for (const radius of [0.4, 0.1])
      for (const bound of [-1.5, 2]) {
        const alone = await verdict(crownOf(), bound, radius);
        expect(await verdict(shared, bound, radius)).toBe(alone);
        verdicts.add(alone);
      }
    expect(verdicts.size).toBe(2);
  });
});

describe("earlier bounds", () => {
  const { plan } = crownOf();
  const region = (low: number, high: number): InputRegion => ({
    lower: new Float64Array(3).fill(low),
    upper: new Float64Array(3).fill(high),
  });
  const evaluation = { winograd: () => false };

  it("are those of a box that contains the new one, for the same evaluation", () => {
    const earlier = new EarlierBounds();
    const wide = new RegionState(plan, region(0, 1));
    earlier.add(wide, undefined);
    expect(earlier.find(region(0.2, 1), undefined)).toBe(wide);
    expect(earlier.find(region(0.2, 1.01), undefined)).toBeUndefined();
    expect(earlier.find(region(-0.01, 0.5), undefined)).toBeUndefined();
    expect(earlier.find(region(0.2, 1), evaluation)).toBeUndefined();
  });

  it("are not those of a ball within its box", () => {
    const earlier = new EarlierBounds();
    const ball = { norm: "l2" as const, centre: new Float64Array(3), radius: 1 };
    earlier.add(new RegionState(plan, { ...region(-1, 1), ball }), undefined);
    expect(earlier.find(region(-1, 1), undefined)).toBeUndefined();
  });

  it("are the latest eight", () => {
    const earlier = new EarlierBounds();
    for (let i = 0; i < 9; i++) earlier.add(new RegionState(plan, region(i, i + 1)), undefined);
    expect(earlier.find(region(0, 1), undefined)).toBeUndefined();
    expect(earlier.find(region(1, 2), undefined)).toBeDefined();
  });
});
