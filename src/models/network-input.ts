// Pixels as the first layer of a network takes them.
import * as g from "../engine/graph/expressions.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { concatRows, rows, type Tensor, tensor } from "../math/tensor.ts";
import type { Architecture } from "./architecture.ts";

/** The part of a runtime that is needed. */
export type InputRuntime = Pick<Runtime, "compile">;

/**
 * Preprocesses images [n, channel, height, width] in [0, 1] with the network's own expressions, after mean, std, scale
 * and axis order: [n, …axes of the file]. A file without a batch axis, or with it last, takes each image without that
 * axis. Whole numbers and doubles become float32. Null if the network does not state its preprocessing.
 */
export async function networkInput(
  runtime: InputRuntime,
  { input, inputShape }: Architecture,
  images: Tensor,
): Promise<Tensor | null> {
  if (input === undefined) return null;
  const x = g.input("x", [1, ...inputShape]);
  const preprocessed = g.cast(input(x), "float32");
  if (preprocessed === x) return images;
  const program = await runtime.compile({ preprocessed });
  try {
    const parts: Tensor[] = [];
    for (let i = 0; i < images.shape[0]; i++) {
      const { preprocessed: row } = await program.run({ x: rows(images, i, i + 1) });
      parts.push(tensor(row.shape, Float32Array.from(row.data, Number)));
    }
    return concatRows(parts);
  } finally {
    await program.release();
  }
}
