import type { CallHints } from "../losses/call-hints.ts";
import type { Loss, LossAndGradient } from "../losses/loss.ts";
import { takeLoss } from "../losses/plain.ts";
import type { RowLoss } from "../losses/table.ts";
import type { Key } from "../math/random.ts";
import { concatRows, rowSize, rows, type Tensor, tensor } from "../math/tensor.ts";
import { padded } from "./batch-size.ts";
import type { Classifier } from "./classifier-interface.ts";
import type { CompiledLoss } from "./compiled-loss.ts";

/**
 * The loss of rows `from` to `from + size`. Rows beyond the last one have label 0 or weights 0; of a loss from outside, the
 * data of the last row.
 */
function lossOfRows(loss: RowLoss, from: number, size: number): Loss {
  if (loss.kind === "own") {
    const last = loss.data.labels.length - 1;
    return takeLoss(
      loss,
      Array.from({ length: size }, (_, i) => Math.min(from + i, last)),
    );
  }
  if (loss.kind === "linear") {
    const to = Math.min(from + size, loss.weights.shape[0]);
    return { kind: "linear", weights: padded(rows(loss.weights, from, to), size) };
  }
  const part = (labels: readonly number[]) =>
    Array.from({ length: size }, (_, i) => labels[from + i] ?? 0);
  if (loss.kind === "probability-margin") {
    const scales = Array.from({ length: size }, (_, i) => loss.scales[from + i] ?? 1);
    return { kind: loss.kind, labels: part(loss.labels), scales };
  }
  return "targets" in loss
    ? { kind: loss.kind, labels: part(loss.labels), targets: part(loss.targets) }
    : { kind: loss.kind, labels: part(loss.labels) };
}

/** The hints for one piece of a call: its keys and arrays are not those of the call. */
const ofPiece = (hints: CallHints | undefined): CallHints => ({
  ...hints,
  next: undefined,
  reuse: undefined,
});

/** Arrays for the logits [batch, classes] and the gradient, in the shape of x: those of `reuse` where they fit. */
function arraysFor(x: Tensor, classes: number, reuse: LossAndGradient | undefined) {
  if (reuse?.gradient.data.length === x.data.length)
    return { logits: reuse.logits, gradient: tensor(x.shape, reuse.gradient.data) };
  return { logits: tensor([x.shape[0], classes]), gradient: tensor(x.shape) };
}

/**
 * Lets a network that runs in one batch size only take any. Rows run in pieces of `size`; the last piece is padded. The
 * draws of a mean loss may lie in several pieces, so such a loss takes two passes: all logits, then the gradient along
 * the slopes that `meanLoss` computes from them.
 */
export const withFixedBatch = (
  size: number,
  network: Classifier,
  meanLoss: CompiledLoss,
): Classifier => inPieces(network, meanLoss, { size: () => size, isPadded: true });

/**
 * Splits calls with more than `size` rows, as `withFixedBatch` does, without padding. `size` is called once, at the first
 * call.
 */
export function withMaxRows(
  size: () => number,
  network: Classifier,
  meanLoss: CompiledLoss,
): Classifier {
  let known: number | undefined;
  const sizeOnce = () => {
    known ??= size();
    return known;
  };
  const pieces = inPieces(network, meanLoss, { size: sizeOnce, isPadded: false });
  const chosen = (rows: number) => (rows <= sizeOnce() ? network : pieces);
  return {
    architecture: network.architecture,
    logits: async (x, keys, hints) => chosen(keys.length).logits(x, keys, hints),
    lossAndGradient: async (x, loss, keys, hints) =>
      chosen(keys.length).lossAndGradient(x, loss, keys, hints),
    release: () => pieces.release(),
  };
}

/** How the rows of a call are split. */
interface Pieces {
  /** The maximum number of rows of a piece. */
  size(): number;
  /** Whether the last piece is filled up to the size. */
  readonly isPadded: boolean;
}

function inPieces(
  network: Classifier,
  meanLoss: CompiledLoss,
  { size: sizeOf, isPadded }: Pieces,
): Classifier {
  const { classes } = network.architecture;
  /** The first row of each piece, the row after its last, and the rows that it runs with. */
  const pieces = (count: number) => {
    const length = Math.ceil(count / sizeOf());
    // Without padding, pieces of about equal size, so that they run in one compiled batch size.
    const size = isPadded ? sizeOf() : Math.ceil(count / length);
    return Array.from({ length }, (_, i) => {
      const [from, to] = [i * size, Math.min((i + 1) * size, count)];
      return [from, to, isPadded ? size : to - from];
    });
  };
  const keysOfPiece = (keys: readonly Key[], from: number, size: number) =>
    Array.from({ length: size }, (_, i) => keys[Math.min(from + i, keys.length - 1)]);

  async function logitsOf(
    x: Tensor,
    keys: readonly Key[],
    hints: CallHints | undefined,
  ): Promise<Tensor> {
    const parts: Tensor[] = [];
    for (const [from, to, size] of pieces(keys.length)) {
      const piece = padded(rows(x, from, to), size);
      const logits = await network.logits(piece, keysOfPiece(keys, from, size), ofPiece(hints));
      parts.push(rows(logits, 0, to - from));
    }
    return concatRows(parts);
  }

  async function pieceByPiece(
    x: Tensor,
    loss: RowLoss,
    keys: readonly Key[],
    hints: CallHints | undefined,
  ): Promise<LossAndGradient> {
    const { logits, gradient } = arraysFor(x, classes, hints?.reuse);
    const losses = new Float32Array(keys.length);
    let part: LossAndGradient | undefined;
    for (const [from, to, size] of pieces(keys.length)) {
      part = await network.lossAndGradient(
        padded(rows(x, from, to), size),
        lossOfRows(loss, from, size),
        keysOfPiece(keys, from, size),
        { ...ofPiece(hints), reuse: part },
      );
      losses.set(part.losses.subarray(0, to - from), from);
      logits.data.set(rows(part.logits, 0, to - from).data, from * classes);
      gradient.data.set(rows(part.gradient, 0, to - from).data, from * rowSize(x));
    }
    return { losses, logits, gradient };
  }

  return {
    architecture: network.architecture,
    async logits(x, keys, hints) {
      return keys.length === 0 ? network.logits(x, keys, hints) : logitsOf(x, keys, hints);
    },
    async lossAndGradient(x, loss, keys, hints) {
      if (keys.length === 0) return network.lossAndGradient(x, loss, keys, hints);
      if (loss.kind !== "of-mean") return pieceByPiece(x, loss, keys, hints);
      const logits = await logitsOf(x, keys, hints);
      const { losses, slopes } = await meanLoss.run(loss, logits);
      const linear = { kind: "linear", weights: slopes } as const;
      const { gradient } = await pieceByPiece(x, linear, keys, hints);
      return { losses, logits, gradient };
    },
    async release() {
      await network.release();
      await meanLoss.release();
    },
  };
}
