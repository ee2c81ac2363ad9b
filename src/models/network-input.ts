// What a network is fed: pixels after mean, std, scale and the order of axes.
import * as g from "../engine/graph/expressions.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { concatRows, rows, type Tensor, tensor } from "../math/tensor.ts";
import type { Architecture } from "./architecture.ts";

/** What compiles a graph and runs it. */
export type InputRuntime = Pick<Runtime, "compile">;

/**
 * What the first layer takes for images [n, channel, height, width] in [0, 1]: [n, …axes of the file], computed by the same
 * expressions as in the network. A file without a batch axis, or with it last, gets each image without that axis. Whole
 * numbers and doubles are given as float32. Null where the network does not state what it does to pixels.
 */
export async function networkInput(
  runtime: InputRuntime,
  { input, inputShape }: Architecture,
  images: Tensor,
): Promise<Tensor | null> {
  if (input === undefined) return null;
  const x = g.input("x", [1, ...inputShape]);
  const fed = g.cast(input(x), "float32");
  if (fed === x) return images;
  const program = await runtime.compile({ fed });
  try {
    const parts: Tensor[] = [];
    for (let i = 0; i < images.shape[0]; i++) {
      const { fed: part } = await program.run({ x: rows(images, i, i + 1) });
      parts.push(tensor(part.shape, Float32Array.from(part.data, Number)));
    }
    return concatRows(parts);
  } finally {
    await program.release();
  }
}
