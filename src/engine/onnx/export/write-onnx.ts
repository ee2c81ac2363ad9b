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
import { attribute, typeProto } from "../messages.ts";
import { encodeModel } from "./encode-model.ts";
import { type ExportedNode, exporters } from "./exporters.ts";

/** What a file holds besides its graph. */
export interface WriteOptions {
  /** Inputs that are stored in the file, by name, instead of being fed. */
  readonly initializers?: Readonly<Record<string, NdArray>>;
  /** Leave axis 0 of inputs and outputs open, so that the file takes any batch. */
  readonly anyBatch?: boolean;
  /** `metadata_props` of the model. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The name of one more output, before the others, which is an empty sequence. */
  readonly sequence?: string;
}

/**
 * A graph as the bytes of an ONNX file (opset 17, IR version 8), which stock ONNX Runtime reads. A source
 * graph can be written as it stands if ONNX has all of its operators, as a forward pass does.
 */
export function writeOnnx(
  graph: Readonly<Record<string, Lowered | Value>>,
  { initializers = {}, anyBatch = false, metadata = {}, sequence }: WriteOptions = {},
): Uint8Array<ArrayBuffer> {
  const outputs = graph as Readonly<Record<string, Lowered>>;
  const names = new Map<Lowered, string>();
  const nodes: NodeProto[] = [];
  const stored: (readonly [name: string, array: NdArray])[] = [];
  const inputs: ValueInfoProto[] = [];
  const shared = new Map<string, string>();
  const wanted = new Map<Lowered, string>();
  for (const [name, value] of Object.entries(outputs))
    if (!wanted.has(value)) wanted.set(value, name);
  const whole = new Map<string, NodeProto>();
  const batch = anyBatch ? "batch" : null;

  const info = (name: string, { dtype, shape }: Lowered) =>
    create(ValueInfoProtoSchema, { name, type: typeProto(dtype, shape, batch) });
  const store = (name: string, array: NdArray) => {
    stored.push([name, array]);
    return name;
  };
  // Small integer constants (shapes, axes) recur; each is stored once.
  const storeShared = (array: NdArray): string => {
    const content = `${array.dtype}[${array.shape}]:${array.data}`;
    const name = shared.get(content) ?? store(`k${shared.size}`, array);
    shared.set(content, name);
    return name;
  };

  // Of a node's inputs ONNX Runtime computes first the one that stands last in the file. So it follows images through the
  // layers, and makes what depends on weights alone when a layer needs it, not for all of them in advance.
  for (const node of topological<Lowered>(Object.values(outputs), { lastInputsFirst: true })) {
    if (isLowered(node, "Input")) {
      const { name } = node.attrs;
      names.set(node, name);
      if (name in initializers) store(name, initializers[name]);
      else inputs.push(info(name, node));
    } else if (isLowered(node, "Constant")) {
      names.set(node, store(`c${stored.length}`, node.attrs.array));
    } else {
      const {
        type,
        domain = "",
        attributes = {},
        extra = [],
        output = 0,
      } = describe(node, anyBatch);
      const from = [
        ...node.inputs.map((input) => names.get(input) as string),
        ...extra.map(storeShared),
      ];
      // Two outputs of one operator are two values here and one node there.
      const several = domain === "" && multiple.has(type);
      const key = several ? `${type}(${from})${JSON.stringify(attributes)}` : "";
      const known = key === "" ? undefined : whole.get(key);
      if (known !== undefined) {
        if (output === 1 && known.output.length === 1) known.output.push(`${known.output[0]}_1`);
        names.set(node, known.output[output]);
        continue;
      }
      const name = (several ? undefined : wanted.get(node)) ?? `v${nodes.length}`;
      // Positions cost time where nobody reads them, and WebGPU's MaxPool has none.
      const both = type === "TopK" || output === 1;
      const outputs = several && both ? [name, `${name}_1`] : [name];
      names.set(node, outputs[output]);
      const proto = create(NodeProtoSchema, {
        name: `${type}_${nodes.length}`,
        opType: type,
        domain,
        input: from,
        output: outputs,
        attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
      });
      nodes.push(proto);
      whole.set(key, proto);
    }
  }
  // One value may be several outputs or an input: those get their names through Identity.
  for (const [name, value] of Object.entries(outputs)) {
    if (names.get(value) === name && !isLowered(value, "Input")) continue;
    nodes.push(
      create(NodeProtoSchema, {
        name: `output_${name}`,
        opType: "Identity",
        input: [names.get(value) as string],
        output: [name],
      }),
    );
  }
  if (sequence !== undefined)
    nodes.push(
      create(NodeProtoSchema, { name: sequence, opType: "SequenceEmpty", output: [sequence] }),
    );
  const domains = new Set(nodes.map(({ domain }) => domain));
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: "rampart",
    opsetImport: [...domains.add("")].map((domain) =>
      create(OperatorSetIdProtoSchema, { domain, version: domain === "" ? 17n : 1n }),
    ),
    graph: create(GraphProtoSchema, {
      name: "rampart",
      node: nodes,
      input: inputs,
      output: [
        ...(sequence === undefined ? [] : [sequenceInfo(sequence)]),
        ...Object.entries(outputs).map(([name, value]) => info(name, value)),
      ],
    }),
    metadataProps: Object.entries(metadata).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    ),
  });
  return encodeModel(model, stored);
}

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

/** Operators with a second output that we use. */
const multiple: ReadonlySet<string> = new Set(["MaxPool", "TopK"]);

function describe(node: Lowered, anyBatch: boolean): ExportedNode {
  const { op } = node as { op: Exclude<LoweredOp, "Input" | "Constant"> };
  // For any batch, a reshape that keeps axis 0 copies its length (0 in ONNX) instead of stating it.
  if (anyBatch && isLowered(node, "Reshape") && node.shape[0] === node.inputs[0].shape[0])
    return {
      ...exporters.Reshape({ ...node, attrs: { shape: [0, ...node.attrs.shape.slice(1)] } }),
      attributes: {},
    };
  const write = (exporters as Record<string, (n: Lowered) => ExportedNode>)[op];
  if (write === undefined) throw new InternalError(`${op} must be lowered before it is written`);
  return write(node);
}
