import { create } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TypeProto_SequenceSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { InternalError } from "../../../math/internal-error.ts";
import type { NdArray } from "../../../math/tensor.ts";
import { isLowered, type Lowered, type LoweredOp } from "../../graph/lowered.ts";
import { topological, type Value } from "../../graph/value.ts";
import { attributeProto, typeProto } from "../protos.ts";
import { encodeModel } from "./encode-model.ts";
import { type ExportedNode, exporters } from "./exporters.ts";

/** The contents of a file besides its graph. */
export interface WriteOptions {
  /** Initializers of inputs, by name. The file stores these inputs, so they are not fed. */
  readonly initializers?: Readonly<Record<string, NdArray>>;
  /** Leave axis 0 of inputs and outputs open, so that the file takes any batch. */
  readonly anyBatch?: boolean;
  /** `metadata_props` of the model. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Name of an additional first output: an empty sequence. */
  readonly sequence?: string;
}

/** Operators whose second output the graph uses. ONNX has one node for both outputs; our graph has two. */
const TWO_OUTPUTS: ReadonlySet<string> = new Set(["MaxPool", "TopK"]);

/** Writes the graph of one file. Each value gets a name when its node is written. */
class GraphWriter {
  readonly #outputs: Readonly<Record<string, Lowered>>;
  readonly #initializers: Readonly<Record<string, NdArray>>;
  readonly #anyBatch: boolean;
  readonly #names = new Map<Lowered, string>();
  /** Names of outputs by value. A value that is several outputs has the first of their names. */
  readonly #outputNames = new Map<Lowered, string>();
  readonly #nodes: NodeProto[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #stored: (readonly [name: string, array: NdArray])[] = [];
  /** Names of operator parameters such as shapes and axes, by their contents. */
  readonly #parameters = new Map<string, string>();
  /** Nodes with two outputs by operator, inputs and attributes. */
  readonly #twoOutputNodes = new Map<string, NodeProto>();

