// Finds the weights of a file's layers in initializers, attributes and external data files.

import { type TensorProto, TensorProto_DataLocation } from "onnx-buf";
import { elementCount, type NdArray } from "../../../math/tensor.ts";
import { is, topological, type Value } from "../../graph/value.ts";
import type { VisitedNode } from "../import/import-options.ts";
import { messageOfArray } from "../import/stored-arrays.ts";
import { isQuantised, isScaleOrShift, layerOf } from "./layers.ts";

/** A stored tensor that training may change. */
export interface StoredParameter {
  /** The name of the array in the file. */
  readonly name: string;
  readonly array: NdArray;
  /** The messages of the tensor, and the array of each; several messages may share a part of an external data file. */
  readonly places: ReadonlyMap<TensorProto, NdArray>;
  /** False for the running statistics of a batch normalisation. */
  readonly trainable: boolean;
}

/** A batch normalisation whose running mean and variance are two stored tensors. */
export interface StoredNormalization {
  /** Its input, [batch, channel, …]. */
  readonly x: Value;
  readonly mean: NdArray;
  readonly variance: NdArray;
}

const isFloat = ({ dtype }: NdArray): boolean => dtype === "float32" || dtype === "float64";

/** Whether an array has one number per channel: exactly one axis is longer than 1. */
const isVector = ({ shape }: NdArray): boolean =>
  elementCount(shape) > 1 && Math.max(...shape) === elementCount(shape);

/** Identifies where a tensor is stored: its message, or its part of an external data file. */
function placeOf(message: TensorProto): TensorProto | string {
  if (message.dataLocation !== TensorProto_DataLocation.EXTERNAL) return message;
  const entries = new Map(message.externalData.map(({ key, value }) => [key, value]));
  return JSON.stringify([entries.get("location"), entries.get("offset") ?? "0"]);
}

/** Watches one import of a file and collects the parameters of its layers. */
export class ParameterFinder {
  readonly #parameters = new Map<TensorProto | string, StoredParameter>();
  readonly #normalizations: StoredNormalization[] = [];
  readonly #quantised = new Set<string>();
  /** Names of the outputs of Constant nodes, whose arrays often have no name. */
  readonly #constantNames = new Map<TensorProto, string>();
  /** Values that depend on at least one layer. Nodes before the first layer are preprocessing. */
  readonly #behindLayers = new Set<Value>();

  /** Weights in the order of the layers. A tensor that several layers share is listed once. */
  get parameters(): readonly StoredParameter[] {
    return [...this.#parameters.values()];
  }

  /** Batch normalisations in the order of the file, without those that share statistics. */
  get normalizations(): readonly StoredNormalization[] {
    const uses = new Map<NdArray, number>();
    for (const { mean, variance } of this.#normalizations)
      for (const array of [mean, variance]) uses.set(array, (uses.get(array) ?? 0) + 1);
    return this.#normalizations.filter(
      ({ mean, variance }) => uses.get(mean) === 1 && uses.get(variance) === 1,
    );
  }

  /** The types of quantised operators, each once. */
  get quantised(): readonly string[] {
    return [...this.#quantised];
  }

  /** Called for each node of the import, inputs before users. */
  readonly visit = (node: VisitedNode): void => {
    const { proto, inputs, outputs } = node;
    if (isQuantised(proto)) this.#quantised.add(proto.opType);
    for (const { t } of proto.attribute)
      if (proto.opType === "Constant" && t !== undefined)
        this.#constantNames.set(t, proto.output[0] ?? "");
    const isLayer = layerOf(proto) !== undefined && inputs.some((one) => isVariable(node, one));
    if (isLayer) this.#addLayer(node);
    else if (isScaleOrShift(proto)) this.#addScaleOrShift(node);
    if (isLayer || inputs.some((one) => one !== undefined && this.#behindLayers.has(one)))
      for (const output of outputs) if (output !== undefined) this.#behindLayers.add(output);
  };

  #addLayer(node: VisitedNode): void {
    const { weights = [], statistics } = layerOf(node.proto) ?? {};
    for (const i of weights)
      for (const array of arraysOf(node, node.inputs[i])) this.#add(array, true);
    if (statistics === undefined) return;
    const [x, mean, variance] = [0, ...statistics].map((i) => node.inputs[i]);
    if (x === undefined || mean === undefined || variance === undefined) return;
    if (!is(mean, "Constant") || !is(variance, "Constant")) return;
    const [means, variances] = [mean.attrs.array, variance.attrs.array];
    const isPerChannel = [means, variances].every(
      ({ shape }) => shape.length === 1 && shape[0] === x.shape[1],
    );
    if (!isPerChannel || means === variances) return;
    this.#add(means, false);
    this.#add(variances, false);
    this.#normalizations.push({ x, mean: means, variance: variances });
  }

  #addScaleOrShift(node: VisitedNode): void {
    for (const [i, other] of [1, 0].map((at) => node.inputs[at]).entries())
      if (other !== undefined && this.#behindLayers.has(other))
        for (const array of arraysOf(node, node.inputs[i]).filter(isVector)) this.#add(array, true);
  }

  #add(array: NdArray, trainable: boolean): void {
    const message = messageOfArray(array);
    if (message === undefined) return;
    const place = placeOf(message);
    const found = this.#parameters.get(place);
    if (found === undefined) {
      const name = message.name || (this.#constantNames.get(message) ?? "");
      const places = new Map([[message, array]]);
      this.#parameters.set(place, { name, array, places, trainable });
    } else if (!found.places.has(message)) {
      const places = new Map(found.places).set(message, array);
      this.#parameters.set(place, Object.assign({}, found, { places }));
    }
  }
}

const isVariable = ({ isConstant }: VisitedNode, value: Value | undefined): boolean =>
  value !== undefined && !isConstant(value);

/** The stored float arrays that a constant is computed from: the constant itself, or the inputs of a Transpose, Cast, …. */
function arraysOf({ isConstant }: VisitedNode, value: Value | undefined): NdArray[] {
  if (value === undefined || !isConstant(value)) return [];
  if (is(value, "Constant")) return isFloat(value.attrs.array) ? [value.attrs.array] : [];
  return topological<Value>([value])
    .flatMap((one) => (is(one, "Constant") ? [one.attrs.array] : []))
    .filter((array) => isFloat(array) && elementCount(array.shape) > 1);
}
