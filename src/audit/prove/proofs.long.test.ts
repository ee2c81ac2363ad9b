import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as fixture from "../../../test/fixtures/audit-fixture.ts";
import { nodeOf, onnxFile } from "../../../test/fixtures/model-fixture.ts";
import type { Runtime } from "../../engine/runtime/runtime.ts";
import { isSpared } from "../../evaluate/spared.ts";
import * as core from "../../index.ts";
import { nodeRuntime } from "../../node.ts";
import type { ProofRow } from "../../verify/proof-row.ts";

let device: Runtime;
let bytes: Uint8Array;
const examples = 9;
const images = core.tensor([fixture.count, 1, 4, 4], fixture.pixels);
const dataset = core.imageDataset({
  images,
  labels: fixture.labels,
  classes: ["0", "1", "2", "3"],
  name: "quarters",
});

beforeAll(async () => {
  device = await nodeRuntime({ threads: 1, lowering: "plain" });
  bytes = readFileSync(fixture.network("quarters"));
});
afterAll(fixture.removeFolder);

const options = {
  examples,
  budget: "quick",
  norms: ["linf", "l2", "l1"],
  epsilonLinf: [0.17, 0.2, 0.23],
  epsilonL2: [0.55],
  epsilonL1: [1.7],
  prove: true,
} as const;

const auditIn = (out: core.Storage, more: object = {}) =>
  core.audit(bytes, { ...options, device, data: dataset, name: "quarters.onnx", out, ...more });

const linesOf = async <R>(out: core.Storage, name: string): Promise<R[]> =>
  new TextDecoder()
    .decode(await out.read(name))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as R);

/** By how much the sum of an image's own quarter is above the largest other one. */
function marginOf(index: number): number {
  const sums = [0, 0, 0, 0];
  for (let pixel = 0; pixel < fixture.size; pixel++)
    sums[fixture.quarter(pixel)] += fixture.pixels[index * fixture.size + pixel];
  const own = sums[fixture.labels[index]];
  return own - Math.max(...sums.filter((_, quarter) => quarter !== fixture.labels[index]));
}

/** The exact radius: the difference of two sums of four pixels falls by at most 8ε, √8·ε and ε. */
const slopes = { linf: 8, l2: Math.sqrt(8), l1: 1 };

