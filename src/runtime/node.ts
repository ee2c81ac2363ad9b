import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { UsageError } from "../math/usage-error.ts";
import type { Program, Runtime } from "./runtime.ts";
import { compiler, type Engine, program } from "./session.ts";

export interface NodeRuntimeOptions {
  /** Threads within an operator; by default one per core. */
  readonly threads?: number;
  /** Where graphs run; so far only `cpu`. */
  readonly device?: string;
}

/** The version of ONNX Runtime that is installed. */
export const engineVersion = (): string => ort.env.versions.node ?? "unknown";

const engine = (threads: number): Engine<ort.Tensor> => ({
  open: (bytes) =>
    ort.InferenceSession.create(bytes, {
      executionProviders: ["cpu"],
      graphOptimizationLevel: "all",
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      // Idle sessions would otherwise spin and take cores from the one that runs.
      extra: { session: { force_spinning_stop: "1" } },
    }),
  toTensor: ({ dtype, data, shape }) => new ort.Tensor(dtype, data as Float32Array, shape),
});

/** Graphs run by onnxruntime-node on this machine's CPU. */
export async function nodeRuntime({
  threads = availableParallelism(),
  device = "cpu",
}: NodeRuntimeOptions = {}): Promise<Runtime> {
  if (device !== "cpu")
    throw new UsageError(`device ${device} is not available here; use --device cpu`);
  return {
    target: { device, threads, lowering: "plain", engine: `onnxruntime-node ${engineVersion()}` },
    compile: compiler(engine(threads)),
  };
}

/** The bytes of any ONNX file as a program, whose inputs and outputs have the file's names. */
export async function nodeProgram(
  bytes: Uint8Array,
  { threads = availableParallelism() }: NodeRuntimeOptions = {},
): Promise<Program> {
  const on = engine(threads);
  return program(on, await on.open(bytes));
}
