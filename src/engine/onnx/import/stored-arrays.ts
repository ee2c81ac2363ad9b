// Arrays that a file stores.

import type { SparseTensorProto, TensorProto } from "onnx-buf";
import { type NdArray, sizeOf } from "../../../math/tensor.ts";
import { UsageError } from "../../../math/usage-error.ts";
import type { OnnxModel } from "../model.ts";
import { decodeSparse, decodeTensor } from "../tensors.ts";

/** Elements of all sparse arrays. */
const MAX_SPARSE = 2 ** 25;

const decoded = new WeakMap<TensorProto | SparseTensorProto, NdArray>();

/** Decodes the arrays of one file, each once for all graphs that are read from it. */
export class StoredArrays {
  readonly #model: OnnxModel;
  #sparse = 0;

  constructor(model: OnnxModel) {
    this.#model = model;
  }

  decode(proto: TensorProto): NdArray {
    const array = decoded.get(proto) ?? decodeTensor(proto, this.#model.external);
    decoded.set(proto, array);
    return array;
  }

  /** A sparse array in full; all of them together are bounded, since they store little. */
  spread(proto: SparseTensorProto): NdArray {
    const found = decoded.get(proto);
    if (found !== undefined) return found;
    this.#sparse += sizeOf(proto.dims.map(Number));
    if (!(this.#sparse <= MAX_SPARSE))
      throw new UsageError(
        `sparse arrays of ${this.#sparse} elements in all, and ${MAX_SPARSE} can be read`,
      );
    const array = decodeSparse(proto, this.#model.external);
    decoded.set(proto, array);
    return array;
  }
}
