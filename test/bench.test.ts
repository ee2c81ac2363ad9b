import { describe, expect, it } from "vitest";
import { agreementOf, disagreements } from "../bench/agreement.ts";
import { casesOf, caseWorks } from "../bench/cases.ts";
import { profileOf, runsOf } from "../bench/profile.ts";
import type { Numbers } from "../src/bench/work.ts";
import { tensor } from "../src/math/tensor.ts";

const gradientOf = (...values: number[]): Numbers => ({
  loss: 2,
  arrays: { gradient: tensor([values.length], values) },
});

const between = async (ours: Numbers, theirs: Numbers, exact: Numbers = {}) =>
  disagreements(await agreementOf(ours, theirs, { exact: async () => exact }));

describe("the two sides agree", () => {
  it("where loss and gradient are the same to 1e-4, and not beyond", async () => {
    expect(await between(gradientOf(3, 4), gradientOf(3, 4.0004), {})).toEqual([]);
    const off = { ...gradientOf(3, 4), loss: 2.001 };
    expect(await between(gradientOf(3, 4), off, gradientOf(3, 4))).toEqual([]);
    expect(await between(gradientOf(3, 4), off, off)).toEqual([
      "loss by 5.0e-4, 5.0e-4 from double precision",
    ]);
  });

  it("where one example in three has another gradient, and not where two have", async () => {
    const rows = (...values: number[]): Numbers => ({
      arrays: { gradient: tensor([3, 2], values) },
    });
    expect(await between(rows(1, 0, 2, 0, 3, 0), rows(1, 0, 2, 0, 3, 0.1))).toEqual([]);
    expect(await between(rows(1, 0, 2, 0, 3, 0), rows(1, 0, 2, 0.1, 3, 0.1))).toHaveLength(1);
  });

  it("where a gradient is as close to double precision as PyTorch's, and not where it is not", async () => {
    const [ours, theirs] = [gradientOf(3, 4.001), gradientOf(3, 3.999)];
    expect(await between(ours, theirs, gradientOf(3, 4))).toEqual([]);
    expect(await between(ours, theirs, gradientOf(3, 3.999))).toHaveLength(1);
  });

  it("where loss and gradient are up to four times as far from double precision as the farther of PyTorch's layouts", async () => {
    const exact = gradientOf(1);
    const at = (off: number): Numbers => ({ ...gradientOf(1 + off), loss: 2 * (1 + off) });
    const theirs = [exact, at(0.001)];
    const judged = async (off: number) =>
      disagreements(await agreementOf(at(off), exact, { exact: async () => exact, theirs }));
    expect(await judged(0.0039)).toEqual([]);
    expect(await judged(0.0041)).toEqual([
      expect.stringContaining("loss by 4.1e-3"),
      expect.stringContaining("gradient by 4.1e-3"),
    ]);
  });

  it("where one image in 200 is decided otherwise, and not where two are", async () => {
    const decided = (wrong: number): Numbers => {
      const correct = Array.from({ length: 200 }, (_, i) => (i < wrong ? 0 : 1));
      return { clean: correct.map(() => 1), correct };
    };
    expect(await between(decided(1), decided(0))).toEqual([]);
    expect(await between(decided(2), decided(0))).toEqual(["2.00 of 200 images"]);
  });

  it("where our median distance is at most 1 % larger, of images that had to be moved", async () => {
    const moved = (l2: number[]): Numbers => ({ clean: [0, 1, 1, 1], correct: [0, 0, 0, 0], l2 });
    expect(await between(moved([0, 1, 2, 3]), moved([9, 1, 2.01, 3]))).toEqual([]);
    expect(await between(moved([0, 1, 2.03, 3]), moved([0, 1, 2, 3]))).toHaveLength(1);
    expect(await between(moved([0, 1, 1.5, 3]), moved([0, 1, 2, 3]))).toEqual([]);
  });

  it("never in a number that is not one", async () => {
    expect(await between({ loss: Number.NaN }, { loss: 1 })).toHaveLength(1);
    expect(await between(gradientOf(Number.NaN), gradientOf(1), gradientOf(1))).toHaveLength(1);
  });
});

it("a case has a goal as it is listed, and none in another batch or with other effort", () => {
  const all = casesOf(caseWorks, { models: null }, {});
  expect(all.every(({ limit }) => limit !== null)).toBe(true);
  expect(casesOf(["train"], { models: ["wrn-16-4"] }, {})).toMatchObject([
    { batch: 64, limit: 0.88 },
  ]);
  expect(casesOf(["train"], { models: ["wrn-16-4"], batch: 8 }, {})).toMatchObject([
    { limit: null },
  ]);
  expect(casesOf(["cw"], { models: null }, { steps: 5 })).toMatchObject([{ limit: null }]);
  expect(casesOf(["cw"], { models: ["wrn-10-1"] }, {})).toEqual([]);
  expect(casesOf(["cw"], { models: ["cnn-small"] }, {})).toMatchObject([{ model: "cnn-small" }]);
});

describe("a profile", () => {
  const described = (shape: string) => ({ float: shape.split(" ").map(Number) });
  const run = (dur: number) => ({ cat: "Session", name: "model_run", dur, args: {} });
  const shapes = {
    Conv: { inputs: ["2 16 8 8", "32 16 3 3"], output: "2 32 8 8" },
    Gemm: { inputs: ["2 64", "64 10"], output: "2 10" },
  };
  const kernel = (op: keyof typeof shapes, dur: number) => ({
    cat: "Node",
    name: `${op}_1_kernel_time`,
    dur,
    args: {
      op_name: op,
      input_type_shape: shapes[op].inputs.map(described),
      output_type_shape: [described(shapes[op].output)],
    },
  });
  const program = runsOf([
    { cat: "Session", name: "session_initialization", dur: 9000, args: {} },
    kernel("Conv", 9000),
    run(9999),
    kernel("Conv", 1000),
    kernel("Gemm", 500),
    run(2000),
    kernel("Conv", 3000),
    kernel("Gemm", 500),
    run(4000),
  ]);

  it("has the time of each kernel and of the runtime between them, per step, without the first", () => {
    const { kernels, between, kinds, shapes } = profileOf([program], {
      steps: 3,
      opensOnce: true,
      step: 0.004,
    });
    expect(kernels).toBeCloseTo(0.0025, 9);
    expect(between).toBeCloseTo(0.0005, 9);
    const [first, second] = kinds;
    expect(first).toMatchObject({ kind: "Conv 3×3", count: 1, flops: 2 * 2 * 32 * 64 * 16 * 9 });
    expect(first.seconds).toBeCloseTo(0.002, 9);
    expect(second).toMatchObject({ kind: "Gemm", count: 1, flops: 2 * 2 * 64 * 10 });
    expect(shapes[0].shapes).toBe("2×16×8×8, 32×16×3×3 → 2×32×8×8");
  });

  it("leaves out a program that runs when the work opens, and none where each step opens it", () => {
    const prepares = runsOf([kernel("Conv", 7000), run(7000)]);
    const once = { steps: 3, opensOnce: true, step: 1 };
    expect(profileOf([program, prepares], once)).toEqual(profileOf([program], once));
    const anew = profileOf([program, prepares], { steps: 1, opensOnce: false, step: 1 });
    expect(anew.kinds[0]).toMatchObject({ count: 4 });
    expect(anew.kernels).toBeCloseTo(0.021, 9);
  });
});
