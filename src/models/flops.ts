import { gradient } from "../engine/autodiff/gradient.ts";
import { input, sum } from "../engine/graph/ops.ts";
import { is, topological, type Value } from "../engine/graph/value.ts";
import { crossEntropy } from "../losses/ce.ts";
import { elementCount } from "../math/tensor.ts";
import type { Architecture } from "./architecture.ts";

/**
 * Floating-point operations of all convolutions and matrix products that `outputs`, of any shape, need. Counts multiplications and
 * additions of the direct algorithm, so that Winograd's, say, has the same count.
 */
export const flopsOf = (outputs: readonly Value[]): number =>
  topological<Value>(outputs).reduce((total, value) => total + 2 * multiplications(value), 0);

/** Multiplications of one node; each gradient of a convolution needs as many as the convolution itself. */
function multiplications(value: Value): number {
  const [a, b] = value.inputs;
  if (is(value, "Conv")) return elementCount(value.shape) * elementCount(b.shape.slice(1));
  if (is(value, "ConvInputGradient")) return elementCount(a.shape) * elementCount(b.shape.slice(1));
  if (is(value, "ConvWeightGradient"))
    return elementCount(b.shape) * elementCount(value.shape.slice(1));
  if (is(value, "MatMul")) return elementCount(value.shape) * a.shape[a.shape.length - 1];
  return 0;
}

/** The logits of a network for a batch of images x, and its parameters by name. */
function forwardOf(network: Architecture, batch: number, mode: "frozen" | "batch") {
  const inputs = new Map(network.parameters.map(({ name, shape }) => [name, input(name, shape)]));
  const parameter = (name: string) => inputs.get(name) ?? input(name, []);
  const x = input("x", [batch, ...network.inputShape]);
  return { x, parameter, logits: network.forward(x, parameter, mode).logits };
}

/**
 * Multiply-accumulate operations of one prediction for one image: those of the convolutions and matrix products of the frozen
 * network. What else a network does is not counted.
 */
export function predictionMacs(network: Architecture): number {
  const batch = network.fixedBatch ?? 1;
  return flopsOf([forwardOf(network, batch, "frozen").logits]) / 2 / batch;
}

/** The cost of one image, in floating-point operations. */
export interface FlopsPerImage {
  /** Logits of the frozen network: one prediction. */
  readonly forward: number;
  /** Loss and ∂L/∂x of the frozen network: one step of an attack. */
  readonly gradient: number;
  /** Loss and ∂L/∂weights in batch mode: an image's share of a training step. */
  readonly step: number;
}

/** The cost of prediction, attack and training per image, counted on an architecture's graphs. */
export function flopsPerImage(network: Architecture): FlopsPerImage {
  const graphsOf = (mode: "frozen" | "batch") => {
    const { x, parameter, logits } = forwardOf(network, 1, mode);
    const loss = sum(crossEntropy(logits, input("labels", logits.shape)));
    const weights = network.parameters
      .filter(({ trainable }) => trainable)
      .map(({ name }) => parameter(name));
    return { logits, loss, x, weights };
  };
  const frozen = graphsOf("frozen");
  const batch = graphsOf("batch");
  return {
    forward: flopsOf([frozen.logits]),
    gradient: flopsOf([frozen.loss, ...gradient(frozen.loss, [frozen.x])]),
    step: flopsOf([batch.loss, ...gradient(batch.loss, batch.weights)]),
  };
}