  constructor(
    outputs: Readonly<Record<string, Lowered>>,
    { initializers = {}, anyBatch = false }: WriteOptions,
  ) {
    this.#outputs = outputs;
    this.#initializers = initializers;
    this.#anyBatch = anyBatch;
    for (const [name, value] of Object.entries(outputs))
      if (!this.#outputNames.has(value)) this.#outputNames.set(value, name);
  }

  write({ metadata = {}, sequence }: WriteOptions): Uint8Array<ArrayBuffer> {
    // Of the inputs of a node, ONNX Runtime first computes the one that is last in the file. In this
    // order the runtime follows images through the layers, and computes values of weights when a
    // layer needs them instead of all in advance.
    for (const value of topological<Lowered>(Object.values(this.#outputs), {
      lastInputsFirst: true,
    }))
      this.#writeValue(value);
    this.#renameOutputs();
    if (sequence !== undefined)
      this.#nodes.push(
        create(NodeProtoSchema, { name: sequence, opType: "SequenceEmpty", output: [sequence] }),
      );
    return encodeModel(this.#model(metadata, sequence), this.#stored);
  }

  #writeValue(value: Lowered): void {
    if (isLowered(value, "Input")) {
      const { name } = value.attrs;
      this.#names.set(value, name);
      if (name in this.#initializers) this.#store(name, this.#initializers[name]);
      else this.#inputs.push(this.#info(name, value));
    } else if (isLowered(value, "Constant")) {
      this.#names.set(value, this.#store(`c${this.#stored.length}`, value.attrs.array));
    } else this.#writeNode(value);
  }

  #writeNode(value: Lowered): void {
    const {
      type,
      domain = "",
      attributes = {},
      extra = [],
      output = 0,
    } = exported(value, this.#anyBatch);
    const inputs = value.inputs.map((input) => this.#names.get(input) as string);
    inputs.push(...extra.map((array) => this.#storeParameter(array)));
    const hasTwo = domain === "" && TWO_OUTPUTS.has(type);
    const key = `${type}(${inputs})${JSON.stringify(attributes)}`;
    const written = hasTwo ? this.#twoOutputNodes.get(key) : undefined;
    if (written !== undefined) {
      if (output === 1 && written.output.length === 1)
        written.output.push(`${written.output[0]}_1`);
      this.#names.set(value, written.output[output]);
      return;
    }
    const outputName = hasTwo ? undefined : this.#outputNames.get(value);
    const name = outputName ?? `v${this.#nodes.length}`;
    // Unused indices cost time, and MaxPool on WebGPU has no such output.
    const needsBoth = type === "TopK" || output === 1;
    const outputs = hasTwo && needsBoth ? [name, `${name}_1`] : [name];
    this.#names.set(value, outputs[output]);
    const node = create(NodeProtoSchema, {
      name: `${type}_${this.#nodes.length}`,
      opType: type,
      domain,
      input: inputs,
      output: outputs,
      attribute: Object.entries(attributes).map(([name, one]) => attributeProto(name, one)),
    });
    this.#nodes.push(node);
    if (hasTwo) this.#twoOutputNodes.set(key, node);
  }

  /** Adds an Identity for each output whose value is an input, or is already an output with another name. */
  #renameOutputs(): void {
    for (const [name, value] of Object.entries(this.#outputs)) {
      if (this.#names.get(value) === name && !isLowered(value, "Input")) continue;
      this.#nodes.push(
        create(NodeProtoSchema, {
          name: `output_${name}`,
          opType: "Identity",
          input: [this.#names.get(value) as string],
          output: [name],
        }),
      );
    }
  }

  #model(metadata: Readonly<Record<string, string>>, sequence: string | undefined) {
    const outputs = Object.entries(this.#outputs).map(([name, value]) => this.#info(name, value));
    if (sequence !== undefined) outputs.unshift(sequenceInfo(sequence));
    const domains = new Set(this.#nodes.map(({ domain }) => domain));
    return create(ModelProtoSchema, {
      irVersion: 8n,
      producerName: "rampart",
      opsetImport: [...domains.add("")].map((domain) =>
        create(OperatorSetIdProtoSchema, { domain, version: domain === "" ? 17n : 1n }),
      ),
      graph: create(GraphProtoSchema, {
        name: "rampart",
        node: this.#nodes,
        input: this.#inputs,
        output: outputs,
      }),
      metadataProps: Object.entries(metadata).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
    });
  }

  #info(name: string, { dtype, shape }: Lowered): ValueInfoProto {
    const type = typeProto(dtype, shape, this.#anyBatch ? "batch" : null);
    return create(ValueInfoProtoSchema, { name, type });
  }

  #store(name: string, array: NdArray): string {
    this.#stored.push([name, array]);
    return name;
  }

  /** Stores equal parameters once. */
  #storeParameter(array: NdArray): string {
    const contents = `${array.dtype}[${array.shape}]:${array.data}`;
    const name = this.#parameters.get(contents) ?? this.#store(`k${this.#parameters.size}`, array);
    this.#parameters.set(contents, name);
    return name;
  }
}

/**
 * Writes a graph as an ONNX file (opset 17, IR version 8) for stock ONNX Runtime. A source graph
 * can be written without lowering if ONNX has all of its operators, as is the case for forward
 * passes.
 */
export const writeOnnx = (
  graph: Readonly<Record<string, Lowered | Value>>,
  options: WriteOptions = {},
): Uint8Array<ArrayBuffer> =>
  new GraphWriter(graph as Readonly<Record<string, Lowered>>, options).write(options);

const sequenceInfo = (name: string): ValueInfoProto =>
  create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: "sequenceType",
        value: create(TypeProto_SequenceSchema, { elemType: typeProto("float32", [], null) }),
      },
    }),
  });

function exported(node: Lowered, anyBatch: boolean): ExportedNode {
  const { op } = node as { op: Exclude<LoweredOp, "Input" | "Constant"> };
  // With an open batch, a Reshape that keeps axis 0 must copy its length (0 in ONNX) and not state it.
  if (anyBatch && isLowered(node, "Reshape") && node.shape[0] === node.inputs[0].shape[0])
    return {
      ...exporters.Reshape({ ...node, attrs: { shape: [0, ...node.attrs.shape.slice(1)] } }),
      attributes: {},
    };
  const exporter = (exporters as Record<string, (n: Lowered) => ExportedNode>)[op];
  if (exporter === undefined) throw new InternalError(`${op} must be lowered before it is written`);
  return exporter(node);
}
