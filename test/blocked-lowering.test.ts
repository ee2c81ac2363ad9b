// The blocked lowering agrees with the reference interpreter. Skipped if this machine's runtime has no blocked operators.
import { describe, expect, it } from "vitest";
import { gradient } from "../src/engine/autodiff/gradient.ts";
import * as g from "../src/engine/graph/expressions.ts";
import type { Lowered } from "../src/engine/graph/lowered.ts";
import { topological, type Value } from "../src/engine/graph/value.ts";
import { lowerBlocked } from "../src/engine/lowering/blocked/blocked.ts";
import { writeOnnx } from "../src/engine/onnx/export/write-onnx.ts";
import { nodeProgram, nodeRuntime } from "../src/engine/runtime/node.ts";
import { differenceFrom, errors } from "./fixtures/against-interpreter.ts";
import { body, convolutions, functionsOf, vector, w, x } from "./fixtures/blocked-cases.ts";
import { cubes, geometry } from "./fixtures/convolutions.ts";

const byDefault = await nodeRuntime({ threads: 1 });
const { lowering } = byDefault.target;
const block = Number(lowering.split("-")[1]);
/** Winograd wherever it has a form. */
const everywhere = await nodeRuntime({ threads: 1, lowering: `blocked-${block}-w1-1` });
/** Direct convolutions only. */
const nowhere = await nodeRuntime({ threads: 1, lowering: `blocked-${block}-w99999-99999` });

/** As `differenceFrom`, with the default lowering. */
const difference = (outputs: Record<string, Value>, runtime = byDefault) =>
  differenceFrom(outputs, runtime);

/** Some of the cases of every kind; blocked-lowering.long.test.ts has all. */
const few = <T extends readonly [name: string, ...rest: unknown[]]>(
  all: readonly T[],
  ...names: readonly string[]
): T[] => {
  const found = all.filter(([name]) => names.includes(name));
  expect(found).toHaveLength(names.length);
  return found;
};

describe.skipIf(lowering === "plain")("in blocks, a convolution and its gradients:", () => {
  it.each(
    few(
      convolutions,
      "channels and examples that fill no block",
      "1×1, stride 2",
      "patches",
      "in groups",
    ),
  )("%s", async (_, xs, ws, attrs) => {
    const [x, w] = [g.input("x", xs), g.input("w", ws)];
    const y = g.conv(x, w, attrs);
    const [dx, dw] = gradient(cubes(g.relu(y)), [x, w]);
    expect(await difference({ y, dx, dw })).toBeLessThan(5e-6);
    expect(await difference({ y, dx, dw }, everywhere)).toBeLessThan(5e-6);
  });
});

describe.skipIf(lowering === "plain")("the Winograd form", () => {
  it.each([16])(
    "has at most four times the error of the direct one, for %d channels",
    async (c) => {
      const [x, w] = [g.input("x", [4, c, 8, 8]), g.input("w", [c, c, 3, 3])];
      const y = g.conv(x, w, geometry(1, 1));
      const [dx, dw] = gradient(cubes(y), [x, w]);
      const [winograd, direct] = [
        await errors({ y, dx, dw }, everywhere),
        await errors({ y, dx, dw }, nowhere),
      ];
      for (const [i, error] of winograd.entries()) {
        expect(error).not.toBe(direct[i]);
        expect(error).toBeLessThan(4 * direct[i]);
      }
    },
  );

  it("is used from the break-even in the target's name on", () => {
    const convolutions = (images: number, weights: number) => {
      const [x, w] = [g.input("x", [16, 64, 8, 8]), g.input("w", [64, 64, 3, 3])];
      const y = g.conv(x, w, geometry(1, 1));
      const [dw] = gradient(g.sum(g.mul(y, g.input("s", y.shape))), [w]);
      return Object.entries({ y, dw }).map(([name, value]) => {
        const lowered = lowerBlocked({ [name]: value }, block, { images, weights });
        const all = topological(Object.values(lowered));
        return all.filter(({ op }) => op === "NchwcConv").length;
      });
    };
    const [direct, wins] = [convolutions(65, 65), convolutions(64, 64)];
    expect(direct).toEqual([1, 1]);
    expect(wins).toEqual([32, 48]);
    expect(convolutions(64, 65)).toEqual([wins[0], direct[1]]);
    expect(convolutions(65, 64)).toEqual([direct[0], wins[1]]);
  });
});

