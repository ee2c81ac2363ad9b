import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import { UsageError } from "../math/usage-error.ts";
import { probe } from "./probe.ts";
import type { Program, Runtime } from "./runtime.ts";
import { compiler, type Engine, type Lowering, plainLowering, program } from "./session.ts";

export interface NodeRuntimeOptions {
  /** Threads within an operator; by default one per core. */
  readonly threads?: number;
  /** Where graphs run; so far only `cpu`. */
  readonly device?: string;
  /** `plain` for standard operators only; by default the fastest lowering that a probe finds right. */
  readonly lowering?: "plain";
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

let found: Promise<Lowering> | null = null;

/** What the probe finds on this machine, which does not change while a process runs. */
function fastest(): Promise<Lowering> {
  found ??= probe(engine(1));
  return found;
}

/** Graphs run by onnxruntime-node on this machine's CPU. */
export async function nodeRuntime({
  threads = availableParallelism(),
  device = "cpu",
  lowering,
}: NodeRuntimeOptions = {}): Promise<Runtime> {
  if (device !== "cpu")
    throw new UsageError(`device ${device} is not available here; use --device cpu`);
  const on = engine(threads);
  const chosen = lowering === "plain" ? plainLowering : await fastest();
  return {
    target: {
      ...{ device, threads, lowering: chosen.name },
      engine: `onnxruntime-node ${engineVersion()}`,
    },
    compile: compiler(on, chosen),
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
