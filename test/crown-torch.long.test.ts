// Our IBP and CROWN against a PyTorch implementation of their own, on random perceptrons.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Crown } from "../src/engine/bounds/crown.ts";
import { boxAround } from "../src/engine/bounds/region.ts";
import * as g from "../src/engine/graph/expressions.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import { normal } from "../src/math/distributions.ts";
import { fold, keyOf } from "../src/math/random.ts";
import { tensor } from "../src/math/tensor.ts";

const PYTHON = "/usr/bin/python3";
const there = spawnSync(PYTHON, ["-c", "import torch"]).status === 0;
if (!there) console.log(`skipped: no PyTorch in ${PYTHON}`);

const opened: Crown[] = [];
afterAll(async () => {
  for (const one of opened) await one.release();
});

const widths = [5, 16, 16, 16, 3];
const layersOf = (seed: number) =>
  widths.slice(1).map((to, k) => {
    const from = widths[k];
    const w = normal([fold(keyOf(seed), 2 * k)], [1, from * to]).data.map((v) =>
      Math.fround(v / Math.sqrt(from)),
    );
    const b = normal([fold(keyOf(seed), 2 * k + 1)], [1, to]).data.map((v) => Math.fround(v / 4));
    return { from, to, w, b };
  });

const nested = (data: ArrayLike<number>, columns: number): number[][] =>
  Array.from({ length: data.length / columns }, (_, i) =>
    Array.from({ length: columns }, (_, j) => data[i * columns + j]),
  );

describe.skipIf(!there)("bounds agree with PyTorch to 1e-5, relatively", () => {
  it.each([
    [1, 0.01],
    [2, 0.05],
    [3, 0.2],
    [4, 1],
  ])("network %i, radius %f", async (seed, epsilon) => {
    const layers = layersOf(seed);
    const centre = normal([fold(keyOf(seed), 99)], [1, widths[0]]).data;
    const region = boxAround(centre, epsilon, [-10, 10]);
    const x = g.input("x", [1, widths[0]]);
    let y = x;
    for (const [k, { from, to, w, b }] of layers.entries()) {
      y = g.add(g.matmul(y, g.constant(tensor([from, to], w))), g.constant(tensor([to], b)));
      if (k + 1 < layers.length) y = g.relu(y);
    }
    const runtime = await nodeRuntime({ threads: 1, lowering: "plain" });
    const crown = new Crown(runtime.compile, x, y);
    opened.push(crown);
    const plain = (await crown.analyse(region, { walks: false })).interval(crown.plan.output);
    const state = await crown.analyse(region);
    const rows = [0, 1, 2].flatMap((i) => [[[i, 1]], [[i, -1]]] as const);
    const bounds = await crown.lowerBounds(state, crown.plan.output, rows);

    const job = {
      weights: layers.map(({ w, to }) => nested(w, to)),
      biases: layers.map(({ b }) => [...b]),
      lower: [...region.lower],
      upper: [...region.upper],
    };
    const script = join(import.meta.dirname, "fixtures/crown.py");
    const { stdout, stderr } = spawnSync(PYTHON, [script], { input: JSON.stringify(job) });
    expect(String(stderr)).toBe("");
    const truth = JSON.parse(String(stdout));
    const expectClose = (ours: ArrayLike<number>, theirs: readonly number[], sign: 1 | -1) => {
      for (const [i, t] of theirs.entries()) {
        expect(Math.abs(ours[i] - t)).toBeLessThan(1e-5 * (1 + Math.abs(t)));
        // Sound: at most (or at least) what doubles give, up to the doubles' own rounding.
        expect(sign * (ours[i] - t)).toBeLessThan(1e-12 * (1 + Math.abs(t)));
      }
    };
    expectClose(plain.lower, truth.ibp[0], 1);
    expectClose(plain.upper, truth.ibp[1], -1);
    expectClose(
      [0, 2, 4].map((i) => bounds[i]),
      truth.crown[0],
      1,
    );
    expectClose(
      [1, 3, 5].map((i) => -bounds[i]),
      truth.crown[1],
      -1,
    );
  });
});
