import type { Loss, LossAndGradient } from "../losses/loss.ts";
import type { RowLoss } from "../losses/table.ts";
import type { Key } from "../math/random.ts";
import { concatRows, rows, type Tensor } from "../math/tensor.ts";
import { padded } from "./batch-size.ts";
import type { Classifier } from "./classifier-interface.ts";
import type { CompiledLoss } from "./compiled-loss.ts";

/** The loss of rows `from` to `from + size`; rows beyond the last one have label 0, or weights 0. */
function lossOfRows(loss: RowLoss, from: number, size: number): Loss {
  if (loss.kind === "linear") {
    const to = Math.min(from + size, loss.weights.shape[0]);
    return { kind: "linear", weights: padded(rows(loss.weights, from, to), size) };
  }
  const part = (labels: readonly number[]) =>
    Array.from({ length: size }, (_, i) => labels[from + i] ?? 0);
  return "targets" in loss
    ? { kind: loss.kind, labels: part(loss.labels), targets: part(loss.targets) }
    : { kind: loss.kind, labels: part(loss.labels) };
}

/**
 * Lets a network that runs in one batch size only take any. Rows run in pieces of `size`; the last piece is padded. The
 * draws of a mean loss may lie in several pieces, so such a loss takes two passes: all logits, then the gradient along
 * the slopes that `meanLoss` computes from them.
 */
export function withFixedBatch(
  size: number,
  network: Classifier,
  meanLoss: CompiledLoss,
): Classifier {
  const pieces = (count: number) =>
    Array.from({ length: Math.ceil(count / size) }, (_, i) => [
      i * size,
      Math.min((i + 1) * size, count),
    ]);
  const keysOfPiece = (keys: readonly Key[], from: number) =>
    Array.from({ length: size }, (_, i) => keys[Math.min(from + i, keys.length - 1)]);

  async function logitsOf(x: Tensor, keys: readonly Key[]): Promise<Tensor> {
    const parts: Tensor[] = [];
    for (const [from, to] of pieces(keys.length)) {
      const piece = padded(rows(x, from, to), size);
      const logits = await network.logits(piece, keysOfPiece(keys, from));
      parts.push(rows(logits, 0, to - from));
    }
    return concatRows(parts);
  }

  async function pieceByPiece(
    x: Tensor,
    loss: RowLoss,
    keys: readonly Key[],
  ): Promise<LossAndGradient> {
    const losses: number[] = [];
    const logits: Tensor[] = [];
    const gradients: Tensor[] = [];
    for (const [from, to] of pieces(keys.length)) {
      const part = await network.lossAndGradient(
        padded(rows(x, from, to), size),
        lossOfRows(loss, from, size),
        keysOfPiece(keys, from),
      );
      losses.push(...part.losses.subarray(0, to - from));
      logits.push(rows(part.logits, 0, to - from));
      gradients.push(rows(part.gradient, 0, to - from));
    }
    return {
      losses: Float32Array.from(losses),
      logits: concatRows(logits),
      gradient: concatRows(gradients),
    };
  }

  return {
    architecture: network.architecture,
    async logits(x, keys) {
      return keys.length === 0 ? network.logits(x, keys) : logitsOf(x, keys);
    },
    async lossAndGradient(x, loss, keys) {
      if (keys.length === 0) return network.lossAndGradient(x, loss, keys);
      if (loss.kind !== "of-mean") return pieceByPiece(x, loss, keys);
      const logits = await logitsOf(x, keys);
      const { losses, slopes } = await meanLoss.run(loss, logits);
      const { gradient } = await pieceByPiece(x, { kind: "linear", weights: slopes }, keys);
      return { losses, logits, gradient };
    },
    async release() {
      await network.release();
      await meanLoss.release();
    },
  };
}
