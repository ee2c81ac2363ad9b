import { create, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { typeProto } from "../engine/onnx/messages.ts";
import { nodeProgram } from "../engine/runtime/node.ts";

/**
 * How many channels this CPU's blocked layout keeps together (16, 8…), or null where ONNX Runtime has none. It is
 * found by trying: channel 0 of pixels 0 and 1 is fed as 0 and 1, and the block lies between them in the result.
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
    const at = [...(y.data as Float32Array)].indexOf(1);
    return at > 0 ? at : null;
  } catch {
    return null;
  }
}
