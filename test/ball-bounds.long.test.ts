// ℓ2 and ℓ1 balls on networks of VNN-COMP: no sampled point has a margin below the bound, and a ball's bound is at least that
// of the box around it. SLOW=1 adds ResNet-2B.
import { describe, expect, it } from "vitest";
import { ballAround } from "../src/engine/bounds/region.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import { normal } from "../src/math/distributions.ts";
import { fold, keyOf } from "../src/math/random.ts";
import { elementCount, tensor } from "../src/math/tensor.ts";
import { network } from "../src/models/network.ts";
import { isSlow } from "./fixtures/slow.ts";
import { hasVnncomp, instancesWith, openInstance, propertyOf } from "./fixtures/vnncomp.ts";

const tried = isSlow ? ["256x2", "256x4", "resnet_2b"] : ["256x2", "256x4"];
const cases = tried.flatMap((name) =>
  (["l2", "l1"] as const).flatMap((norm) =>
    [0.3, 1].map((epsilon) => ({ name, norm, epsilon: norm === "l1" ? 4 * epsilon : epsilon })),
  ),
);

describe.skipIf(!hasVnncomp)("bounds on balls", () => {
  it.each(cases)(
    "$name, $norm, radius $epsilon",
    async ({ name, norm, epsilon }) => {
      const instance = instancesWith("unsat").find(({ model }) => model.includes(name));
      if (instance === undefined) throw new Error(`no instance of ${name}`);
      const { imported, prover } = await openInstance(instance);
      const [{ lower, upper }] = propertyOf(instance).cases;
      const centre = Float32Array.from(lower, (low, i) => (low + upper[i]) / 2);
      const isPixels = name !== "resnet_2b";
      const range = isPixels ? ([0, 1] as const) : ([-3, 3] as const);
      const ball = ballAround(norm, centre, epsilon, range);
      const rows = [0, 1, 2].map(
        (i) =>
          [
            [i, 1],
            [i + 1, -1],
          ] as [number, number][],
      );
      const { output } = prover.plan;
      const state = await prover.analyse(ball);
      const bounds = await prover.lowerBounds(state, output, rows);
      const box = await prover.analyse({ lower: ball.lower, upper: ball.upper });
      const looser = await prover.lowerBounds(box, output, rows);
      for (const [k, bound] of looser.entries()) expect(bounds[k]).toBeGreaterThanOrEqual(bound);

      const opened = network(await nodeRuntime({ lowering: "plain" }), imported);
      const shape = [1, ...imported.inputShape];
      for (let draw = 0; draw < 50; draw++) {
        const { data } = normal([fold(keyOf(4), draw)], [1, elementCount(shape)]);
        // On the sphere: all pixels for ℓ2, a single one for ℓ1 in every second draw.
        const moves =
          norm === "l1" && draw % 2 === 0 ? data.map((v, i) => (i === draw ? v : 0)) : data;
        const length =
          norm === "l2" ? Math.hypot(...moves) : moves.reduce((sum, v) => sum + Math.abs(v), 0);
        const point = centre.map((c, i) =>
          Math.min(range[1], Math.max(range[0], c + (0.9999 * epsilon * moves[i]) / length)),
        );
        const { data: y } = await opened.outputs(tensor(shape, point));
        for (const [k, bound] of bounds.entries())
          expect(y[k] - y[k + 1]).toBeGreaterThan(bound - 1e-4 * (1 + Math.abs(bound)));
      }
      await opened.release();
    },
    200_000,
  );
});
