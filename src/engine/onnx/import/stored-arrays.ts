import type { SparseTensorProto, TensorProto } from "onnx-buf";
import { elementCount, type NdArray } from "../../../math/tensor.ts";
import { UsageError } from "../../../math/usage-error.ts";
import type { OnnxModel } from "../model.ts";
import { decodeSparse, decodeTensor } from "../tensors.ts";

/** Maximum elements of all sparse tensors of one import: a few stored bytes can claim any number. */
const MAX_SPARSE = 2 ** 25;

/** Decoded arrays by their message, shared by all imports of one file. */
const decoded = new WeakMap<TensorProto | SparseTensorProto, NdArray>();

/** The message of each decoded array. */
const messages = new WeakMap<NdArray, TensorProto>();

/** The message that an array was decoded from; undefined for arrays that do not come from a dense tensor. */
export const messageOfArray = (array: NdArray): TensorProto | undefined => messages.get(array);

/** Decodes the tensors of a file, each once. */
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

  /** Decodes a sparse tensor to a dense array. Throws `UsageError` if the sparse tensors of the file are too large. */
  decodeSparse(proto: SparseTensorProto): NdArray {
    const found = decoded.get(proto);
    if (found !== undefined) return found;
    this.#sparse += elementCount(proto.dims.map(Number));
    if (!(this.#sparse <= MAX_SPARSE))
      throw new UsageError(
        `the sparse tensors have ${this.#sparse} elements in total, but only ${MAX_SPARSE} are supported; export the model with dense tensors`,
        { code: "bad-file" },
      );
    const array = decodeSparse(proto, this.#model.external);
    decoded.set(proto, array);
    return array;
  }
}
