import type { SparseTensorProto, TensorProto } from "onnx-buf";
import { elementCount, type NdArray } from "../../../math/tensor.ts";
import { UsageError } from "../../../math/usage-error.ts";
import type { OnnxModel } from "../model.ts";
import { decodeSparse, decodeTensor } from "../tensors.ts";

/** Elements of all sparse arrays of one import: a few stored bytes can claim any number. */
const MAX_SPARSE = 2 ** 25;

/** Decoded arrays by their message, shared by all imports of one file. */
const decoded = new WeakMap<TensorProto | SparseTensorProto, NdArray>();

/** The message that each decoded array came from. */
const messages = new WeakMap<NdArray, TensorProto>();

/** The message in which a file stores an array; undefined for an array that was not decoded from a dense one. */
export const messageOfArray = (array: NdArray): TensorProto | undefined => messages.get(array);

/** Decodes the arrays that a file stores, each once. */
export class StoredArrays {
  readonly #model: OnnxModel;
  #sparse = 0;

  constructor(model: OnnxModel) {
    this.#model = model;
  }

  decode(proto: TensorProto): NdArray {
    const array = decoded.get(proto) ?? decodeTensor(proto, this.#model.external);
    decoded.set(proto, array);
    messages.set(array, proto);
    return array;
  }

  /** A sparse array with all its zeros. Throws `UsageError` if the sparse arrays of the file are too large. */
  decodeSparse(proto: SparseTensorProto): NdArray {
    const found = decoded.get(proto);
    if (found !== undefined) return found;
    this.#sparse += elementCount(proto.dims.map(Number));
    if (!(this.#sparse <= MAX_SPARSE))
      throw new UsageError(
        `sparse arrays of ${this.#sparse} elements in all, and ${MAX_SPARSE} can be read`,
        { code: "bad-file" },
      );
    const array = decodeSparse(proto, this.#model.external);
    decoded.set(proto, array);
    return array;
  }
}
