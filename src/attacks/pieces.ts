import type { Key } from "../math/random.ts";
import { concatRows, rows, type Tensor } from "../math/tensor.ts";
import { takeLoss } from "./losses.ts";
import type { Loss, LossAndGradient, Victim } from "./victim.ts";

/**
 * `lossAndGradient` of a batch that shrinks by single examples, asked in pieces whose sizes are powers of two, the
 * largest first: a network is compiled and kept for each batch size, which so are few. At least one example.
 */
export async function inPieces(
  victim: Victim,
  x: Tensor,
  loss: Loss,
  keys: readonly Key[],
): Promise<LossAndGradient> {
  const parts: LossAndGradient[] = [];
  for (let from = 0; from < keys.length; ) {
    const size = 2 ** Math.floor(Math.log2(keys.length - from));
    const indices = Array.from({ length: size }, (_, i) => from + i);
    const own = keys.slice(from, from + size);
    parts.push(
      await victim.lossAndGradient(rows(x, from, from + size), takeLoss(loss, indices), own),
    );
    from += size;
  }
  return {
    losses: Float32Array.from(parts.flatMap(({ losses }) => [...losses])),
    logits: concatRows(parts.map(({ logits }) => logits)),
    gradient: concatRows(parts.map(({ gradient }) => gradient)),
  };
}