describe("audit with prove, of a linear network", () => {
  const out = core.memoryStorage("memory");
  let result: core.AuditResult;
  let proofs: ProofRow[];
  beforeAll(async () => {
    result = await auditIn(out);
    proofs = await linesOf(out, "rows.proofs.jsonl");
  });

  it("proves each image up to its exact radius, and leaves open what attacks hardly miss", () => {
    expect(proofs).toHaveLength(examples * 5);
    for (const { index, norm, epsilon, status } of proofs) {
      const left = marginOf(index) - slopes[norm] * epsilon;
      expect([index, norm, epsilon, status === "proven"]).toEqual([index, norm, epsilon, left > 0]);
      if (status === "undecided") expect(left).toBeGreaterThan(-0.15);
    }
    expect(proofs.filter(({ status }) => status === "undecided").length).toBeLessThan(4);
    expect(proofs.some(({ status }) => status === "proven")).toBe(true);
  });

  it("states the margin that the proof found, from below", () => {
    const own = proofs.filter(({ status, seconds }) => status === "proven" && seconds > 0);
    expect(own.length).toBeGreaterThan(0);
    for (const { index, norm, epsilon, margin } of own) {
      const exact = marginOf(index) - slopes[norm] * epsilon;
      expect(margin).toBeLessThanOrEqual(exact + 1e-6);
      expect(margin).toBeGreaterThan(exact - 1e-3);
    }
  });

  it("counts proven, broken and undecided images of each ball, and says so", () => {
    const { balls, kind, contradictions } = result.proofs ?? { balls: [] };
    expect([kind, contradictions]).toEqual(["proof", []]);
    expect(balls.map(({ norm, epsilon }) => [norm, epsilon])).toEqual([
      ["linf", 0.17],
      ["linf", 0.2],
      ["linf", 0.23],
      ["l2", 0.55],
      ["l1", 1.7],
    ]);
    for (const { norm, epsilon, proven, broken, undecided } of balls) {
      const own = proofs.filter((row) => row.norm === norm && row.epsilon === epsilon);
      expect([proven, broken, undecided]).toEqual(
        ["proven", "broken", "undecided"].map(
          (status) => own.filter((row) => row.status === status).length,
        ),
      );
    }
    expect(balls.some(({ proven, broken }) => proven > 0 && broken > 0)).toBe(true);
  });

  it("spares proven images all attacks of a norm but the first", async () => {
    const rows = await linesOf<core.Row>(out, "rows.jsonl");
    const first = new Set(["fgsm-linf", "fgsm-l2", "apgd-ce-l1"]);
    for (const { index, norm, epsilon, status } of proofs.filter((one) => one.status === "proven"))
      for (const row of rows.filter((one) => one.index === index && one.norm === norm))
        if (row.epsilon === epsilon)
          expect([row.attack, status, isSpared(row)]).toEqual([
            row.attack,
            status,
            !first.has(row.attack),
          ]);
    const { proven } = result.proofs?.balls[1] ?? { proven: -1 };
    const [, , { attacks }] = [...result.norms].sort((a, b) => a.epsilon - b.epsilon);
    expect(attacks[0].tried).toBe(examples);
    expect(proven).toBeGreaterThan(0);
  });

  it("leaves the accuracy under attack as it is without proofs", async () => {
    const { norms } = await auditIn(core.memoryStorage("plain"), { prove: false });
    const accuracies = (some: core.AuditResult["norms"]) =>
      some.map(({ norm, epsilon, accuracy }) => [norm, epsilon, accuracy]);
    expect(accuracies(result.norms)).toEqual(accuracies(norms));
  });

  it("resumes to the same files, and refuses proofs that were made in another time", async () => {
    const before = await out.read("rows.proofs.jsonl");
    const again = await auditIn(out, { resume: true });
    expect(again.proofs).toEqual(result.proofs);
    expect(await out.read("rows.proofs.jsonl")).toEqual(before);
    await expect(auditIn(out, { resume: true, proveSeconds: 3 })).rejects.toMatchObject({
      code: "misfit",
    });
  });

  it("goes on where it was cut off", async () => {
    const cut = core.memoryStorage("cut");
    for (const name of ["rows.proofs.jsonl", "rows.proofs.settings.json"])
      await cut.write(name, await out.read(name));
    const lines = new TextDecoder().decode(await out.read("rows.proofs.jsonl")).split("\n");
    await cut.write(
      "rows.proofs.jsonl",
      `${lines.slice(0, 7).join("\n")}\n${lines[7].slice(0, 9)}`,
    );
    const again = await auditIn(cut, { resume: true });
    expect(again.proofs?.balls).toEqual(result.proofs?.balls);
    expect(await linesOf(cut, "rows.proofs.jsonl")).toHaveLength(proofs.length);
  });
});

const normalizer = nodeOf(
  "Normalizer",
  ["p"],
  ["y"],
  { norm: { string: "L1" } },
  { domain: "ai.onnx.ml" },
);

