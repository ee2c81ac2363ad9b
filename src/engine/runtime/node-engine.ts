import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { defined } from "../../math/defined.ts";
import { messageOf } from "../../math/message-of.ts";
import type { devices } from "./runtime.ts";
import type { Engine, Session } from "./session.ts";

export type NodeDevice = (typeof devices)[number];

/** The version of ONNX Runtime that is installed. */
export const engineVersion = (): string => ort.env.versions.node ?? "unknown";

/** Name and version of the engine, as results store it. */
export const engineName = (): string => `onnxruntime-node ${engineVersion()}`;

/**
 * Name of an extra output that is a sequence, not a tensor. onnxruntime-node 1.30 copies every output into newly allocated
 * memory, even an output with a preallocated tensor, and the copy takes longer than many kernels do. It rejects an output
 * that is not a tensor, after the run but before it copies the outputs behind it: by then the preallocated tensors hold
 * the results.
 */
const SEQUENCE = "sequence";

/** Part of the message of that rejection; the error has no code. */
const REJECTION = "Non tensor type is temporarily not supported";

export interface NodeEngineOptions {
  /** Threads within one operator. */
  readonly threads: number;
  /** `cpu` by default. */
  readonly device?: NodeDevice;
  /** Folder for profiles, one file per session. */
  readonly profile?: string;
  /** Whether sessions write their outputs into given arrays; false by default. */
  readonly writesOutputs?: boolean;
}

let profileCount = 0;

/** Session options that exist only with profiling. */
const profiling = (folder: string) => ({
  enableProfiling: true,
  profileFilePrefix: join(folder, `${profileCount++}`),
});

/** onnxruntime-node as an engine. */
export const nodeEngine = ({
  threads,
  device = "cpu",
  profile,
  writesOutputs = false,
}: NodeEngineOptions): Engine<ort.Tensor> => ({
  async open(bytes, { onDevice = [], arena = true } = {}) {
    const locations = Object.fromEntries(onDevice.map((name) => [name, "gpu-buffer" as const]));
    const options = defined({
      executionProviders: [device],
      graphOptimizationLevel: "all" as const,
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // Memory patterns would add a second block next to that of the first run: half as much memory again, and no speed.
      enableMemPattern: false,
      enableCpuMemArena: arena,
      logSeverityLevel: 3 as const,
      preferredOutputLocation: onDevice.length > 0 ? locations : undefined,
      // Idle sessions would otherwise spin and take cores from the running one.
      extra: { session: { force_spinning_stop: "1" } },
    });
    const profiled = profile === undefined ? options : { ...options, ...profiling(profile) };
    const session = await ort.InferenceSession.create(bytes, profiled);
    return writesOutputs ? writingSession(session) : session;
  },
  toTensor: ({ dtype, data, shape }) => new ort.Tensor(dtype, data as Float32Array, shape),
  sequence: writesOutputs ? SEQUENCE : undefined,
});

/** A session that writes its outputs into given tensors, by way of `SEQUENCE`. */
const writingSession = (session: ort.InferenceSession): Session<ort.Tensor> => ({
  inputNames: session.inputNames,
  run: (feeds) => session.run(feeds),
  async write(feeds, outputs) {
    try {
      await session.run(feeds, { ...outputs, [SEQUENCE]: null });
    } catch (error) {
      if (!firstLine(error).includes(REJECTION)) throw error;
    }
  },
  release: () => session.release(),
});

/** The first line of an error's message. */
export const firstLine = (error: unknown): string => messageOf(error).split("\n")[0];
