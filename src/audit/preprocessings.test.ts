import { expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import type { Victim } from "../attacks/victim.ts";
import { tensor } from "../math/tensor.ts";
import { compareSaturation, type UsualPreprocessing } from "./preprocessings.ts";

/** Images of two pixels, whose label is the brighter one. */
const images = tensor(
  [10, 1, 1, 2],
  Array.from({ length: 20 }, (_, i) => [0.9, 0.1, 0.2, 0.8][i % 4]),
);
const labels = Array.from({ length: 10 }, (_, i) => i % 2);
const test = { size: 10, labels, images: () => images };

/** A network that takes pixels in [0, 1], and one whose pixels are divided by `std` before. */
const plain = (slope: number) => linearVictim(tensor([2, 2], [slope, 0, 0, slope]), [0, 0]);
const scaled = (slope: number, factor: number): Victim => ({
  logits: (x, keys) =>
    plain(slope).logits(
      tensor(
        x.shape,
        x.data.map((v) => v * factor),
      ),
      keys,
    ),
  lossAndGradient: () => expect.fail("no gradients are needed"),
});
const opener =
  (slope: number) =>
  async ({ std = [1], scale = 1 }: Omit<UsualPreprocessing, "name">) => ({
    ...scaled(slope, scale / std[0]),
    release: async () => undefined,
  });
const options = { count: 10, channels: 1 };

it("names the usual preprocessing under which the logits of a wrong scale are sane", async () => {
  const found = await compareSaturation(scaled(8, 255), opener(8), test, options);
  expect(found).toMatchObject({ examples: 10, saturated: 10, correctAsDeclared: 10 });
  expect(found?.medianMargin).toBeGreaterThan(1000);
  expect(found?.calmer).toMatchObject({ correct: 10, saturated: 0 });
  expect(found?.calmer?.name).toContain("pixels in [0, 1]");
});

it("names none where no usual preprocessing is sane", async () => {
  const found = await compareSaturation(scaled(8000, 255), opener(8000), test, options);
  expect(found).toMatchObject({ saturated: 10, calmer: null });
});

it("an honest network that is very sure of its answers is not warned of", async () => {
  // Margins of 0.6 to 0.8 times 40: saturated in float32, and far below 50.
  expect(await compareSaturation(plain(40), opener(40), test, options)).toBeNull();
  expect(await compareSaturation(plain(8), opener(8), test, options)).toBeNull();
});
