import { uniform } from "../math/distributions.ts";
import { foldAll, type Key } from "../math/random.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import type { Architecture } from "./architecture.ts";

/**
 * One mask [batch, …] per dropout layer, as feeds `dropout/…`. An element is 0 with probability `rate`, else 1 / (1 −
 * rate), so that means stay (Srivastava et al. 2014, JMLR 15:1929). Each example draws from its own key.
 */
export function dropoutMasks(
  { dropout: { rate, masks } }: Architecture,
  keys: readonly Key[],
): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(masks).map(([name, shape], layer) => {
      const batchShape = [keys.length, ...shape];
      const drawn = uniform(foldAll(keys, layer), batchShape, 0, 1);
      const mask = drawn.data.map((u) => (u < rate ? 0 : 1 / (1 - rate)));
      return [`dropout/${name}`, tensor(batchShape, mask)];
    }),
  );
}
