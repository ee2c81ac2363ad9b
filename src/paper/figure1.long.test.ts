import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { uniform } from "../math/distributions.ts";
import { keyOf } from "../math/random.ts";
import { figure1 } from "./figure1.ts";
import { EPSILON_LINF, equalAreaRadius, interlockedRows, sharedArea } from "./figure1-data.ts";
import { figure1Svg } from "./report/figure1.ts";

const runtime = await nodeRuntime({ threads: 1 });

describe("the two balls", () => {
  it("have equal areas", () => {
    const radius = equalAreaRadius(EPSILON_LINF);
    expect(Math.PI * radius ** 2).toBeCloseTo((2 * EPSILON_LINF) ** 2, 12);
  });

  it("share as much of their area as random points say", () => {
    const draws = 40_000;
    const radius = equalAreaRadius(1);
    const { data } = uniform([keyOf(1)], [1, 2 * draws], -1, 1);
    let inside = 0;
    for (let i = 0; i < draws; i++)
      if (Math.hypot(data[2 * i], data[2 * i + 1]) <= radius) inside++;
    // The standard deviation of this share is 0.0014.
    expect(Math.abs(inside / draws - sharedArea(1, radius))).toBeLessThan(0.006);
  });
});

describe("the rows of clusters", () => {
  const { test } = interlockedRows(0, { train: 4, test: 280 });
  const indices = Array.from({ length: test.size }, (_, i) => i);
  const { data } = test.images(indices);
  const distances = (p: number) =>
    indices.flatMap((i) =>
      indices
        .filter((j) => test.labels[i] === 0 && test.labels[j] === 1)
        .map((j) => {
          const [dx, dy] = [0, 1].map((k) => Math.abs(data[2 * i + k] - data[2 * j + k]));
          return p === 2 ? Math.hypot(dx, dy) : Math.max(dx, dy);
        }),
    );

  it("are further apart than two squares, and than two discs: either norm can be withstood", () => {
    expect(Math.min(...distances(Number.POSITIVE_INFINITY))).toBeGreaterThan(2 * EPSILON_LINF);
    expect(Math.min(...distances(2))).toBeGreaterThan(2 * equalAreaRadius(EPSILON_LINF));
  });

  it("do not depend on which examples travel together", () => {
    expect([...test.images([7]).data]).toEqual([...data.slice(14, 16)]);
  });
});

describe("Figure 1", () => {
  it("shows what it says: each classifier withstands its own norm and falls to the other", async () => {
    const { svg, data } = await figure1({ runtime, seed: 0, scale: "smoke" });
    const shares = (defense: string) => {
      const found = data.classifiers.find((one) => one.defense === defense);
      if (found === undefined) throw new Error(`no ${defense}`);
      return found;
    };
    const [linf, l2] = [shares("at-linf"), shares("at-l2")];
    expect(linf.clean).toBe(1);
    expect(l2.clean).toBe(1);
    expect(linf.linf.broken).toBeLessThan(0.05);
    expect(l2.l2.broken).toBeLessThan(0.05);
    expect(linf.l2.broken).toBeGreaterThan(0.5);
    expect(l2.linf.broken).toBeGreaterThan(0.5);
    // What breaks AT-ℓ∞ is out of its square, what breaks AT-ℓ2 out of its disc.
    expect(linf.l2.brokenOutsideOther).toBe(linf.l2.broken);
    expect(l2.linf.brokenOutsideOther).toBe(l2.linf.broken);
    expect(Object.values(data.example.claims)).toEqual(Array(6).fill(true));
    expect(svg).not.toContain("NOT true");
    // The drawing is of the data and of nothing else, and librsvg reads XML strictly.
    expect(figure1Svg(JSON.parse(JSON.stringify(data)))).toBe(svg);
    expect((await sharp(Buffer.from(svg)).metadata()).format).toBe("svg");
  }, 120_000);

  it("is the same for the same seed, another for another, and says what did not come out", async () => {
    const scale = { steps: 10, test: 28, cells: 9 };
    const drawn = async (seed: number) => (await figure1({ runtime, seed, scale })).svg;
    const first = await drawn(3);
    expect(await drawn(3)).toBe(first);
    expect(await drawn(4)).not.toBe(first);
    expect(first).toContain("NOT true of the example drawn");
  }, 60_000);

  it("stops where it is told to", async () => {
    const stop = new AbortController();
    const running = figure1({
      runtime,
      seed: 0,
      scale: { steps: 50, test: 28, cells: 9 },
      signal: stop.signal,
      onProgress: ({ done }) => done === 3 && stop.abort(new Error("stopped")),
    });
    await expect(running).rejects.toThrow("stopped");
  });
});
