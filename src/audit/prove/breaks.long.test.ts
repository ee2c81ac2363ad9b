// What an audit under noise calls broken, and that its attacks are on the classifier that it certifies.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as fixture from "../../../test/fixtures/audit-fixture.ts";
import { nodeOf, onnxFile } from "../../../test/fixtures/model-fixture.ts";
import type { Runtime } from "../../engine/runtime/runtime.ts";
import * as core from "../../index.ts";
import { nodeRuntime } from "../../node.ts";
import type { ProofRow } from "../../verify/proof-row.ts";
import type { BreakRow } from "./break-row.ts";
import { BREAKING_ALPHA } from "./break-tests.ts";

let device: Runtime;
let quarters: Uint8Array;

beforeAll(async () => {
  device = await nodeRuntime({ threads: 1, lowering: "plain" });
  quarters = readFileSync(fixture.network("quarters"));
});
afterAll(fixture.removeFolder);

/** 8-bit images of 4×4 from the levels of their four quarters. */
function dataOf(levels: readonly (readonly number[])[], labels: readonly number[]) {
  const pixels = levels.flatMap((quarter) =>
    Array.from({ length: 16 }, (_, pixel) => quarter[fixture.quarter(pixel)] / 255),
  );
  return core.imageDataset({
    images: core.tensor([levels.length, 1, 4, 4], pixels),
    labels: [...labels],
    classes: ["0", "1", "2", "3"],
    name: "levels",
  });
}

const shared = { budget: "quick", norms: ["l2"], name: "q.onnx", noise: "normal:0.1" } as const;
const proving = { prove: true, proveN: 300 } as const;

const rowsOf = async <R>(out: core.Storage, name: string): Promise<R[]> => {
  const bytes = await out.readIfThere(name);
  if (bytes === null) return [];
  const lines = new TextDecoder().decode(bytes).trim().split("\n");
  return lines.map((line) => JSON.parse(line));
};

const statuses = async (out: core.Storage): Promise<string[]> =>
  (await rowsOf<ProofRow>(out, "rows.proofs.jsonl"))
    .sort((a, b) => a.index - b.index || a.epsilon - b.epsilon)
    .map(({ status, method }) => (method === "clean" ? "clean" : status));

