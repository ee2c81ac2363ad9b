import { messageOf } from "../../math/message-of.ts";
import { UsageError } from "../../math/usage-error.ts";
import { compiler } from "./compiler.ts";
import { plainLowering, webgpuLowering } from "./lowerings.ts";
import { probe } from "./probe.ts";
import type { Runtime } from "./runtime.ts";
import type { Engine } from "./session.ts";
import { fileAddresses, type WasmPaths } from "./web-files.ts";
import { type Ort, type Provider, startOrt, wasmNames } from "./web-start.ts";

const webEngine = (ort: Ort, provider: Provider): Engine<InstanceType<Ort["Tensor"]>> => ({
  open: (bytes) =>
    ort.InferenceSession.create(bytes, {
      executionProviders: [provider],
      graphOptimizationLevel: "all",
      logSeverityLevel: 3,
    }),
  toTensor: ({ dtype, data, shape }) => new ort.Tensor(dtype, data as Float32Array, shape),
});

const noWebgpu = (reason: string) =>
  new UsageError(`device webgpu: ${reason}; use device cpu, or see docs/gpu.md`, {
    code: "unavailable",
  });

/** Throws a `UsageError` where the browser offers no WebGPU at all. */
function checkWebgpu(): void {
  if ((globalThis as { navigator?: { gpu?: unknown } }).navigator?.gpu === undefined)
    throw noWebgpu("this browser has no WebGPU, or the page is not from https or localhost");
}

/** Runs a tiny network on WebGPU before any work begins. Its session stays open, which keeps the device open. */
async function startWebgpu(compile: Runtime["compile"]): Promise<void> {
  const { wrong } = await probe(compile).catch((error: unknown) => {
    throw noWebgpu(messageOf(error).split("\n")[0]);
  });
  if (wrong !== undefined)
    throw noWebgpu(`it computes ${wrong} of a small network differently from the CPU`);
}

/** The options of `webRuntime`. */
export interface WebRuntimeOptions {
  /**
   * Threads of WebAssembly; 1 by default. More than one needs a cross-origin isolated page. `target.threads` of the runtime
   * says how many there are; the first runtime of a page decides.
   */
  readonly threads?: number;
  /** `cpu` by default, or `webgpu`. */
  readonly device?: string;
  /**
   * Where the .wasm file of onnxruntime-web is: the address of its folder, or `{ wasm, mjs }` with the addresses of files.
   * Beside the code of onnxruntime-web by default.
   */
  readonly wasmPaths?: WasmPaths;
}

const optionNames: readonly string[] = ["threads", "device", "wasmPaths"];

/** Checks options that may come from JavaScript. Throws a `UsageError`. */
function checkedOptions(options: WebRuntimeOptions) {
  const unknown = Object.keys(options).find((name) => !optionNames.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`unknown option "${unknown}"; use ${optionNames.join(", ")}`, {
      code: "unknown-option",
    });
  const { threads = 1, device = "cpu", wasmPaths } = options;
  if (!Number.isInteger(threads) || threads < 1)
    throw new UsageError(`threads is ${threads}, but it must be a positive whole number`, {
      code: "bad-option",
    });
  if (device !== "cpu" && device !== "webgpu")
    throw new UsageError(`there is no device ${device} in a page; use cpu, webgpu`, {
      code: "unavailable",
    });
  const provider: Provider = device === "cpu" ? "wasm" : "webgpu";
  return { threads, device, provider, addresses: fileAddresses(wasmPaths, wasmNames[provider]) };
}

/**
 * Runs graphs with onnxruntime-web: on the CPU in WebAssembly, in a page or in Node, or on WebGPU in a page. WebAssembly
 * starts once per page, with the `threads` and `wasmPaths` of the first call. Throws a `UsageError`: `unknown-option`,
 * `bad-option`, or `unavailable` for a device that is unknown, missing or wrong, or a .wasm file that is not where
 * onnxruntime-web looks for it.
 *
 * @example
 * ```ts
 * import { webRuntime } from "rampart/web";
 *
 * const runtime = await webRuntime({ threads: 1 });
 * console.log(runtime.target.device); // wasm
 * ```
 */
export async function webRuntime(options: WebRuntimeOptions = {}): Promise<Runtime> {
  const { device, provider, addresses, threads: wanted } = checkedOptions(options);
  if (device === "webgpu") checkWebgpu();
  const { ort, threads } = await startOrt(provider, { threads: wanted, addresses });
  const lowering = device === "cpu" ? plainLowering : webgpuLowering;
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
