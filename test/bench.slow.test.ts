// `npm run bench` on tiny settings: both sides of every kind of work give the same numbers.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { type CaseWork, caseWorks } from "../bench/cases.ts";
import { options } from "../bench/options.ts";
import { findPython } from "../bench/peer.ts";
import { dataFound } from "../src/data/node.ts";

const root = join(import.meta.dirname, "..");

function bench(...argv: string[]) {
  const args = ["--import", "tsx", join(root, "bench", "index.ts"), ...argv];
  const done = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  return { ...done, rows: done.stdout.split("\n").filter(Boolean) };
}

const python = findPython(undefined);
const images = (await dataFound()).some(({ name, path }) => name === "cifar10" && path !== null);
function reasonToSkip(): string | null {
  if ("skipped" in python) return python.skipped;
  return images ? null : "no CIFAR-10";
}
const skipped = reasonToSkip();
if (skipped !== null) console.warn(`skipped: the side-by-side with PyTorch: ${skipped}`);

/** A network that torchvision exports needs torchvision, which PyTorch alone does not bring. */
const hasTorchvision =
  "python" in python && spawnSync(python.python, ["-c", "import torchvision"]).status === 0;
/** SLOW=1 compares every kind of work; a step of training has a gradient in it. */
const chosen = process.env.SLOW === "1" ? caseWorks : (["train"] as const);
const compared = chosen.filter((work) => work !== "imported" || hasTorchvision);
if (skipped === null && !hasTorchvision) console.warn("skipped: imported: no torchvision");

const tiny = "--rounds 1 --threads 1 --batch 4 --images 8 --steps 3 --searches 2 --eot 2 --draws 2";
// So few steps that C&W has found nothing would say nothing.
const effort: Partial<Record<CaseWork, string>> = { cw: `${tiny} --steps 20 --searches 4` };

it.skipIf(skipped !== null).each(compared)(
  "agrees with PyTorch: %s",
  (work) => {
    const words = (effort[work] ?? tiny).split(" ");
    const models = "wrn-10-1,resnet18,standard,rat-linf-uniform";
    const { rows, stderr, status } = bench(...words, "--work", work, "--model", models, "--json");
    expect(status, stderr).toBe(0);
    expect(rows).toHaveLength(1);
    const { disagreements, ratio, installedRatio, memoryRatio, ours, pytorch, peaks } = JSON.parse(
      rows[0],
    );
    // Its searches end early per image, PyTorch's per batch: of 8 images the median may be off by more than 1 %.
    const serious = disagreements.filter((one: string) => !(work === "cw" && /^median/.test(one)));
    expect(serious).toEqual([]);
    expect(Math.min(peaks.ours, peaks.pytorch)).toBeGreaterThan(1e8);
    if (disagreements.length > 0) return expect(ratio).toBeNull();
    expect(pytorch).toHaveLength(4);
    const [best] = pytorch;
    for (const { seconds } of pytorch)
      expect(seconds.median).toBeGreaterThanOrEqual(best.seconds.median);
    expect(ratio.median).toBeCloseTo(ours.seconds.median / best.seconds.median, 9);
    const installed = pytorch.find(({ keepMemory }: { keepMemory: boolean }) => !keepMemory);
    expect(installedRatio.median).toBeCloseTo(ours.seconds.median / installed.seconds.median, 9);
    expect(memoryRatio).toBeCloseTo(ours.memory / best.memory, 9);
  },
  600_000,
);

it("measures our side alone, and says so, where there is no PyTorch", () => {
  const argv = [...tiny.split(" "), "--work", "gradient,imported", "--model", "cnn-small"];
  const { stdout, stderr, status } = bench(...argv, "--data", "shapes", "--python", "/none");
  expect(status, stderr).toBe(0);
  expect(stderr).toContain("our side alone: no PyTorch for /none");
  expect(stdout).toContain("skipped: imported");
  expect(stdout).toMatch(/rampart +\d/);
  expect(stdout).not.toContain("PyTorch,");
});

it("profiles our side: every kernel of a step, slowest first, a convolution with its operations", () => {
  const argv = ["--profile", "--work", "train", "--model", "wrn-10-1", "--data", "shapes"];
  const { status, stdout, stderr } = bench(...argv, "--rounds", "2", "--batch", "32", "--json");
  expect(status, stderr).toBe(0);
  const { step, kernels, between, kinds, shapes } = JSON.parse(stdout);
  expect(Math.min(step, kernels, between)).toBeGreaterThan(0);
  for (const shares of [kinds, shapes]) {
    const seconds: number[] = shares.map((one: { seconds: number }) => one.seconds);
    expect(seconds).toEqual([...seconds].sort((a, b) => b - a));
    expect(seconds.reduce((sum, one) => sum + one, 0)).toBeCloseTo(kernels, 9);
  }
  const [x, w, y] = ["32×16×32×32", "32×16×3×3", "32×32×16×16"];
  const found = { kind: "Conv 3×3", shapes: `${x}, ${w} → ${y}` };
  const { count, flops } = shapes.find((one: typeof found) => one.shapes === found.shapes);
  // Of every example, at every place of the result and for every channel: 16 · 3 · 3 products and as many sums.
  expect(flops / count).toBe(2 * (16 * 3 * 3) * (32 * 32 * 16 * 16));
  expect(kinds.find((one: typeof found) => one.kind === found.kind).flops).toBeGreaterThan(flops);
});

it("refuses a kind of work that does not exist, and half an image", () => {
  const { status, stdout, stderr } = bench("--work", "gradeint");
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toContain("gradeint");
  expect(() => options(["--images", "0.5"])).toThrow("--images is 0.5");
});
