// Heads of small files: what plain ONNX Runtime answers, and the logits that attacks see.
import type { NodeProto } from "onnx-buf";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { gradient } from "../src/autodiff/gradient.ts";
import { interpret } from "../src/graph/interpret.ts";
import { constant, input, mul, sum } from "../src/graph/ops.ts";
import { keyOf, keysFor } from "../src/math/random.ts";
import { type Tensor as Array2, argmaxRows, type NdArray, tensor } from "../src/math/tensor.ts";
import { classifier } from "../src/models/classifier.ts";
import { type ImportedNetwork, importedNetwork } from "../src/models/imported.ts";
import { readModel } from "../src/onnx/model.ts";
import { nodeRuntime } from "../src/runtime/node.ts";
import { nodeOf, onnxFile } from "./fixtures/model-fixture.ts";

const number = (value: number): NdArray => tensor([], [value]);
const int64 = (values: readonly number[]): NdArray => ({
  dtype: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

/** Constants that heads use, by name: `2` is a number, `i0` a list of one index. */
const arrays = {
  "0": number(0),
  "1": number(1),
  "2": number(2),
  "-1": number(-1),
  "0.5": number(0.5),
  "0.05": number(0.05),
  "0.9": number(0.9),
  "0.3": number(0.3),
  "100": number(100),
  "255": number(255),
  "1e-7": number(1e-7),
  "1-1e-7": number(1 - 1e-7),
  i0: int64([0]),
  i1: int64([1]),
  i2: int64([2]),
  i3: int64([3]),
  last: int64([-1]),
};

/** Scores go in as `z` [n, count] and come out as `y`. */
export interface HeadFile {
  readonly count: number;
  readonly nodes: NodeProto[];
  readonly opset?: number;
  readonly more?: Readonly<Record<string, NdArray>>;
}

/** A line `y = Op(a, b)` as a node; attributes stand beside it. */
export function line(
  text: string,
  attributes: Parameters<typeof nodeOf>[3] = {},
  domain = "",
): NodeProto {
  const parts = /^(\S+) = (\w+)\((.*)\)$/.exec(text);
  if (parts === null) throw new Error(`no node: ${text}`);
  const [, output, op, inputs] = parts;
  return nodeOf(op, inputs.split(", "), output.split(","), attributes, { domain });
}

const bytesOf = ({ count, nodes, opset, more = {} }: HeadFile) =>
  onnxFile(nodes, {
    inputs: { z: ["n", count] },
    outputs: { y: null },
    arrays: { ...arrays, ...more },
    opset: opset ?? 17,
  });

/** What plain ONNX Runtime gives for rows of scores, all in one batch. */
export async function plainly(file: HeadFile, z: readonly (readonly number[])[]) {
  const session = await InferenceSession.create(bytesOf(file), { logSeverityLevel: 3 });
  const feed = new Tensor("float32", Float32Array.from(z.flat()), [z.length, file.count]);
  const { y } = await session.run({ z: feed });
  const data = Array.from(y.data as ArrayLike<number>, Number);
  const width = data.length / z.length;
  return z.map((_, i) => data.slice(i * width, (i + 1) * width));
}

export const networkOf = (file: HeadFile): ImportedNetwork =>
  importedNetwork(readModel(bytesOf(file)), "head");

/** The class of each row of scores as attacks and tables see it, by ONNX Runtime too. */
export async function decisionsOf(file: HeadFile, z: readonly (readonly number[])[]) {
  const network = classifier(await nodeRuntime(), networkOf(file), {});
  const keys = keysFor(
    keyOf(0),
    z.map((_, i) => i),
  );
  try {
    return argmaxRows(await network.logits(tensor([z.length, file.count], z.flat()), keys));
  } finally {
    await network.release();
  }
}

/** The logits of rows of scores, and ∂(Σ difference of the first two)/∂z. */
export function attacked(file: HeadFile, z: readonly (readonly number[])[]) {
  const network = networkOf(file);
  const x = input("x", [z.length, file.count]);
  const { logits } = network.forward(x, () => x, "frozen");
  const weights = Float32Array.from(
    { length: z.length * network.classes },
    (_, i) => [1, -1][i % network.classes] ?? 0,
  );
  const difference = sum(mul(logits, constant(tensor([z.length, network.classes], weights))));
  const [slope] = gradient(difference, [x]);
  const feeds = { x: tensor([z.length, file.count], z.flat()) };
  const [found, slopes] = interpret([logits, slope], feeds) as [
    NdArray<"float32">,
    NdArray<"float32">,
  ];
  const rows = (array: NdArray<"float32">, width: number) =>
    z.map((_, i) => Array.from(array.data.subarray(i * width, (i + 1) * width)));
  return {
    network,
    logits: rows(found, network.classes),
    slopes: rows(slopes, file.count),
    decisions: argmaxRows(found as Array2),
  };
}
