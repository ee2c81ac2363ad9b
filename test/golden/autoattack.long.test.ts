// AutoAttack's standard version at full length on two real networks: what Rampart and an implementation of its own in PyTorch
// found image by image (autoattack.py, docs/autoattack.md), and a part of it once more.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { isSlow } from "../fixtures/slow.ts";
import { typed } from "../fixtures/typed-fixture.ts";
import golden from "./autoattack.json" with { type: "json" };

const data = process.env.RAMPART_DATA ?? "";
const models: Readonly<Record<string, readonly string[]>> = {
  "resnet-2b": [
    join(data, "vnncomp/2021_cifar10_resnet/onnx/resnet_2b.onnx"),
    "--mean",
    ".4914,.4822,.4465",
    "--std",
    ".2471,.2435,.2616",
  ],
  "at-linf": [fileURLToPath(new URL("../models/at-linf.onnx", import.meta.url))],
};
const work = mkdtempSync(join(tmpdir(), "rampart-autoattack-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** What an image can fall to, in AutoAttack's order: wrong from the start, APGD-CE, APGD-T, FAB-T, Square. */
const order = ["w", "c", "t", "f", "s"];
/** Which of the images are broken by the first so many of them. */
const broken = (verdicts: string, count: number): boolean[] =>
  Array.from(verdicts, (letter) => order.slice(0, count).includes(letter));
const standing = (flags: readonly boolean[]) =>
  (100 * flags.filter((flag) => !flag).length) / flags.length;

it("the record has a letter per image and side, and 1,000 images of two networks in two norms", () => {
  for (const { images, pytorch, rampart } of golden.pairs)
    expect([pytorch.verdicts.length, rampart.verdicts.length]).toEqual([images, images]);
  const full = golden.pairs.filter(({ images }) => images === 1000);
  expect(full.map(({ network, norm }) => `${network} ${norm}`)).toEqual(
    ["linf", "l2"].flatMap((norm) => ["resnet-2b", "at-linf"].map((name) => `${name} ${norm}`)),
  );
});

it("each attack by itself leaves at most 0.5 points more than PyTorch's", () => {
  const all = golden.pairs.flatMap(({ alone }) => (alone === undefined ? [] : [alone]));
  expect(all.length).toBeGreaterThan(0);
  for (const alone of all)
    for (const [attack, { pytorch, rampart }] of Object.entries(alone))
      expect(rampart, attack).toBeLessThanOrEqual(pytorch + 0.5);
});

describe.each(golden.pairs)("AutoAttack on $network in $norm, epsilon $epsilon:", (pair) => {
  const { network, norm, epsilon, pytorch, rampart } = pair;

  it("leaves between 20 and 70 %", () => {
    for (const { verdicts } of [pytorch, rampart]) {
      const robust = standing(broken(verdicts, order.length));
      expect(robust).toBeGreaterThan(20);
      expect(robust).toBeLessThan(70);
    }
  });

  it("leaves at most 0.5 points more than PyTorch, after each attack and in union", () => {
    expect(broken(rampart.verdicts, 1)).toEqual(broken(pytorch.verdicts, 1));
    for (let count = 2; count <= order.length; count++) {
      const [ours, theirs] = [rampart, pytorch].map(({ verdicts }) => broken(verdicts, count));
      expect(standing(ours), order[count - 1]).toBeLessThanOrEqual(standing(theirs) + 0.5);
    }
  });

  // 48 images take minutes under all four, and 24 take seconds under APGD-CE.
  const images = isSlow ? 48 : 24;
  it(`breaks what PyTorch broke of ${images} images, up to one, by ${isSlow ? "all four" : "APGD-CE"}`, {
    timeout: 1_800_000,
  }, async ({ skip }) => {
    const missing = [models[network][0], join(data, "cifar10/test_batch.bin")].find(
      (path) => !existsSync(path),
    );
    if (missing !== undefined) return skip(`skipped: there is no ${missing}; set RAMPART_DATA`);
    const out = join(work, `${network}-${norm}.jsonl`);
    const { code, err } = await typed([
      "evaluate",
      ...models[network],
      "--data",
      "cifar10",
      "--examples",
      String(images),
      "--attacks",
      `${isSlow ? "autoattack" : "apgd-ce"}-${norm}`,
      `--epsilon-${norm}`,
      String(epsilon),
      "--threads",
      "1",
      "--save-examples",
      "0",
      "--out",
      out,
    ]);
    expect(code, err).toBe(0);
    const rows: { index: number; correct: number }[] = readFileSync(out, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const ours = rows.sort((a, b) => a.index - b.index).map(({ correct }) => correct === 0);
    const theirs = broken(pytorch.verdicts.slice(0, images), isSlow ? order.length : 2);
    expect(ours.filter((flag, i) => flag !== theirs[i]).length).toBeLessThanOrEqual(1);
  });
});
