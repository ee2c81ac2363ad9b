import { afterAll, expect, it } from "vitest";
import { normal } from "../../math/distributions.ts";
import { keyOf } from "../../math/random.ts";
import { tensor } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { bestSplits, rootsOf } from "./branch.ts";
import { Crown } from "./crown.ts";
import { type Domain, freshDomain } from "./domain.ts";
import { improved } from "./improved.ts";
import { boxAround } from "./region.ts";

const runtime = nodeRuntime({ threads: 1, lowering: "plain" });
const weights = (seed: number, rows: number, columns: number) =>
  g.constant(tensor([rows, columns], normal([keyOf(seed)], [1, rows * columns]).data));
const x = g.input("x", [1, 4]);
const first = g.relu(g.matmul(x, weights(1, 4, 30)));
const second = g.relu(g.matmul(first, weights(2, 30, 30)));
const crown = new Crown(
  async (outputs) => (await runtime).compile(outputs),
  x,
  g.matmul(second, weights(3, 30, 2)),
);
afterAll(() => crown.release());
const never = () => false;

it.each([0, 1, 2, 5, 20])(
  "after %i steps, a part has the slopes and multipliers of its best bound",
  async (steps) => {
    const state = await crown.analyse(boxAround([0, 0, 0, 0], 1, [-9, 9]));
    const { program, roots } = rootsOf(crown, state, [{ row: [[0, 1]], limit: 1e9 }]);
    /** The bound of a part by its present slopes and multipliers. */
    const boundOf = async (domain: Domain) => {
      const copy = freshDomain({ ...domain, bound: Number.NEGATIVE_INFINITY });
      await program.bound([copy]);
      return copy.bound;
    };
    await improved(program, roots, steps, never);
    const [root] = roots;
    expect(await boundOf(root)).toBe(root.bound);
    const [split] = await bestSplits(program, roots, 4, never);
    const halves = split?.halves ?? [];
    expect(halves).toHaveLength(2);
    await improved(program, halves, steps, never);
    for (const half of halves) expect(await boundOf(half)).toBe(half.kept?.bound);
  },
);

it("after steps that end at the last, a part has the slopes and multipliers of its last bound", async () => {
  const state = await crown.analyse(boxAround([0, 0, 0, 0], 1, [-9, 9]));
  const rootAfter = async (steps: number, end: "best" | "last") => {
    const { program, roots } = rootsOf(crown, state, [{ row: [[0, 1]], limit: 1e9 }]);
    await improved(program, roots, steps, never, end);
    return roots[0];
  };
  const bounds: number[] = [];
  for (let steps = 0; steps <= 20; steps++) {
    const last = await rootAfter(steps, "last");
    bounds.push(last.kept?.bound ?? 0);
    expect(last.slopes).toEqual(last.kept?.slopes);
    expect(last.bound).toBe(Math.max(...bounds));
    expect((await rootAfter(steps, "best")).kept?.bound).toBe(last.bound);
  }
  // Some of these steps lower the bound.
  expect(bounds.some((bound, i) => i > 0 && bound < bounds[i - 1])).toBe(true);
});
