import { decode } from "fast-png";
import { expect, it } from "vitest";
import type { Dataset, Split } from "../data/dataset.ts";
import { parseNpz } from "../data/npz.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { tensor } from "../math/tensor.ts";
import { architecture } from "../models/architectures.ts";
import { inputFiles } from "./saved-inputs.ts";

const runtime = await nodeRuntime({ threads: 1 });

const test: Split = {
  size: 3,
  labels: [1, 0, 1],
  files: ["cat/<a> 1.png", "dog/b.jpeg", "cat/c.png"],
  images: (indices) =>
    tensor(
      [indices.length, 1, 1, 2],
      indices.flatMap((i) => [i / 5, 1]),
    ),
};
const spec = { shape: [1, 1, 2], classes: 2, mean: [0.5], std: [0.25] };
const dataset: Dataset = {
  name: "folder:pets",
  shape: spec.shape,
  classes: ["cat", "dog"],
  mean: spec.mean,
  std: spec.std,
  train: test,
  test,
};

it("gives a PNG of each image and the tensor that the first layer takes", async () => {
  const network = architecture("cnn-small", spec);
  const files = await inputFiles({ runtime, architecture: network, dataset, count: 2 });
  const bytesOf = (name: string) => files.get(name) ?? new Uint8Array();
  expect([...files.keys()]).toEqual(["0-cat-a-1.png", "1-dog-b.png", "inputs.npz"]);
  expect(Array.from(decode(bytesOf("1-dog-b.png")).data)).toEqual([51, 255]);
  const arrays = parseNpz("inputs.npz", bytesOf("inputs.npz"));
  const numbers = (name: string) => Array.from(arrays.get(name)?.data ?? [], Number);
  expect(arrays.get("x")?.shape).toEqual([2, 1, 1, 2]);
  for (const [i, value] of [-2, 2, -1.2, 2].entries())
    expect(numbers("x")[i]).toBeCloseTo(value, 5);
  expect([numbers("y"), numbers("index")]).toEqual([
    [1, 0],
    [0, 1],
  ]);
  expect(arrays.get("file")?.data).toEqual(["cat/<a> 1.png", "dog/b.jpeg"]);
});

it("gives no more images than there are", async () => {
  const network = architecture("cnn-small", spec);
  const files = await inputFiles({ runtime, architecture: network, dataset, count: 9 });
  expect(files.size).toBe(4);
});
