// An imported network whose stored weights are parameters, so that it trains like an architecture of our own.

import * as g from "../engine/graph/expressions.ts";
import { substitute } from "../engine/graph/substitute.ts";
import { is, topological, type Value } from "../engine/graph/value.ts";
import {
  ParameterFinder,
  type StoredNormalization,
  type StoredParameter,
} from "../engine/onnx/parameters/find-parameters.ts";
import { elementCount, type NdArray, type Tensor, tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture, Forward, ParameterSpec } from "./architecture.ts";
import type { ImportedNetwork } from "./imported-network.ts";
import { blended } from "./layers.ts";

/** A file in training. */
export interface TrainableNetwork extends Architecture {
  /** Where the file stores each parameter, by the parameter's name. */
  readonly stored: ReadonlyMap<string, StoredParameter>;
}

/** How a file is trained. */
export interface TrainableOptions {
  /**
   * Whether batch mode normalises by the statistics of the batch and updates the running ones. By default the file's own stay
   * as they are, and normalise in both modes.
   */
  readonly batchStatistics?: boolean;
}

/** The prefix of parameter names, so that no name of a file is that of an input of ours. */
const PREFIX = "file/";

/** The values of a stored array as float32, in its shape. */
export const storedTensor = ({ array: { shape, data } }: StoredParameter): Tensor =>
  tensor(shape, Float32Array.from(data as ArrayLike<number>));

/** Unique names for the parameters: those of the file, numbered where they repeat. */
function named(parameters: readonly StoredParameter[]): Map<string, StoredParameter> {
  const names = new Map<string, StoredParameter>();
  for (const one of parameters) {
    let name = `${PREFIX}${one.name}`;
    for (let i = 2; names.has(name); i++) name = `${PREFIX}${one.name}#${i}`;
    names.set(name, one);
  }
  return names;
}

const specOf = (name: string, stored: StoredParameter): ParameterSpec => ({
  name,
  shape: stored.array.shape,
  trainable: stored.trainable,
  init: () => storedTensor(stored),
});

/** Throws `UsageError` for a file that cannot be trained. */
function requireTrainable(name: string, { quantised, parameters }: ParameterFinder): void {
  if (quantised.length > 0)
    throw new UsageError(
      `${name} is quantised (${quantised.slice(0, 3).join(", ")}), and integers cannot be trained`,
      {
        code: "misfit",
        next: "harden the float file that it was made from, then quantise the result",
      },
    );
  if (!parameters.some(({ trainable }) => trainable))
    throw new UsageError(
      `${name} has no trainable parameters: no Conv, Gemm, MatMul or normalisation in it has trainable weights`,
      {
        code: "misfit",
        next: "give a file whose weights are stored in it, as float32, float64, float16 or bfloat16",
      },
    );
}

/**
 * The network with its stored weights as parameters, whose initial values are those of the file: weights and biases of
 * convolutions, matrix products and normalisations, in initializers, in Constant nodes and in files beside the model, also
 * behind operators such as Transpose and Cast. Float16 and float64 are trained in float32. Throws `UsageError` for a quantised
 * file, and for one without such weights.
 */
export function trainableNetwork(
  network: ImportedNetwork,
  { batchStatistics = false }: TrainableOptions = {},
): TrainableNetwork {
  const found = new ParameterFinder();
  network.watch(g.input("x", [network.statedBatch ?? 1, ...network.inputShape]), found.visit);
  requireTrainable(network.name, found);
  const stored = named(found.parameters);
  const names = new Map<NdArray, string>();
  for (const [name, { places }] of stored)
    for (const array of places.values()) names.set(array, name);
  return {
    name: network.name,
    inputShape: network.inputShape,
    classes: network.classes,
    parameters: [...stored].map(([name, one]) => specOf(name, one)),
    dropout: network.dropout,
    fixedBatch: network.fixedBatch,
    foreign: true,
    input: network.input,
    stored,
    forward(x, parameter, mode) {
      const watched = new ParameterFinder();
      const logits = network.watch(x, watched.visit);
      const isBatch = batchStatistics && mode === "batch";
      const normalizations = isBatch ? watched.normalizations : [];
      return withParameters({ logits, normalizations, names, parameter });
    },
  };
}

/** A file's expression, and what replaces its stored arrays. */
interface Exchange {
  readonly logits: Value;
  /** Those that normalise by the statistics of the batch. */
  readonly normalizations: readonly StoredNormalization[];
  /** The parameter of each stored array. */
  readonly names: ReadonlyMap<NdArray, string>;
  readonly parameter: (name: string) => Value;
}

/** The expression with parameters instead of stored arrays. */
function withParameters({ logits, normalizations, names, parameter }: Exchange): Forward {
  const leaves = new Map<NdArray, Value[]>();
  for (const one of topological<Value>([logits])) {
    const array = is(one, "Constant") ? one.attrs.array : undefined;
    if (array !== undefined && names.has(array))
      leaves.set(array, (leaves.get(array) ?? []).concat(one));
  }
  const replaced = new Map<Value, Value>();
  const exchange = (array: NdArray, by: Value) => {
    for (const leaf of leaves.get(array) ?? [])
      replaced.set(leaf, g.cast(g.reshape(by, leaf.shape), leaf.dtype));
  };
  const ofBatch = new Set(normalizations.flatMap(({ mean, variance }) => [mean, variance]));
  for (const array of leaves.keys())
    if (!ofBatch.has(array)) exchange(array, parameter(names.get(array) ?? ""));

  const statistics: Record<string, Value> = {};
  // In the file's order, so that the input of each is finished before its statistics are taken.
  for (const { x, mean, variance } of normalizations) {
    const batch = batchMoments(g.cast(substitute(x, replaced), "float32"));
    exchange(mean, batch.mean);
    exchange(variance, batch.variance);
    for (const [array, current] of [
      [mean, batch.mean],
      [variance, batch.unbiased],
    ] as const) {
      const name = names.get(array) ?? "";
      statistics[name] = blended(parameter(name), current);
    }
  }
  return { logits: substitute(logits, replaced), statistics };
}

/** Mean and variance of x [batch, channel, …] per channel, each [channel]; `unbiased` is the variance with divisor n − 1. */
function batchMoments(x: Value) {
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const mean = g.mean(x, axes, true);
  const centred = g.sub(x, mean);
  const variance = g.mean(g.mul(centred, centred), axes);
  const count = elementCount(x.shape) / x.shape[1];
  return {
    mean: g.reshape(mean, [x.shape[1]]),
    variance,
    unbiased: g.mul(variance, g.scalarLike(x, count / Math.max(count - 1, 1))),
  };
}
