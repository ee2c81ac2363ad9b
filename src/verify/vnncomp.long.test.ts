import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { isSlow } from "../../test/fixtures/slow.ts";
import { parseVnnlib } from "./vnnlib.ts";

const root = process.env.RAMPART_DATA ?? "";
const place = join(root, "vnncomp");
const there = root !== "" && existsSync(place);
if (!there) console.log(`skipped: no VNN-COMP files at ${place}`);

const bytes = (path: string): Uint8Array => {
  const read = readFileSync(path);
  return path.endsWith(".gz") ? gunzipSync(read) : read;
};
const textOf = (path: string) => new TextDecoder().decode(bytes(join(place, path)));
const property = (path: string) => parseVnnlib(textOf(path), path);
/** Under SLOW=1 all 174 of them, else each sixtieth. */
const share = isSlow ? 1 : 60;
const files = there
  ? readdirSync(place, { recursive: true })
      .map(String)
      .filter((name) => /\.vnnlib(\.gz)?$/.test(name))
  : [];

/** The label of a "some other class is at least as large" property: the output that every case asks to be small. */
const labelOf = ({ cases }: ReturnType<typeof property>): number => {
  const labels = cases.map(({ conditions: [{ coefficients, bound }] }) => {
    expect(bound).toBe(0);
    expect([...coefficients].sort()).toEqual([-1, ...Array(8).fill(0), 1]);
    return coefficients.indexOf(1);
  });
  expect(new Set(labels).size).toBe(1);
  expect(new Set(cases.map((c) => c.conditions[0].coefficients.indexOf(-1))).size).toBe(9);
  return labels[0];
};

describe.skipIf(!there)("the files of VNN-COMP", () => {
  it("all parse: ten classes, nine wrong ones, one box", () => {
    expect(files.length).toBeGreaterThan(100);
    for (const file of files.filter((_, i) => i % share === 0)) {
      const text = textOf(file);
      const read = parseVnnlib(text, file);
      expect([read.inputs, read.outputs, read.cases.length], file).toEqual([
        file.includes("mnist") ? 784 : 3072,
        10,
        9,
      ]);
      expect(new Set(read.cases.map(({ lower }) => lower)).size).toBe(1);
      const [, label] = /label: (\d)/.exec(text) ?? [];
      if (label !== undefined) expect(labelOf(read), file).toBe(Number(label));
    }
  });

  it("of MNIST are pixels ± ε, clipped to [0, 1]", () => {
    for (const epsilon of [0.03, 0.05]) {
      const { lower, upper } = property(`2021_mnistfc/prop_3_${epsilon}.vnnlib.gz`).cases[0];
      let inner = 0;
      for (let i = 0; i < 784; i++) {
        expect(lower[i]).toBeGreaterThanOrEqual(0);
        expect(upper[i]).toBeLessThanOrEqual(1);
        if (lower[i] === 0 || upper[i] === 1) continue;
        inner++;
        const level = 255 * ((lower[i] + upper[i]) / 2);
        expect((upper[i] - lower[i]) / 2).toBeCloseTo(epsilon, 6);
        expect(Math.abs(level - Math.round(level))).toBeLessThan(1e-4);
      }
      expect(inner).toBeGreaterThan(20);
    }
  });

  const cifar = join(root, "cifar10", "test_batch.bin");
  it.skipIf(!existsSync(cifar))("of CIFAR-10 are boxes around normalised test images", () => {
    const folder = "2021_cifar10_resnet";
    const [, ...lines] = readFileSync(join(place, folder, "cifar10_test_index.csv"), "utf8")
      .trim()
      .split("\n");
    const images = readFileSync(cifar);
    const [mean, std] = [
      [0.4914, 0.4822, 0.4465],
      [0.2471, 0.2435, 0.2616],
    ];
    for (const line of lines.slice(0, isSlow ? 6 : 2)) {
      const [path, row, label, epsilon] = line.split(",");
      const record = images.subarray(3073 * Number(row), 3073 * (Number(row) + 1));
      const read = property(join(folder, `${path}.gz`));
      expect([labelOf(read), record[0]]).toEqual([Number(label), Number(label)]);
      const [{ lower, upper }] = read.cases;
      let furthest = 0;
      for (let i = 0; i < 3072; i++) {
        const channel = Math.floor(i / 1024);
        const at = (x: number) => (Math.min(Math.max(x, 0), 1) - mean[channel]) / std[channel];
        const pixel = record[1 + i] / 255;
        furthest = Math.max(
          furthest,
          Math.abs(lower[i] - at(pixel - Number(epsilon))),
          Math.abs(upper[i] - at(pixel + Number(epsilon))),
        );
      }
      expect(furthest, path).toBeLessThan(1e-5);
    }
  });
});
