// The time limit is looked at before each step: once it is over, nothing more is computed.
import { afterAll, describe, expect, it } from "vitest";
import { normal } from "../../math/distributions.ts";
import { keyOf } from "../../math/random.ts";
import { tensor } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { branchAndBound } from "./branch.ts";
import { Crown, type SparseRow } from "./crown.ts";
import type { Compile } from "./program.ts";
import { refinedBranching } from "./refine.ts";
import { boxAround } from "./region.ts";
import { optimizedBounds } from "./slopes.ts";
import { untilStopped } from "./until-stopped.ts";

const runtime = nodeRuntime({ threads: 1, lowering: "plain" });
let runs = 0;
/** Counts the walks that run. */
const compile: Compile = async (outputs) => {
  const compiled = await (await runtime).compile(outputs);
  return {
    run(feeds) {
      runs++;
      return compiled.run(feeds);
    },
    release: () => compiled.release(),
  };
};

const weights = (seed: number, rows: number, columns: number) =>
  g.constant(tensor([rows, columns], normal([keyOf(seed)], [1, rows * columns]).data));
const x = g.input("x", [1, 2]);
const hidden = g.relu(g.matmul(g.relu(g.matmul(x, weights(1, 2, 9))), weights(2, 9, 9)));
const crown = new Crown(compile, x, g.matmul(hidden, weights(3, 9, 2)));
afterAll(() => crown.release());

const row: SparseRow = [[0, 1]];
const goal = { row, limit: 1e6 };
/** Says "over" from the n-th question on. */
const overAt = (n: number) => () => n-- <= 0;
const state = () => crown.analyse(boxAround([0, 0], 2, [-9, 9]));
const runsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const before = runs;
  await work();
  return runs - before;
};

describe("once the time is over", () => {
  it("branching makes no step", async () => {
    const known = await state();
    expect(await runsOf(() => branchAndBound(crown, known, [goal], overAt(0)))).toBe(0);
    expect(await runsOf(() => refinedBranching(crown, known, [goal], overAt(0)))).toBe(0);
  });

  it("branching ends within the steps for the whole region", async () => {
    const known = await state();
    const { proven, gap, domains } = await branchAndBound(crown, known, [goal], overAt(3));
    expect([proven, domains]).toEqual([false, 1]);
    expect(gap).toBeLessThan(0);
    expect(await runsOf(() => branchAndBound(crown, known, [goal], overAt(3)))).toBeLessThanOrEqual(
      3,
    );
  });

  it("an ascent over slopes makes no step, and nothing is known", async () => {
    const known = await state();
    const options = { iterations: 30, untilPositive: false };
    const rows = Array.from({ length: 300 }, () => row);
    const ascend = (stop: () => boolean) =>
      optimizedBounds(crown, known, crown.plan.output, rows, { ...options, stop });
    expect(await runsOf(() => ascend(overAt(0)))).toBe(0);
    expect(new Set(await ascend(overAt(0)))).toEqual(new Set([Number.NEGATIVE_INFINITY]));
    // The first rows have bounds, and the others none.
    const bounds = await ascend(overAt(1));
    expect([bounds[0], bounds[299]].map(Number.isFinite)).toEqual([true, false]);
  });

  it("an ascent that cannot get above 0 ends after a few steps, and one that gets there goes on", async () => {
    const known = await state();
    const options = { iterations: 30, untilPositive: false, stop: () => false };
    const { output } = crown.plan;
    const ascend = (over: Crown, untilHopeless: boolean) => async () => {
      const part = over === crown ? known : await over.analyse(boxAround([0, 0], 2, [-9, 9]));
      const own = { ...options, untilHopeless };
      return optimizedBounds(over, part, over.plan.output, [row], own);
    };
    const [start] = await crown.lowerBounds(known, output, [row]);
    const [end] = await ascend(crown, false)();
    expect(start).toBeLessThan(end);
    expect(end).toBeLessThan(0);
    expect(await runsOf(ascend(crown, false))).toBe(31);
    expect(await runsOf(ascend(crown, true))).toBe(8);
    // The same bounds and a constant, so that 0 lies between the first and the last one.
    const shift = g.constant(tensor([1, 2], [-(start + 30 * end) / 31, 0]));
    const raised = new Crown(compile, x, g.add(g.matmul(hidden, weights(3, 9, 2)), shift));
    const [found] = await ascend(raised, true)();
    await raised.release();
    expect(found).toBeGreaterThan(0);
  });

  it("an analysis keeps its intervals", async () => {
    const bounds = untilStopped(overAt(0), (part, node, rows) =>
      crown.lowerBounds(part, node, rows),
    );
    const region = boxAround([0, 0], 2, [-9, 9]);
    const cheap = await crown.analyse(region, { walks: false });
    const stopped = await crown.analyse(region, { bounds });
    expect(stopped.interval(crown.plan.output)).toEqual(cheap.interval(crown.plan.output));
  });
});

describe("on a network without unstable ReLUs", () => {
  const linear = new Crown(compile, x, g.matmul(x, weights(4, 2, 2)));
  afterAll(() => linear.release());
  const never = () => false;

  it("each method ends after one walk, because no other can give more", async () => {
    const known = await linear.analyse(boxAround([0, 0], 2, [-9, 9]));
    const options = { iterations: 30, untilPositive: false, stop: never };
    const { output } = linear.plan;
    const [exact] = await linear.lowerBounds(known, output, [row]);
    let bounds: ArrayLike<number> = [];
    const ascend = async () => {
      bounds = await optimizedBounds(linear, known, output, [row], options);
    };
    expect(await runsOf(ascend)).toBe(1);
    expect(bounds[0]).toBeCloseTo(exact, 9);
    expect(await runsOf(() => branchAndBound(linear, known, [goal], never))).toBe(1);
    // Steps on the whole region, which have nothing to move.
    expect(await runsOf(() => refinedBranching(linear, known, [goal], never))).toBeLessThanOrEqual(
      1,
    );
  });

  it("branching proves what holds and finds nothing to split where it does not", async () => {
    const known = await linear.analyse(boxAround([0, 0], 2, [-9, 9]));
    const [exact] = await linear.lowerBounds(known, linear.plan.output, [row]);
    const proves = (limit: number) => refinedBranching(linear, known, [{ row, limit }], never);
    expect([await proves(exact - 1e-6), await proves(exact + 1e-6)]).toEqual([true, false]);
  });
});
