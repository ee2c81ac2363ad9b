import { expect, it } from "vitest";
import type { Victim } from "../attacks/victim.ts";
import { withNoise } from "../defenses/with-noise.ts";
import { fold, foldAll, keyOf } from "../math/random.ts";
import { argmaxRows, tensor } from "../math/tensor.ts";
import { noiseNamed } from "../noise/table.ts";
import { certify } from "./certify.ts";
import { roundedNoise } from "./rounded-noise.ts";

/** An adversarial network: class 1 if the pixel is above ½ and on the grid of 1/255, or below ½ and off it. */
const network: Victim = {
  async logits({ shape, data }) {
    const isOn = (pixel: number) => Math.abs(255 * pixel - Math.round(255 * pixel)) < 1e-3;
    const logits = Array.from(data, (pixel) => [0.5, Number(pixel > 0.5 === isOn(pixel))]);
    return tensor([shape[0], 2], logits.flat());
  },
  async lossAndGradient(x) {
    const logits = await network.logits(x, []);
    return { losses: new Float32Array(x.shape[0]), logits, gradient: tensor(x.shape, x.data) };
  },
};
const image = tensor([1, 1, 1, 1], [200 / 255]);
const keys = Array.from({ length: 300 }, (_, i) => fold(keyOf(1), i));
const copies = tensor([keys.length, 1, 1, 1], new Float32Array(keys.length).fill(image.data[0]));

const shareOfOne = async (victim: Victim): Promise<number> =>
  argmaxRows(await victim.logits(copies, keys)).filter((one) => one === 1).length / keys.length;

it("attacks with rounded noise meet the classifier that is certified; without rounding they meet another one", async () => {
  const noise = noiseNamed("normal:0.1");
  const certified = await certify(
    {
      network,
      shape: [1, 1, 1],
      classes: 2,
      noise: "normal:0.1",
      sampling: "sound",
      batch: 50,
    },
    image.data,
    keyOf(2),
    { n0: 100, n: 1000, alpha: 0.001 },
  );
  expect(certified.prediction).toBe(1);
  expect(certified.components[0].pLower).toBeGreaterThan(0.9);
  expect(await shareOfOne(withNoise(network, roundedNoise(noise)))).toBeGreaterThan(0.95);
  expect(await shareOfOne(withNoise(network, noise))).toBeLessThan(0.05);
});

it("images are multiples of 1/255 that are nearest to x + η, and are not clipped", () => {
  const noise = noiseNamed("uniform:0.9");
  const rounded = roundedNoise(noise);
  const drawn = noise.sample(keys, copies.shape);
  expect(rounded.sample(keys, copies.shape)).toEqual(drawn);
  const { data } = rounded.combine?.(copies, drawn) ?? copies;
  for (const [i, pixel] of data.entries()) {
    expect(pixel).toBe(Math.fround(Math.round(255 * pixel) / 255));
    expect(Math.abs(pixel - (copies.data[i] + drawn.data[i]))).toBeLessThan(0.5001 / 255);
  }
  expect(Math.max(...data)).toBeGreaterThan(1);
  expect(Math.min(...data)).toBeLessThan(0.01);
  expect([rounded.name, rounded.grid]).toEqual(["uniform:0.9", 255]);
});

it("gradients are those at the rounded image, straight through", async () => {
  const loss = { kind: "ce", labels: keys.map(() => 0) } as const;
  const noise = roundedNoise(noiseNamed("normal:0.1"));
  const { gradient } = await withNoise(network, noise).lossAndGradient(copies, loss, keys);
  // The network above returns what it sees as its gradient.
  const drawn = noise.sample(foldAll(keys, 0), copies.shape);
  expect(gradient).toEqual(noise.combine?.(copies, drawn));
});