it.each([
  ["Softmax", [nodeOf("Softmax", ["scores"], ["y"])]],
  ["LogSoftmax", [nodeOf("LogSoftmax", ["scores"], ["y"])]],
  ["a normalised Softmax", [nodeOf("Softmax", ["scores"], ["p"]), normalizer]],
])("proves a file that ends in %s by the scores before it", async (_, head) => {
  const w = new Float32Array(64);
  for (let pixel = 0; pixel < 16; pixel++) w[4 * pixel + fixture.quarter(pixel)] = 1;
  const nodes = [
    nodeOf("Flatten", ["x"], ["flat"]),
    nodeOf("MatMul", ["flat", "w"], ["scores"]),
    ...head,
  ];
  const file = onnxFile(nodes, {
    inputs: { x: ["n", 1, 4, 4] },
    outputs: { y: ["n", 4] },
    arrays: { w: core.tensor([16, 4], w) },
  });
  const out = core.memoryStorage("memory");
  const few = { norms: ["linf"], epsilonLinf: [0.17, 0.2] } as const;
  const request = { ...options, ...few, device, data: dataset, name: "soft.onnx", out };
  const { proofs } = await core.audit(file, request);
  expect(proofs?.contradictions).toEqual([]);
  const rows = await linesOf<ProofRow>(out, "rows.proofs.jsonl");
  expect(rows.some(({ status }) => status === "proven")).toBe(true);
  for (const { index, epsilon, status } of rows) {
    const left = marginOf(index) - slopes.linf * epsilon;
    if (status === "proven") expect(left).toBeGreaterThan(4 * 2 ** -14);
    if (left > 0.01) expect([index, epsilon, status]).toEqual([index, epsilon, "proven"]);
  }
});

it("refuses images with pixels outside [0, 1], around which no such image need be", async () => {
  const data = {
    ...dataset,
    test: {
      ...dataset.test,
      images: (indices: readonly number[]) => {
        const images = dataset.test.images(indices);
        return core.tensor(
          images.shape,
          images.data.map((pixel) => 255 * pixel),
        );
      },
    },
  };
  const refused = auditIn(core.memoryStorage("memory"), { data, examples: 2, norms: ["linf"] });
  await expect(refused).rejects.toThrow(/pixel of .*\[0, 1\].*divide bytes by 255/);
  await expect(refused).rejects.toBeInstanceOf(core.UsageError);
});

it("an audit without prove has no proofs", async () => {
  const out = core.memoryStorage("memory");
  const { proofs } = await auditIn(out, { prove: false, examples: 2, norms: ["linf"] });
  expect(proofs).toBeNull();
  expect(await out.list("")).not.toContain("rows.proofs.jsonl");
});

it("an image that is misclassified is broken in every ball", async () => {
  const data = core.imageDataset({
    images: core.tensor([2, 1, 4, 4], fixture.pixels.slice(0, 32)),
    labels: [1, 1],
    classes: ["0", "1", "2", "3"],
    name: "wrong",
  });
  const out = core.memoryStorage("memory");
  await auditIn(out, { data, epsilonLinf: [1e-6, 0.01], norms: ["linf"], examples: 2 });
  const rows = await linesOf<ProofRow>(out, "rows.proofs.jsonl");
  expect(rows.filter(({ index }) => index === 0)).toMatchObject([
    { status: "broken", method: "clean", margin: null },
    { status: "broken", method: "clean", margin: null },
  ]);
  expect(rows.filter(({ index }) => index === 1)).toMatchObject([
    { status: "proven" },
    { status: "proven" },
  ]);
});

it("refuses an operator without a bound before any attack, and names it", async () => {
  const nodes = [
    nodeOf("LogSoftmax", ["x"], ["soft"]),
    nodeOf("Flatten", ["soft"], ["flat"]),
    nodeOf("Gemm", ["flat", "w"], ["z"]),
  ];
  const strange = onnxFile(nodes, {
    inputs: { x: ["n", 1, 4, 4] },
    outputs: { z: ["n", 4] },
    arrays: { w: core.tensor([16, 4], new Float32Array(64).fill(0.1)) },
  });
  const out = core.memoryStorage("memory");
  const refused = core.audit(strange, { ...options, device, data: dataset, out });
  await expect(refused).rejects.toThrow(/LogSoftmax/);
  await expect(refused).rejects.toBeInstanceOf(core.UsageError);
  expect(await out.list("")).not.toContain("rows.jsonl");
});
