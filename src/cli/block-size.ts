import { create, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { typeProto } from "../engine/onnx/protos.ts";
import { nodeProgram } from "../engine/runtime/node.ts";

/**
 * Channels per block of ONNX Runtime's blocked layout on this CPU (8 or 16); null if the CPU has none. Measured by running
 * `ReorderInput` on [1, 32, 1, 2] with elements 0 to 63: elements 0 and 1 are neighbouring pixels of channel 0, so their
 * distance in the result is one block.
 */
export async function probeBlockSize(): Promise<number | null> {
  const shape = [1, 32, 1, 2];
  const type = typeProto("float32", shape, null);
  const domain = "com.microsoft.nchwc";
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [
      create(OperatorSetIdProtoSchema, { domain: "", version: 17n }),
      create(OperatorSetIdProtoSchema, { domain, version: 1n }),
    ],
    graph: create(GraphProtoSchema, {
      name: "probe",
      node: [
        create(NodeProtoSchema, { opType: "ReorderInput", domain, input: ["x"], output: ["y"] }),
      ],
      input: [create(ValueInfoProtoSchema, { name: "x", type })],
      output: [create(ValueInfoProtoSchema, { name: "y", type })],
    }),
  });
  try {
    const program = await nodeProgram(toBinary(ModelProtoSchema, model), { threads: 1 });
    const x = {
      dtype: "float32" as const,
      shape,
      data: Float32Array.from({ length: 64 }, (_, i) => i),
    };
    const { y } = await program.run({ x });
    await program.release();
    const distance = [...(y.data as Float32Array)].indexOf(1);
    return distance > 0 ? distance : null;
  } catch {
    return null;
  }
}
