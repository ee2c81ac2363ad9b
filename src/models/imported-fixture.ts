// Small files of somebody else's as classifiers, for tests; `release` frees what was opened.

import type { NodeProto } from "onnx-buf";
import { keyOf, keysFor } from "../math/random.ts";
import { type Shape, sizeOf, tensor } from "../math/tensor.ts";
import { readModel } from "../onnx/model.ts";
import { type FixtureOptions, nodeOf, onnxFile } from "../onnx/model-fixture.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { checkedNetwork } from "./checked.ts";
import { classifier } from "./classifier.ts";
import { type ImportedOptions, importedNetwork } from "./imported.ts";

export const opened: { release(): Promise<void> }[] = [];
export async function release(): Promise<void> {
  for (const one of opened) await one.release();
}

export const numbers = (shape: Shape) =>
  tensor(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 7919) % 101) / 101),
  );
export const keys = (count: number) =>
  keysFor(
    keyOf(0),
    Array.from({ length: count }, (_, i) => i),
  );

export const arrays = {
  w: tensor([3, 4], [1, 0, 0, -1, 0, 2, 0, 0, 0, 0, 3, 1]),
  flat: { dtype: "int64", shape: [2], data: BigInt64Array.of(1n, -1n) },
} as const;
export const gemm = nodeOf("Gemm", ["h", "w"], ["z"], { transB: { int: 1 } });
export const head = [nodeOf("Reshape", ["x", "flat"], ["h"]), gemm];

/** What reads such a file and opens it on a runtime. */
export const opening =
  (runtime: Runtime) =>
  async (
    nodes: NodeProto[],
    fixture: Omit<FixtureOptions, "arrays">,
    options: ImportedOptions = {},
  ) => {
    const model = readModel(onnxFile(nodes, { ...fixture, arrays }));
    const network = await checkedNetwork(runtime, importedNetwork(model, "fixture", options));
    const victim = classifier(runtime, network, {});
    opened.push(victim);
    return { network, victim };
  };
