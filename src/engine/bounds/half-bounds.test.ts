import { afterAll, describe, expect, it } from "vitest";
import { normal, uniform } from "../../math/distributions.ts";
import { fold, keyOf } from "../../math/random.ts";
import { elementCount, type NdArray, type Shape, tensor } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import { interpret } from "../graph/interpret.ts";
import type { Value } from "../graph/value.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { Crown, isRelu } from "./crown.ts";
import { boundsOfHalf } from "./half-bounds.ts";
import { boxAround } from "./region.ts";
import { optimizedBounds } from "./slopes.ts";
import type { RegionState } from "./state.ts";

const runtime = nodeRuntime({ threads: 1, lowering: "plain" });
const opened: Crown[] = [];
afterAll(async () => {
  for (const one of opened) await one.release();
});

const weights = (seed: number, shape: Shape): Value => {
  const { data } = normal([keyOf(seed)], [1, elementCount(shape)]);
  return g.constant(
    tensor(
      shape,
      Array.from(data, (v) => Math.fround(v / Math.sqrt(shape[0]))),
    ),
  );
};
const layer = (h: Value, seed: number, from: number, to: number): Value =>
  g.add(g.matmul(h, weights(seed, [from, to])), weights(seed + 1, [1, to]));

/** Three ReLU layers, one of which may be followed by a sigmoid, with walks in doubles or in float32. */
function open(seed: number, kind: "dense" | "conv" | "sigmoid"): Crown {
  const x = g.input("x", [1, 3]);
  const image = g.reshape(x, [1, 1, 1, 3]);
  const conv = () => g.conv(image, g.constant(tensor([1, 1, 1, 1], [1])));
  let h = layer(kind === "conv" ? g.reshape(conv(), [1, 3]) : x, seed, 3, 8);
  h = layer(g.relu(h), seed + 2, 8, 8);
  h = layer(kind === "sigmoid" ? g.sigmoid(g.relu(h)) : g.relu(h), seed + 4, 8, 8);
  const crown = new Crown(
    async (outputs) => (await runtime).compile(outputs),
    x,
    layer(g.relu(h), seed + 6, 8, 2),
  );
  opened.push(crown);
  return crown;
}

const options = { iterations: 5, untilPositive: false, stop: () => false };
/** A whole region with slopes that an ascent kept. */
const whole = (crown: Crown): Promise<RegionState> =>
  crown.analyse(boxAround([0.1, -0.2, 0.3], 1, [-9, 9]), {
    bounds: (state, node, rows) => optimizedBounds(crown, state, node, rows, options),
  });

/** The inputs of all relaxed nodes, and the output, at points of the region. */
function valuesAt(crown: Crown, count: number): Map<Value, NdArray[]> {
  const { order, input, output } = crown.plan;
  const nodes = [...order.filter((one) => crown.plan.readers(one).length > 0), output];
  const found = new Map<Value, NdArray[]>(nodes.map((node) => [node, []]));
  for (let i = 0; i < count; i++) {
    const { data } = uniform([fold(keyOf(3), i)], [1, 3], -1, 1);
    const point = tensor(input.shape, [0.1 + data[0], -0.2 + data[1], 0.3 + data[2]]);
    for (const [k, array] of interpret(nodes, { x: point }).entries())
      found.get(nodes[k])?.push(array);
  }
  return found;
}

describe.each(["dense", "conv", "sigmoid"] as const)("the bounds of a half, %s,", (kind) => {
  it("hold at all of its points, and are tighter than those of the whole", async () => {
    const crown = open(kind === "dense" ? 11 : 31, kind);
    const state = await whole(crown);
    const values = valuesAt(crown, 200);
    let [halves, tighter, outside] = [0, 0, 0];
    for (const relu of crown.plan.order.filter(isRelu)) {
      const [input] = relu.inputs;
      const { lower, upper } = state.interval(input);
      const element = lower.findIndex((low, i) => low < 0 && upper[i] > 0);
      if (element < 0) continue;
      for (const sign of [1, -1] as const) {
        const half = await boundsOfHalf(crown, state, { relu, element, sign }, () => false);
        halves++;
        const signs = (values.get(input) as NdArray[]).map(({ data }) => Number(data[element]));
        for (const [node, arrays] of values) {
          const [own, all] = [half.interval(node), state.interval(node)];
          for (let i = 0; i < own.lower.length; i++)
            if (own.upper[i] - own.lower[i] < 0.999 * (all.upper[i] - all.lower[i])) tighter++;
          for (const [p, { data }] of arrays.entries()) {
            if (sign * signs[p] < 0) continue;
            for (let i = 0; i < data.length; i++) {
              const value = Number(data[i]);
              outside = Math.max(outside, own.lower[i] - value, value - own.upper[i]);
            }
          }
        }
      }
    }
    // The interpreter computes in float32.
    expect(outside).toBeLessThan(1e-5);
    expect(halves).toBeGreaterThanOrEqual(4);
    // More than the element that was split itself.
    expect(tighter).toBeGreaterThan(halves);
  });

  it("leave those of the whole as they are", async () => {
    const crown = open(kind === "dense" ? 11 : 31, kind);
    const state = await whole(crown);
    const relu = crown.plan.order.find(isRelu) as Value;
    const { output } = crown.plan;
    const rows = [[[0, 1]], [[1, -1]]] as const;
    const before = await crown.lowerBounds(state, output, rows);
    const { lower, upper } = state.interval(relu.inputs[0]);
    const element = lower.findIndex((low, i) => low < 0 && upper[i] > 0);
    const half = await boundsOfHalf(crown, state, { relu, element, sign: 1 }, () => false);
    const inside = await crown.lowerBounds(half, output, rows);
    expect(await crown.lowerBounds(state, output, rows)).toEqual(before);
    expect(inside).not.toEqual(before);
  });
});
