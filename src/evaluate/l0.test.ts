// Evaluations in ℓ0, on a classifier whose smallest number of pixels is known for each image.
import { describe, expect, it } from "vitest";
import { brightness, brightnessData } from "../../test/fixtures/brightness.ts";
import { distancesOf } from "../attacks/exact-projection.ts";
import type { Split } from "../data/dataset.ts";
import { uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { argmaxRows, takeRows, tensor } from "../math/tensor.ts";
import { noiseNamed } from "../noise/table.ts";
import { candidatesAt } from "./candidates.ts";
import { scoreAttacks } from "./evaluate.ts";
import { EvaluateOptions } from "./options.ts";
import type { Row } from "./row.ts";
import { rowName } from "./runs.ts";

/** Bright and dark images in turn, some of which need one pixel and some two. */
const size = 12;
const drawn = uniform(keysFor(keyOf(6), [...Array(size).keys()]), [size, 1, 2, 2], 0, 0.5);
const images = tensor(
  drawn.shape,
  drawn.data.map((v, i) => (i % 8 < 4 ? v : 1 - v)),
);
const test: Split = {
  size,
  labels: argmaxRows(await brightness.logits(images, [])),
  images: (at) => takeRows(images, at),
};
const data = Object.assign(await brightnessData(), { train: test, test });

/** The smallest number of pixels of an image of four that moves the mean across ½. */
function smallest(index: number): number {
  const pixels = [...images.data.subarray(4 * index, 4 * index + 4)];
  const bright = pixels.reduce((a, b) => a + b) > 2;
  const gains = pixels.map((v) => (bright ? v : 1 - v)).sort((a, b) => b - a);
  let margin = Math.abs(pixels.reduce((a, b) => a + b) - 2);
  let count = 0;
  while (margin >= 0) margin -= gains[count++];
  return count;
}

async function rowsOf(
  options: Partial<EvaluateOptions>,
  { noise = null, finished }: { noise?: string | null; finished?: ReadonlySet<string> } = {},
): Promise<Row[]> {
  const rows: Row[] = [];
  const model = {
    model: "brightness",
    defense: "standard",
    network: brightness,
    noise: noise === null ? null : noiseNamed(noise),
  };
  const few = { draws: 20, eot: [4], sigmaZeroSteps: 60, sparseRsQueries: 200 };
  const attacks = ["sigma-zero-l0", "sparse-rs-l0"];
  const asked = EvaluateOptions.parse({ attacks, epsilonL0: [1, 2, 3], ...few, ...options });
  for await (const { row } of scoreAttacks(model, data, asked, finished)) rows.push(row);
  return rows;
}

const plain = ({ seconds: _, ...row }: Row) => row;

describe("attacks in ℓ0", () => {
  it("together break exactly the images that so many pixels can break", async () => {
    const needed = Array.from({ length: data.test.size }, (_, i) => smallest(i));
    expect(new Set(needed).size).toBeGreaterThan(1);
    const rows = await rowsOf({});
    expect(rows).toHaveLength(2 * 3 * data.test.size);
    const broken = new Set<string>();
    for (const { index, epsilon, correct, l0, norm } of rows) {
      expect(norm).toBe("l0");
      expect(l0).toBeLessThanOrEqual(Number(epsilon));
      if (correct === 1) continue;
      expect(l0).toBeGreaterThanOrEqual(needed[index]);
      broken.add(`${index} ${epsilon}`);
    }
    const expected = needed.flatMap((least, i) =>
      [1, 2, 3].filter((epsilon) => least <= epsilon).map((epsilon) => `${i} ${epsilon}`),
    );
    expect(broken).toEqual(new Set(expected));
  });

  it("give the same rows whatever the batch, and after a stop", async () => {
    const whole = await rowsOf({});
    const parts = await rowsOf({ batch: 3 });
    const byName = (rows: readonly Row[]) =>
      new Map(rows.map((row) => [rowName(row), plain(row)] as const));
    expect(byName(parts)).toEqual(byName(whole));
    const done = whole.filter((_, i) => i % 3 === 0);
    const rest = await rowsOf({}, { finished: new Set(done.map(rowName)) });
    expect(byName([...done, ...rest])).toEqual(byName(whole));
  });

  it("score a randomised model on fresh draws, in the ball", async () => {
    const rows = await rowsOf({ objective: "worst" }, { noise: "normal:0.05" });
    expect(rows).toHaveLength(2 * 3 * data.test.size);
    for (const { draws, l0, epsilon } of rows) {
      expect(draws).toBe(20);
      expect(l0).toBeLessThanOrEqual(Number(epsilon));
    }
    const objectives = new Set(rows.map(({ objective }) => objective));
    expect(objectives.size).toBeGreaterThan(1);
    // Half of the draws are wrong with certainty only where a pixel more than needed may change.
    const broken = rows.filter(({ index, epsilon }) => smallest(index) < Number(epsilon));
    expect(broken.length).toBeGreaterThan(10);
    for (const { majority } of broken) expect(majority).toBe(0);
  });

  it("leave other rows without a count", async () => {
    const [row] = await rowsOf({ attacks: ["fgsm-linf"] });
    expect("l0" in row).toBe(false);
  });

  it.each([
    [[4], "an image has 4 pixels"],
    [[900], "an image has 4 pixels"],
  ])("refuse %j pixels of 4", async (epsilonL0, message) => {
    await expect(rowsOf({ epsilonL0 })).rejects.toThrow(message);
  });
});

describe("a minimum-norm result in ℓ0", () => {
  const x = tensor([2, 1, 2, 2], [0.1, 0.2, 0.3, 0.4, 0.1, 0.2, 0.3, 0.4]);
  const adversarial = tensor([2, 1, 2, 2], [1, 0.2 + 1e-7, 0.3, 0.4, 1, 0.9, 0.6, 0.4]);
  const unbounded = { objective: "margin", adversarial };

  it("counts where few enough pixels have changed, rounding aside, and is brought into the ball", () => {
    const given = { x, unbounded, uphill: null };
    const [{ adversarial: found }] = candidatesAt({ norm: "l0" }, given, 1);
    expect([...found.data]).toEqual([1, ...x.data.subarray(1)]);
    expect(distancesOf(found, x, "l0")).toEqual([1, 0]);
  });

  it("of a randomised model competes with its largest changes and with the steepest pixels", () => {
    const uphill = tensor([2, 1, 2, 2], [0, -1, 0, 0.1, 0, -1, 0, 1]);
    const all = candidatesAt({ norm: "l0" }, { x, unbounded, uphill }, 1);
    expect(all.map(({ objective }) => objective)).toEqual(["margin", "stretched", "one-step"]);
    for (const one of all)
      expect(Math.max(...distancesOf(one.adversarial, x, "l0"))).toBeLessThanOrEqual(1);
    const [, stretched, oneStep] = all;
    expect(stretched.adversarial.data[4]).toBe(1);
    // Of a gain of 0.2 down, or of 0.06 and 0.6 up.
    expect([...oneStep.adversarial.data].map((v, i) => v - x.data[i]).map(Math.sign)).toEqual([
      0, -1, 0, 0, 0, 0, 0, 1,
    ]);
  });
});
