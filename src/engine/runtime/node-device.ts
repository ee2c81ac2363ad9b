// Checks a device before any work begins.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { UsageError } from "../../math/usage-error.ts";
import { firstLine, type NodeDevice } from "./node-engine.ts";
import { probe } from "./probe.ts";
import type { Program, Runtime } from "./runtime.ts";

/** Whether the library of CUDA's provider is installed next to that of onnxruntime-node. */
function hasCuda(): boolean {
  const root = join(createRequire(import.meta.url).resolve("onnxruntime-node"), "..", "..");
  const folder = join(root, "bin", "napi-v6", process.platform, process.arch);
  return existsSync(join(folder, "libonnxruntime_providers_cuda.so"));
}

/** The last line of a message about a device. */
const REMEDY = "  use --device cpu, or see docs/gpu.md";

/** Why onnxruntime-node cannot serve a device, and what to do, as lines; undefined if it can. */
function missingProvider(device: NodeDevice): readonly string[] | undefined {
  if (!ort.listSupportedBackends().some(({ name }) => name === device))
    return [
      `onnxruntime-node has no such provider for ${process.platform}/${process.arch};`,
      REMEDY,
    ];
  if (device === "cuda" && !hasCuda())
    return [
      "its provider is not installed, because it is not part of the npm package; to download it (for CUDA 12), run",
      "  npm rebuild onnxruntime-node --ignore-scripts=false --foreground-scripts",
      "  or use --device cpu, see docs/gpu.md",
    ];
  return undefined;
}

/** Explains why the first session on a device failed. */
const explain: { readonly [D in NodeDevice]: (error: unknown) => string } = {
  cpu: firstLine,
  webgpu: (error) =>
    /adapter/i.test(String(error))
      ? "there is no GPU that WebGPU can use: it needs a driver for Vulkan (on Linux with libvulkan.so.1), Metal or Direct3D 12"
      : firstLine(error),
  cuda: (error) =>
    `its provider does not start (${firstLine(error)}); it needs an NVIDIA driver, and the libraries of CUDA 12 and cuDNN 9 on the loader's path (LD_LIBRARY_PATH)`,
};

/**
 * One open program per device. WebGPU closes its device with the last session, and a tensor that is left on a closed device
 * crashes the process.
 */
const anchors = new Map<NodeDevice, Program>();

/**
 * Runs a tiny network on the device, once per process. Throws a `UsageError`: `unavailable` if the device is missing or does
 * not start, `inaccurate-device` if it computes something wrong.
 */
export async function startDevice(device: NodeDevice, compile: Runtime["compile"]): Promise<void> {
  const unavailable = ([reason, ...remedy]: readonly string[]) =>
    new UsageError([`device ${device}: ${reason}`, ...remedy], { code: "unavailable" });
  const missing = missingProvider(device);
  if (missing !== undefined) throw unavailable(missing);
  if (anchors.has(device)) return;
  // Products in TF32 keep three digits. CUDA's libraries read this variable when they are loaded.
  if (device === "cuda") process.env.NVIDIA_TF32_OVERRIDE ??= "0";
  const { program, wrong } = await probe(compile).catch((error: unknown) => {
    throw unavailable([`${explain[device](error)};`, REMEDY]);
  });
  if (wrong !== undefined)
    throw new UsageError(
      [
        `device ${device}: it computes ${wrong} of a small network differently from the CPU;`,
        REMEDY,
      ],
      { code: "inaccurate-device" },
    );
  anchors.set(device, program);
}
