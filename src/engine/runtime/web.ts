import { UsageError } from "../../math/usage-error.ts";
import { compiler } from "./compiler.ts";
import { plainLowering, webgpuLowering } from "./lowerings.ts";
import { probe } from "./probe.ts";
import type { Runtime } from "./runtime.ts";
import type { Engine } from "./session.ts";

/** The build of onnxruntime-web for each provider. Only the needed one is loaded. */
const builds = {
  wasm: () => import("onnxruntime-web/wasm"),
  webgpu: () => import("onnxruntime-web/webgpu"),
} as const;
type Provider = keyof typeof builds;
type Ort = Awaited<ReturnType<(typeof builds)[Provider]>>;

const webEngine = (ort: Ort, provider: Provider): Engine<InstanceType<Ort["Tensor"]>> => ({
  open: (bytes) =>
    ort.InferenceSession.create(bytes, {
      executionProviders: [provider],
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
    }),
  toTensor: ({ dtype, data, shape }) => new ort.Tensor(dtype, data as Float32Array, shape),
});

/** Runs a tiny network on WebGPU before any work begins. Its session stays open, which keeps the device open. */
async function startWebgpu(compile: Runtime["compile"]): Promise<void> {
  const unavailable = (reason: string) =>
    new UsageError(`device webgpu: ${reason}; use device cpu, or see docs/gpu.md`, {
      code: "unavailable",
    });
  if ((globalThis as { navigator?: { gpu?: unknown } }).navigator?.gpu === undefined)
    throw unavailable("this browser has no WebGPU, or the page is not from https or localhost");
  const { wrong } = await probe(compile).catch((error: unknown) => {
    throw unavailable(error instanceof Error ? error.message.split("\n")[0] : String(error));
  });
  if (wrong !== undefined)
    throw unavailable(`it computes ${wrong} of a small network differently from the CPU`);
}

/** The options of `webRuntime`. */
export interface WebRuntimeOptions {
  /** Threads of WebAssembly; 1 by default. More than one needs a cross-origin isolated page. */
  readonly threads?: number;
  /** `cpu` by default, or `webgpu`. */
  readonly device?: string;
}

/** Checks options that may come from JavaScript. Throws a `UsageError`. */
function checkedOptions(options: WebRuntimeOptions): {
  readonly threads: number;
  readonly device: "cpu" | "webgpu";
} {
  const unknown = Object.keys(options).find((name) => name !== "threads" && name !== "device");
  if (unknown !== undefined)
    throw new UsageError(`unknown option "${unknown}"; use threads, device`, {
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
  return { threads, device };
}

/**
 * Runs graphs with onnxruntime-web: on the CPU in WebAssembly, in a page or in Node, or on WebGPU in a page. Throws a
 * `UsageError`: `unknown-option`, `bad-option`, or `unavailable` for a device that is unknown, missing or wrong.
 */
export async function webRuntime(options: WebRuntimeOptions = {}): Promise<Runtime> {
  const { threads, device } = checkedOptions(options);
  const provider = device === "cpu" ? "wasm" : "webgpu";
  const lowering = device === "cpu" ? plainLowering : webgpuLowering;
  const ort = await builds[provider]();
  ort.env.wasm.numThreads = threads;
  const compile = compiler(webEngine(ort, provider), lowering);
  if (device === "webgpu") await startWebgpu(compile);
  return {
    target: {
      device: provider,
      threads,
      lowering: lowering.name,
      engine: `onnxruntime-web ${ort.env.versions.web ?? "unknown"}`,
    },
    compile,
  };
}