describe("an image under noise", () => {
  const even = Array.from({ length: 8 }, () => [100, 100, 20, 20]);
  const ahead = Array.from({ length: 3 }, () => [106, 100, 100, 100]);
  const out = core.memoryStorage("memory");
  let rows: core.Row[];
  beforeAll(async () => {
    const levels = [...even, ...ahead, ...ahead];
    const labels = levels.map((_, i) => (i < 11 ? 0 : 1));
    const data = dataOf(levels, labels);
    const more = { examples: levels.length, epsilonL2: [0.001] };
    await core.audit(quarters, { ...shared, ...proving, ...more, device, data, out });
    rows = await rowsOf<core.Row>(out, "rows.jsonl");
  });

  it("is not broken where its class has half of the draws, whatever the plurality of an attack's", async () => {
    const wrong = rows.filter(({ index, majority }) => index < 8 && majority === 0);
    expect(wrong.length).toBeGreaterThan(0);
    expect((await statuses(out)).slice(0, 8)).toEqual(even.map(() => "undecided"));
  });

  it("is not broken where its class is the most frequent one with less than half of the draws", async () => {
    const less = rows.filter(({ index, clean }) => index >= 8 && index < 11 && clean < 0.5);
    expect(less.length).toBeGreaterThan(0);
    expect((await statuses(out)).slice(8, 11)).toEqual(ahead.map(() => "undecided"));
  });

  it("is broken where fresh draws show another class, at a level that all its tests share", async () => {
    expect((await statuses(out)).slice(11)).toEqual(ahead.map(() => "clean"));
    const tests = await rowsOf<BreakRow>(out, "rows.breaks.jsonl");
    // Four attacks at one radius, and the clean image.
    for (const { level, alpha, n, counts } of tests) {
      // Sums of pixels on the grid may tie, and a tie is not a vote.
      expect([level, alpha]).toEqual([BREAKING_ALPHA / 5, BREAKING_ALPHA]);
      expect(counts.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(n);
    }
    const broken = tests.filter((row) => row.broken);
    expect(broken.map(({ index, attack, l2 }) => [index, attack, l2])).toEqual([
      [11, "none", 0],
      [12, "none", 0],
      [13, "none", 0],
    ]);
  });
});

describe("an audit that --resume continues with --prove", () => {
  const [count, epsilonL2] = [4, [0.02, 0.9]];
  const levels = Array.from({ length: count }, (_, i) => [180 + i, 100, 90, 95]);
  const data = dataOf(
    levels,
    levels.map(() => 0),
  );
  const auditIn = (out: core.Storage, more: object) =>
    core.audit(quarters, { ...shared, examples: count, epsilonL2, device, data, out, ...more });

  it("tests what stored rows count as broken, and leaves the rows as they are", async () => {
    const direct = core.memoryStorage("direct");
    await auditIn(direct, proving);
    const resumed = core.memoryStorage("resumed");
    await auditIn(resumed, {});
    const before = await resumed.read("rows.jsonl");
    const notes: string[] = [];
    const note = (text: string) => notes.push(text);
    await auditIn(resumed, { ...proving, resume: true, note });
    expect(notes.join()).toContain("does not round noisy images");
    expect(await resumed.read("rows.jsonl")).toEqual(before);
    const found = await statuses(resumed);
    expect(found).toEqual(await statuses(direct));
    expect(found).toContain("proven");
    expect(found).toContain("broken");
    const tests = await rowsOf<BreakRow>(resumed, "rows.breaks.jsonl");
    // One break decides a ball, so that the attacks after it are not repeated.
    expect(tests.filter(({ broken }) => broken)).toHaveLength(count);
    const again = await auditIn(resumed, { ...proving, resume: true });
    expect(await rowsOf(resumed, "rows.breaks.jsonl")).toHaveLength(tests.length);
    expect(again.proofs?.balls).toMatchObject([{ proven: count }, { broken: count }]);
  });

  it("counts proofs, certificates and checks of the images asked for, if it asks for fewer", async () => {
    const out = core.memoryStorage("fewer");
    await auditIn(out, proving);
    const check = {
      attack: "fgsm-l2",
      norm: "l2",
      epsilon: 0.02,
      linf: 0.01,
      l2: 0.01,
      l1: 0.01,
      prediction: 0,
      of: 10,
      level: 0.1,
      draws: 1,
      votes: 1,
      refuted: false,
    };
    const checks = [1, 3].map((index) => JSON.stringify(Object.assign({ index }, check)));
    await out.write("rows.checks.jsonl", new TextEncoder().encode(`${checks.join("\n")}\n`));
    const kept = await out.read("rows.proofs.jsonl");
    const fewer = await auditIn(out, { ...proving, examples: 2, resume: true });
    expect([fewer.examples, fewer.proofs?.unconfirmed]).toEqual([2, 1]);
    expect(fewer.proofs?.balls).toMatchObject([
      { epsilon: 0.02, examples: 2, proven: 2 },
      { epsilon: 0.9, examples: 2, broken: 2 },
    ]);
    expect(await out.read("rows.proofs.jsonl")).toEqual(kept);
    const all = await auditIn(out, { ...proving, resume: true });
    expect(all.proofs).toMatchObject({ unconfirmed: 2, balls: [{ examples: 4 }, { examples: 4 }] });
  });
});

it("attacks are on the classifier that is certified: an adversarial network answers by rounding", async () => {
  // Class 1 wins where pixels are not multiples of 1/255.
  const detector = onnxFile(
    [
      nodeOf("Mul", ["x", "levels"], ["scaled"]),
      nodeOf("Round", ["scaled"], ["rounded"]),
      nodeOf("Sub", ["scaled", "rounded"], ["rest"]),
      nodeOf("Abs", ["rest"], ["distance"]),
      nodeOf("Flatten", ["distance"], ["flat"]),
      nodeOf("Gemm", ["flat", "w", "b"], ["z"]),
    ],
    {
      inputs: { x: ["n", 1, 4, 4] },
      outputs: { z: ["n", 4] },
      arrays: {
        levels: core.tensor([1], [255]),
        w: core.tensor(
          [16, 4],
          Array.from({ length: 64 }, (_, i) => Number(i % 4 === 1)),
        ),
        b: core.tensor([4], [0.5, 0, 0, 0]),
      },
    },
  );
  const data = dataOf([[180, 100, 90, 95]], [0]);
  const auditIn = async (more: object) => {
    const out = core.memoryStorage("memory");
    const options = { ...shared, examples: 1, epsilonL2: [0.05], ...more };
    const { proofs } = await core.audit(detector, { ...options, device, data, out });
    return { proofs, rows: await rowsOf<core.Row>(out, "rows.jsonl") };
  };
  const certified = await auditIn(proving);
  expect(certified.proofs).toMatchObject({
    contradictions: [],
    unconfirmed: 0,
    balls: [{ proven: 1 }],
  });
  expect(certified.rows.map(({ clean, majority }) => [clean, majority])).toEqual(
    certified.rows.map(() => [1, 1]),
  );
  const { rows } = await auditIn({});
  expect(rows.map(({ clean, majority }) => [clean, majority])).toEqual(rows.map(() => [0, 0]));
});
