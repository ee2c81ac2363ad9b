import { afterAll, describe, expect, it } from "vitest";
import { normal } from "../../math/distributions.ts";
import { fold, keyOf } from "../../math/random.ts";
import { elementCount, type NdArray, type Shape } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { interpret } from "../graph/interpret.ts";
import type { Value } from "../graph/value.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { Crown, type SparseRow } from "./crown.ts";
import { refinedBranching } from "./refine.ts";
import { boxAround } from "./region.ts";

const runtime = nodeRuntime({ threads: 1, lowering: "plain" });
const opened: Crown[] = [];
afterAll(async () => {
  for (const one of opened) await one.release();
});

const weights = (seed: number, shape: Shape): Value => {
  const { data } = normal([keyOf(seed)], [1, elementCount(shape)]);
  const scale = 1 / Math.sqrt(shape[0]);
  return g.constant({ dtype: "float64", shape, data: Float64Array.from(data, (v) => v * scale) });
};

const x = g.input("x", [1, 2], "float64");
const layer = (h: Value, seed: number, from: number, to: number): Value =>
  g.add(g.matmul(h, weights(seed, [from, to])), weights(seed + 1, [1, to]));
const hidden = g.relu(layer(g.relu(layer(x, 1, 2, 5)), 3, 5, 5));
const y = layer(hidden, 5, 5, 1);
const crown = new Crown(async (outputs) => (await runtime).compile(outputs), x, y);
opened.push(crown);

/** The least output on a grid over [c − ε, c + ε]². */
function leastOn(centre: readonly number[], epsilon: number): number {
  const count = 40;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i <= count; i++)
    for (let j = 0; j <= count; j++) {
      const at = (k: number, part: number) => centre[k] + epsilon * ((2 * part) / count - 1);
      const point: NdArray = {
        dtype: "float64",
        shape: [1, 2],
        data: Float64Array.of(at(0, i), at(1, j)),
      };
      least = Math.min(least, Number(interpret([y], { x: point })[0].data[0]));
    }
  return least;
}

const row: SparseRow = [[0, 1]];
const centres = [1, 2].map((seed) => Array.from(normal([fold(keyOf(7), seed)], [1, 2]).data));

describe("branching with the bounds of hidden layers", () => {
  it.each(centres)("finds the minimum of a small network around (%f, %f)", async (...centre) => {
    const least = leastOn(centre, 2);
    const state = await crown.analyse(boxAround(centre, 2, [-9, 9]));
    const proves = (limit: number, calls: number) =>
      refinedBranching(crown, state, [{ row, limit }], () => calls-- <= 0);
    expect(await proves(least - 0.15, 2000)).toBe(true);
    expect(await proves(least + 1e-9, 200)).toBe(false);
  });

  it("ends when it is told to", async () => {
    const state = await crown.analyse(boxAround([0, 0], 2, [-9, 9]));
    const goal = { row, limit: leastOn([0, 0], 2) - 0.15 };
    expect(await refinedBranching(crown, state, [goal], () => true)).toBe(false);
  });
});
