import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { normal } from "../math/distributions.ts";
import { keyOf } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { figure1Real } from "./figure1-real.ts";

const shape = [1, 3, 4, 4] as const;
const pixels = 48;
const w = normal([keyOf(1)], [1, pixels]).data;
const l1 = w.reduce((sum, v) => sum + Math.abs(v), 0);
const l2 = Math.hypot(...w);

/** Two classes; class 1 begins `distance` (in ℓ2) from the grey image, in the direction of w. */
const network = (distance: number) =>
  linearVictim(tensor([2, pixels], [...w.map(() => 0), ...w]), [
    0,
    -(w.reduce((s, v) => s + v / 2, 0) + distance * l2),
  ]);

const drawn = (distance: number) =>
  figure1Real({
    classifiers: [{ name: "linear <1>", network: network(distance) }],
    x: tensor(shape, new Float32Array(pixels).fill(0.5)),
    label: 0,
    classNames: ["a", "b"],
    epsilonLinf: 0.05,
    epsilonL2: 0.3,
    resolution: 24,
    showImage: true,
  });

describe("the plane of a linear classifier's adversarial examples", () => {
  it("has them where they must be: ε∞·sign(w) along the first axis, ε₂·w/‖w‖ at its angle to it", async () => {
    const { linf, l2: disc, cosine } = (await drawn(0.2)).data.panels[0];
    const expected = l1 / (Math.sqrt(pixels) * l2);
    expect(cosine).toBeCloseTo(expected, 4);
    expect(linf.at[0]).toBeCloseTo(0.05 * Math.sqrt(pixels), 4);
    expect(linf.at[1]).toBeCloseTo(0, 6);
    expect(disc.at[0]).toBeCloseTo(0.3 * expected, 3);
    expect(disc.at[1]).toBeCloseTo(0.3 * Math.sqrt(1 - expected ** 2), 3);
    expect([linf.prediction, disc.prediction]).toEqual([1, 1]);
  });

  it("shows the class of each point, and by how much it leads", async () => {
    const { half, resolution, panels } = (await drawn(0.2)).data;
    const [{ regions, leads, l2: disc }] = panels;
    // In this plane w points to the ℓ2 example, so class 1 begins at 0.2 in its direction.
    const along = disc.at.map((v) => v / Math.hypot(...disc.at));
    const center = (i: number) => ((i + 0.5) / resolution) * 2 * half - half;
    regions.forEach((region, i) => {
      const at = [center(i % resolution), center(Math.floor(i / resolution))];
      const beyond = at[0] * along[0] + at[1] * along[1] - 0.2;
      if (Math.abs(beyond) > 0.002) expect(region).toBe(beyond > 0 ? 1 : 0);
      expect(Math.abs(leads[i] - Math.abs(beyond) * l2)).toBeLessThan(0.02);
    });
  });

  it("says that a classifier withstands what does not reach its boundary", async () => {
    const { svg, data } = await drawn(0.31);
    expect(data.panels[0].l2.prediction).toBe(0);
    expect(svg).toContain("PGD-ℓ2: withstood");
    expect((await drawn(0.29)).svg).toContain("PGD-ℓ2: taken for b");
  });

  it("is a well-formed file, the same for the same seed, that shows an image only if asked to", async () => {
    const { svg, data } = await drawn(0.2);
    expect((await sharp(Buffer.from(svg)).metadata()).format).toBe("svg");
    expect((await drawn(0.2)).svg).toBe(svg);
    expect(svg).toContain("linear &lt;1&gt;");
    expect(svg).toContain("data:image/png");
    expect(data.image?.shape).toEqual([3, 4, 4]);
  });
});
