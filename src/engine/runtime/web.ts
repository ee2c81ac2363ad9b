import { UsageError } from "../../math/usage-error.ts";
import { plainLowering, webgpuLowering } from "./lowerings.ts";
import { probe } from "./probe.ts";
import type { Runtime } from "./runtime.ts";
import { compiler, type Engine } from "./session.ts";

/** The part of onnxruntime-web that serves a device; the other one is not loaded. */
const packages = {
  wasm: () => import("onnxruntime-web/wasm"),
  webgpu: () => import("onnxruntime-web/webgpu"),
} as const;
type Provider = keyof typeof packages;
type Ort = Awaited<ReturnType<(typeof packages)[Provider]>>;

const engine = (ort: Ort, provider: Provider): Engine<InstanceType<Ort["Tensor"]>> => ({
  open: (bytes) =>
    ort.InferenceSession.create(bytes, {
      executionProviders: [provider],
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
    }),
  toTensor: ({ dtype, data, shape }) => new ort.Tensor(dtype, data as Float32Array, shape),
});

/** Tries the device before any work begins. Its session stays open, so that the device does. */
async function start(compile: Runtime["compile"]): Promise<void> {
  const fail = (text: string) =>
    new UsageError(`device webgpu: ${text}; use device cpu, or see docs/gpu.md`);
  if ((globalThis as { navigator?: { gpu?: unknown } }).navigator?.gpu === undefined)
    throw fail("this browser has no WebGPU, or the page is not from https or localhost");
  const { wrong } = await probe(compile).catch((error: unknown) => {
    throw fail(error instanceof Error ? error.message.split("\n")[0] : String(error));
  });
  if (wrong !== undefined)
    throw fail(`it computes ${wrong} of a small network differently from the CPU`);
}

/** The options of `webRuntime`. */
export interface WebRuntimeOptions {
  /** Threads of WebAssembly; 1 by default. */
  readonly threads?: number;
  /** `cpu` by default, or `webgpu`. */
  readonly device?: string;
}

/**
 * Graphs run by onnxruntime-web: on the CPU in WebAssembly, in a page and in Node too, or by WebGPU in a page. More than
 * one thread needs a page that is cross-origin isolated.
 */
export async function webRuntime(options: WebRuntimeOptions = {}): Promise<Runtime> {
  const wrong = Object.keys(options).find((name) => name !== "threads" && name !== "device");
  if (wrong !== undefined)
    throw new UsageError(`unknown option "${wrong}"; use threads, device`, {
      code: "unknown-option",
    });
  const { threads = 1, device = "cpu" } = options;
  if (!Number.isInteger(threads) || threads < 1)
    throw new UsageError(`threads is ${threads}, but it must be a positive whole number`, {
      code: "bad-option",
    });
  if (device !== "cpu" && device !== "webgpu")
    throw new UsageError(`there is no device ${device} in a page; use cpu, webgpu`, {
      code: "unavailable",
    });
  const provider = device === "cpu" ? "wasm" : device;
  const ort = await packages[provider]();
  ort.env.wasm.numThreads = threads;
  const on = engine(ort, provider);
  const lowering = provider === "webgpu" ? webgpuLowering : plainLowering;
  const compile = compiler(on, lowering);
  if (provider === "webgpu") await start(compile);
  const version = ort.env.versions.web ?? "unknown";
  return {
    target: {
      device: provider,
      threads,
      lowering: lowering.name,
      engine: `onnxruntime-web ${version}`,
    },
    compile,
  };
}
