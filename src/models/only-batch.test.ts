import type { NodeProto } from "onnx-buf";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { afterAll, describe, expect, it } from "vitest";
import { keys, numbers, opened, release } from "../../test/fixtures/imported-fixture.ts";
import { nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { readModel } from "../engine/onnx/model.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { type NdArray, type Shape, tensor } from "../math/tensor.ts";
import { classifier } from "./classifier.ts";
import { importedNetwork } from "./imported-network.ts";

const runtime = await nodeRuntime({ threads: 1 });
afterAll(release);

const int64 = (...values: number[]): NdArray => ({
  dtype: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

/** The scores of ONNX Runtime. */
async function truth(bytes: Uint8Array, images: Float32Array, shape: Shape): Promise<number[]> {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const { z } = await session.run({ x: new OrtTensor("float32", images, [...shape]) });
  await session.release();
  return [...(z.data as Float32Array)];
}

describe("an open batch and arrays for several images", () => {
  const arrays = {
    w: tensor(
      [3, 4],
      Array.from({ length: 12 }, (_, i) => Math.sin(i)),
    ),
    c: numbers([3, 4]),
    flat: int64(-1, 4),
  };
  const reshaped = nodeOf("Reshape", ["x", "flat"], ["h"]);
  const ends = nodeOf("Gemm", ["m", "w"], ["z"], { transB: { int: 1 } });
  const turn = nodeOf("RotaryEmbedding", ["t", "cos", "sin"], ["r"], { num_heads: { int: 1 } });
  const turned: NodeProto[] = [
    nodeOf("Reshape", ["x", "tokens"], ["t"]),
    turn,
    nodeOf("Reshape", ["r", "flat"], ["m"]),
    ends,
  ];
  const tables = { cos: numbers([3, 2, 1]), sin: numbers([3, 2, 1]), tokens: int64(-1, 2, 2) };
  it.each([
    ["that are added", [reshaped, nodeOf("Add", ["h", "c"], ["m"]), ends]],
    ["that are multiplied", [reshaped, nodeOf("Mul", ["c", "h"], ["m"]), ends]],
    ["that turn positions", turned],
  ])("%s is run in batches of so many", async (_, nodes) => {
    const bytes = onnxFile(nodes, {
      inputs: { x: ["N", 1, 2, 2] },
      outputs: { z: ["N", 3] },
      arrays: { ...arrays, ...tables },
      opset: 23,
    });
    const network = importedNetwork(readModel(bytes), "fixture", {});
    expect(network.fixedBatch).toBe(3);
    expect(network.notes.map(({ code }) => code)).toEqual(["fixed-batch"]);
    const victim = classifier(runtime, network, {});
    opened.push(victim);
    const x = numbers([3, 1, 2, 2]);
    const wanted = await truth(bytes, x.data, [3, 1, 2, 2]);
    const { data } = await victim.logits(x, keys(3));
    wanted.forEach((value, j) => {
      expect(data[j]).toBeCloseTo(value, 4);
    });
  });

  it("is not fixed by scores whose number is the same for every batch", () => {
    const total = [
      nodeOf("Reshape", ["x", "flat"], ["h"]),
      nodeOf("ReduceSum", ["h", "first"], ["s"], { keepdims: { int: 1 } }),
      nodeOf("Add", ["s", "c"], ["m"]),
      ends,
    ];
    const bytes = onnxFile(total, {
      inputs: { x: ["N", 1, 2, 2] },
      outputs: { z: [3, 3] },
      arrays: { ...arrays, first: int64(0) },
    });
    expect(() => importedNetwork(readModel(bytes), "fixture", {})).toThrow(
      expect.objectContaining({ code: "misfit" }),
    );
  });
});
