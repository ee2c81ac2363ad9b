import { uniform } from "../math/distributions.ts";
import { foldAll, type Key } from "../math/random.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import type { Architecture } from "./architecture.ts";

/** One mask per dropout layer, as feeds `dropout/…`: 0 with the architecture's rate, else 1 / (1 − rate). */
export function dropoutMasks(
  { dropout: { rate, masks } }: Architecture,
  keys: readonly Key[],
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(masks).map(([name, shape], layer) => {
      const full = [keys.length, ...shape];
      const drawn = uniform(foldAll(keys, layer), full, 0, 1);
      const kept = drawn.data.map((u) => (u < rate ? 0 : 1 / (1 - rate)));
      return [`dropout/${name}`, tensor(full, kept)];
    }),
  );
}