describe.skipIf(lowering === "plain")("in blocks, with its gradients:", () => {
  it.each(
    few(
      functionsOf(block),
      "a bias, a scale and a shift",
      "a residual sum",
      "swish",
      "max pooling of overlapping windows, with ties and padding",
      "a concatenation",
      "the sum of products over images",
    ),
  )("%s", async (_, f) => {
    const z = f(body(x));
    const [dx, dw] = gradient(cubes(z), [x, w]);
    expect(await difference({ z, dx, dw })).toBeLessThan(1e-5);
  });

  it("the channels that fill a block do not affect the others", async () => {
    const [narrow, v] = [g.input("x", [2, 6, 5, 5]), g.input("w", [10, 6, 3, 3])];
    const y = g.conv(narrow, v, geometry(1, 1));
    const z = g.add(g.exp(g.neg(y)), g.relu(g.add(y, g.scalar(1))));
    const means = g.add(g.mean(z, [2, 3]), g.mean(g.mul(z, g.exp(y)), [2, 3]));
    const [dx, dw] = gradient(g.add(cubes(z), g.sum(means)), [narrow, v]);
    expect(await difference({ z, dx, dw })).toBeLessThan(1e-5);
  });
});

describe.skipIf(lowering === "plain")("the blocked lowering", () => {
  const ops = (outputs: Record<string, Value>) =>
    topological(Object.values(lowerBlocked(outputs, block))).map(({ op }) => op);
  const count = (all: readonly string[], op: string) => all.filter((each) => each === op).length;

  it("reorders the image once in each direction", () => {
    const y = g.add(body(g.relu(body(x))), x);
    const all = ops({ y: g.mul(g.relu(y), vector("s")) });
    expect(count(all, "ReorderOutput")).toBe(1);
    // One for the image, and one for the weights that both convolutions share.
    expect(count(all, "ReorderInput")).toBe(2);
  });

  it("fuses shift, residual sum and relu into a convolution", () => {
    const y = g.relu(g.add(g.add(body(x), vector("t")), x));
    const all = ops({ y });
    expect(count(all, "NchwcConv")).toBe(1);
    expect(count(all, "Add") + count(all, "Relu")).toBe(0);
  });

  it("stores no product that is only summed", () => {
    const y = body(x);
    const squares = g.mul(y, y);
    const all = ops({ sums: g.sum(squares, [2, 3]), total: g.sum(squares, [0, 2, 3]) });
    expect(count(all, "NchwcConv")).toBe(2);
    expect(count(all, "Mul") + count(all, "NchwcGlobalAveragePool")).toBe(0);
  });

  it.each([
    ["", { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
    [", windows that do not reach all rows", { kernel: [2, 2], strides: [4, 4] }],
    [", dilated", { kernel: [2, 2], strides: [2, 2], dilations: [2, 2] }],
  ])("needs no scatter for max pooling%s", (_, attrs) => {
    const [dx] = gradient(cubes(g.maxPool(body(x), attrs)), [x]);
    const all = ops({ dx });
    expect(count(all, "ScatterElements") + count(all, "MaxPoolIndices")).toBe(0);
  });

  it("adds the gradients of two branches without a separate pass", () => {
    const down = (v: Value, name: string, k: number) =>
      g.conv(v, g.input(name, [32, 32, k, k]), geometry(2, (k - 1) / 2));
    const a = g.input("x", [2, 32, 8, 8]);
    const [dx] = gradient(g.sum(g.mul(down(a, "w", 3), down(a, "v", 1))), [a]);
    expect(count(ops({ dx }), "Add")).toBe(0);
  });
});

it("the blocked lowering is used wherever the runtime has blocked operators", async () => {
  const shape = [1, 32, 1, 2];
  const given = { op: "Input", inputs: [], attrs: { name: "x" }, dtype: "float32", shape };
  const y = { op: "ReorderInput", inputs: [given], attrs: {}, dtype: "float32", shape } as Lowered;
  const has = await nodeProgram(writeOnnx({ y }), { threads: 1 }).then(
    async (program) => {
      await program.release();
      return true;
    },
    () => false,
  );
  expect(lowering.startsWith("blocked-")).toBe(has);
});

describe("the plain lowering", () => {
  it("can be asked for", async () => {
    expect((await nodeRuntime({ threads: 1, lowering: "plain" })).target.lowering).toBe("plain");
  });
});
