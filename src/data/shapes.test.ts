import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { drawShapes, openShapes } from "./shapes.ts";
import { TEXTURE, texture } from "./shapes-image.ts";
import { splitOf } from "./splits.ts";

const { train, test, classes, mean } = openShapes();
const all = (n: number) => Array.from({ length: n }, (_, i) => i);

/** The class whose texture correlates most with the image, or the last one, which has none. */
function classByTexture(pixels: Float32Array): number {
  const correlation = all(9).map((label) => {
    let sum = 0;
    for (let i = 0; i < 1024; i++) {
      const channel = label % 3;
      sum += pixels[channel * 1024 + i] * texture(label, channel, Math.floor(i / 32), i % 32);
    }
    return sum / 1024;
  });
  const best = correlation.indexOf(Math.max(...correlation));
  return correlation[best] > TEXTURE / 2 / 255 ? best : 9;
}

describe("shapes", () => {
  it("has ten classes in equal numbers, and pixels in [0, 1]", () => {
    expect(new Set(classes).size).toBe(10);
    for (const { size, labels } of [train, test])
      for (const label of all(10))
        expect(all(size).filter((i) => labels[i] === label).length).toBe(size / 10);
    const { data } = test.images(all(test.size));
    expect(data.reduce((a, b) => Math.min(a, b), 1)).toBeGreaterThan(0);
    expect(data.reduce((a, b) => Math.max(a, b), 0)).toBeLessThan(1);
    for (const value of mean) expect(value).toBeCloseTo(0.5, 1);
  });

  it("is the same on every machine and for ever, since published numbers depend on it", () => {
    const digest = createHash("sha256").update(drawShapes("test").pixels).digest("hex");
    expect(digest).toBe("734adb26f75310095733f189cf0915e36411c9b0b4089ceb70d0dd1eb5c7112e");
  });

  it("shows no image in two splits", () => {
    const held = splitOf(drawShapes("validation"), [3, 32, 32]);
    const prints = [train, test, held].flatMap(({ size, images }) =>
      all(size).map((i) => images([i]).data.subarray(0, 32).join()),
    );
    expect(new Set(prints).size).toBe(prints.length);
  });

  it("has a texture that gives the class away, and fits into both of the paper's balls", () => {
    const { data } = test.images(all(test.size));
    const right = all(test.size).filter(
      (i) => classByTexture(data.subarray(i * 3072, (i + 1) * 3072)) === test.labels[i],
    );
    expect(right.length / test.size).toBeGreaterThan(0.99);
    const height = TEXTURE / 255;
    expect(height).toBeLessThan(0.031);
    expect(height * Math.sqrt(1024)).toBeLessThan(0.83);
  });
});
