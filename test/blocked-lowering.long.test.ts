// The blocked lowering against the reference interpreter: every case, and shapes for which the interpreter takes its time.
import { describe, expect, it } from "vitest";
import { gradient } from "../src/engine/autodiff/gradient.ts";
import * as g from "../src/engine/graph/expressions.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import { differenceFrom, errors } from "./fixtures/against-interpreter.ts";
import { body, convolutions, functionsOf, w, x } from "./fixtures/blocked-cases.ts";
import { type Convolution, cubes, geometry } from "./fixtures/convolutions.ts";

const runtime = await nodeRuntime({ threads: 1 });
const { lowering } = runtime.target;
const isPlain = lowering === "plain";
const block = Number(lowering.split("-")[1]);
/** Winograd wherever it has a form. */
const everywhere = await nodeRuntime({ threads: 1, lowering: `blocked-${block}-w1-1` });
/** Direct convolutions only. */
const nowhere = await nodeRuntime({ threads: 1, lowering: `blocked-${block}-w99999-99999` });

const cases: Convolution[] = [
  ["3×3 with many channels", [3, 128, 4, 6], [144, 128, 3, 3], geometry(1, 1)],
  ["3×3 with more channels, on an odd image", [1, 256, 5, 4], [256, 256, 3, 3], geometry(1, 1)],
  ["3×3 with more channels", [2, 256, 4, 4], [256, 256, 3, 3], geometry(1, 1)],
  // ∂L/∂w takes the rows of dy in two parts, in one with a row more than in the other.
  ["many pixels", [16, 64, 17, 17], [16, 64, 3, 3], geometry(1, 1)],
  ["many pixels, stride 2", [32, 64, 26, 24], [16, 64, 3, 3], geometry(2, 1)],
  [
    "many pixels, and a row that no window reaches",
    [32, 64, 28, 24],
    [16, 64, 3, 3],
    geometry(2, 0),
  ],
];

describe.skipIf(isPlain)("in blocks, a convolution and its gradients:", () => {
  it.each(convolutions)("%s", async (_, xs, ws, attrs) => {
    const [x, w] = [g.input("x", xs), g.input("w", ws)];
    const y = g.conv(x, w, attrs);
    const [dx, dw] = gradient(cubes(g.relu(y)), [x, w]);
    expect(await differenceFrom({ y, dx, dw }, runtime)).toBeLessThan(5e-6);
    expect(await differenceFrom({ y, dx, dw }, everywhere)).toBeLessThan(5e-6);
  });

  it.each(cases)("%s", async (_, xs, ws, attrs) => {
    const [x, w] = [g.input("x", xs), g.input("w", ws)];
    const y = g.conv(x, w, attrs);
    const [dx, dw] = gradient(cubes(g.relu(y)), [x, w]);
    expect(await differenceFrom({ y, dx, dw }, runtime)).toBeLessThan(5e-6);
  });

  it("sums over large images have no larger error than over small ones", async () => {
    const v = g.input("v", [32, 20, 1, 1]);
    for (const [height, width] of [
      [192, 256],
      [499, 64],
    ]) {
      const y = g.conv(g.input("x", [1, 20, height, width]), v, geometry(1, 0));
      const positive = g.add(g.mul(y, y), g.scalar(1));
      const outputs = {
        sums: g.sum(positive, [2, 3]),
        products: g.sum(g.mul(positive, positive), [2, 3]),
      };
      expect(await differenceFrom(outputs, runtime)).toBeLessThan(3e-6);
    }
  });
});

describe.skipIf(isPlain)("in blocks, with its gradients:", () => {
  it.each(functionsOf(block))("%s", async (_, f) => {
    const z = f(body(x));
    const [dx, dw] = gradient(cubes(z), [x, w]);
    expect(await differenceFrom({ z, dx, dw }, runtime)).toBeLessThan(1e-5);
  });
});

it.skipIf(isPlain)(
  "the Winograd form of 64 channels has at most four times the error of the direct one",
  async () => {
    const [image, weights] = [g.input("x", [4, 64, 8, 8]), g.input("w", [64, 64, 3, 3])];
    const y = g.conv(image, weights, geometry(1, 1));
    const [dx, dw] = gradient(cubes(y), [image, weights]);
    const direct = await errors({ y, dx, dw }, nowhere);
    for (const [i, error] of (await errors({ y, dx, dw }, everywhere)).entries()) {
      expect(error).not.toBe(direct[i]);
      expect(error).toBeLessThan(4 * direct[i]);
    }
  },
);
