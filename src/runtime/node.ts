import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { lowerPlain } from "../lowering/plain.ts";
import type { DType, NdArray } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { writeOnnx } from "../onnx/write.ts";
import type { Arrays, Program, Runtime } from "./runtime.ts";

export interface NodeRuntimeOptions {
  /** Threads within an operator; by default one per core. */
  readonly threads?: number;
  /** Where graphs run. */
  readonly device?: string;
}

/** A session on the bytes of an ONNX file, with the options that measurement favours. */
const open = (bytes: Uint8Array, threads: number) =>
  ort.InferenceSession.create(bytes, {
    executionProviders: ["cpu"],
    graphOptimizationLevel: "all",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    // Idle sessions would otherwise spin and take cores from the one that runs.
    extra: { session: { force_spinning_stop: "1" } },
  });

/** Stands before the names of a compiled graph's outputs. */
const OUTPUT = "output:";

/** Graphs run by onnxruntime-node on this machine's CPU. */
export async function nodeRuntime({
  threads = availableParallelism(),
  device = "cpu",
}: NodeRuntimeOptions = {}): Promise<Runtime> {
  if (device !== "cpu")
    throw new UsageError(`device ${device} is not available here; use --device cpu`);
  return {
    target: {
      device,
      threads,
      lowering: "plain",
      engine: `onnxruntime-node ${ort.env.versions.node ?? "unknown"}`,
    },
    compile: async (outputs) => {
      // An updated parameter is an output that has the name of an input, which a file may not hold twice.
      const named = Object.entries(lowerPlain(outputs)).map(([name, v]) => [OUTPUT + name, v]);
      return program(await open(writeOnnx(Object.fromEntries(named)), threads), OUTPUT.length);
    },
  };
}

/** The bytes of any ONNX file as a program; its inputs and outputs have the file's names. */
export const nodeProgram = async (
  bytes: Uint8Array,
  { threads = availableParallelism() }: NodeRuntimeOptions = {},
): Promise<Program> => program(await open(bytes, threads));

function program(session: ort.InferenceSession, prefix = 0): Program {
  return {
    async run(feeds: Arrays) {
      const tensors = Object.fromEntries(
        session.inputNames.map((name) => {
          const { dtype, data, shape } = feeds[name];
          return [name, new ort.Tensor(dtype, data as Float32Array, shape)];
        }),
      );
      const results = await session.run(tensors);
      return Object.fromEntries(
        Object.entries(results).map(([name, { type, dims, data }]) => [
          name.slice(prefix),
          { dtype: type as DType, shape: dims, data } as NdArray,
        ]),
      );
    },
    release: () => session.release(),
  };
}
