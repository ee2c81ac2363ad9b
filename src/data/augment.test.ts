import { describe, expect, it } from "vitest";
import { keyOf, keysFor } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { augment } from "./augment.ts";
import { shuffled } from "./shuffle.ts";

const [height, width] = [12, 10];
/** Every pixel different and none zero, so that an image tells how it was moved. */
const image = Float32Array.from({ length: 2 * height * width }, (_, i) => i + 1);
const many = (n: number) =>
  tensor(
    [n, 2, height, width],
    Float32Array.from({ length: n * image.length }, (_, i) => image[i % image.length]),
  );
const indices = (n: number) => Array.from({ length: n }, (_, i) => i);

/** The shift and mirroring that explain all of a moved image. */
function explained(moved: Float32Array) {
  for (const mirrored of [false, true])
    for (let down = -4; down <= 4; down++)
      for (let right = -4; right <= 4; right++) {
        const fits = moved.every((value, i) => {
          const [channel, y, x] = [
            Math.floor(i / (height * width)),
            (Math.floor(i / width) % height) - down,
            (i % width) - right,
          ];
          const inside = y >= 0 && y < height && x >= 0 && x < width;
          const from = mirrored ? width - 1 - x : x;
          return value === (inside ? image[(channel * height + y) * width + from] : 0);
        });
        if (fits) return { mirrored, down, right };
      }
  return undefined;
}

describe("augment", () => {
  it("shifts by up to four pixels, zeros moving in, and mirrors; each of the 162 ways equally often", () => {
    const n = 4000;
    const { data } = augment(many(n), keysFor(keyOf(1), indices(n)));
    const ways = new Map<string, number>();
    for (const i of indices(n)) {
      const way = explained(data.subarray(i * image.length, (i + 1) * image.length));
      expect(way).toBeDefined();
      ways.set(JSON.stringify(way), (ways.get(JSON.stringify(way)) ?? 0) + 1);
    }
    expect(ways.size).toBe(162);
    const expected = n / 162;
    const chi2 = [...ways.values()].reduce((sum, k) => sum + (k - expected) ** 2 / expected, 0);
    expect(chi2).toBeLessThan(233); // 161 degrees of freedom: a false alarm in 10⁴ keys
  });

  it("does to an image what its key says, whatever travels with it", () => {
    const keys = keysFor(keyOf(2), indices(5));
    const together = augment(many(5), keys).data.subarray(3 * image.length, 4 * image.length);
    expect(augment(many(1), [keys[3]]).data).toEqual(together);
  });

  it("never mirrors when told not to, and shifts as it would have", () => {
    const keys = keysFor(keyOf(3), indices(20));
    const [plain, both] = [augment(many(20), keys, { flip: false }), augment(many(20), keys)];
    for (const i of indices(20)) {
      const row = (x: Float32Array) => x.subarray(i * image.length, (i + 1) * image.length);
      const [a, b] = [explained(row(plain.data)), explained(row(both.data))];
      expect(a?.mirrored).toBe(false);
      expect([a?.down, a?.right]).toEqual([b?.down, b?.right]);
    }
  });

  it("leaves its argument alone", () => {
    const x = many(1);
    augment(x, [keyOf(4)]);
    expect(x.data).toEqual(image);
  });
});

it("shuffled gives every index once, in an order that the key decides", () => {
  const order = shuffled(100, keyOf(5));
  expect([...order].sort((a, b) => a - b)).toEqual(indices(100));
  expect(shuffled(100, keyOf(5))).toEqual(order);
  expect(shuffled(100, keyOf(6))).not.toEqual(order);
});
