import * as ort from "onnxruntime-web/wasm";
import type { Runtime } from "./runtime.ts";
import { compiler, type Engine, plainLowering } from "./session.ts";

const engine: Engine<ort.Tensor> = {
  open: (bytes) =>
    ort.InferenceSession.create(bytes, {
      executionProviders: ["wasm"],
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
    }),
  toTensor: ({ dtype, data, shape }) => new ort.Tensor(dtype, data as Float32Array, shape),
};

/**
 * Graphs run by onnxruntime-web in WebAssembly: in a page, and in Node too. More than one thread needs a
 * page that is cross-origin isolated.
 */
export async function webRuntime({
  threads = 1,
}: {
  readonly threads?: number;
} = {}): Promise<Runtime> {
  ort.env.wasm.numThreads = threads;
  const version = ort.env.versions.web ?? "unknown";
  return {
    target: {
      device: "wasm",
      threads,
      lowering: plainLowering.name,
      engine: `onnxruntime-web ${version}`,
    },
    compile: compiler(engine, plainLowering),
  };
}
