// WebGPU in Node against the CPU, on tiny shapes: on the machine's GPU, else on Chromium's SwiftShader where that is
// installed, else skipped.
import { existsSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { afterAll, describe, expect, it, vi } from "vitest";
import { gradient } from "../src/engine/autodiff/gradient.ts";
import * as g from "../src/engine/graph/expressions.ts";
import { interpret } from "../src/engine/graph/interpret.ts";
import type { Value } from "../src/engine/graph/value.ts";
import { lowerWebgpu } from "../src/engine/lowering/webgpu/webgpu.ts";
import { writeOnnx } from "../src/engine/onnx/export/write-onnx.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import type { Shape } from "../src/math/tensor.ts";
import { UsageError } from "../src/math/usage-error.ts";
import { scenario, wide, worst } from "./fixtures/device-scenario.ts";
import { difference, named, random } from "./fixtures/graph-cases.ts";

const swiftshader = "/usr/lib/chromium/vk_swiftshader_icd.json";
if (!existsSync("/dev/dri") && !existsSync("/dev/nvidia0") && existsSync(swiftshader))
  vi.stubEnv("VK_ICD_FILENAMES", process.env.VK_ICD_FILENAMES ?? swiftshader);
afterAll(() => void vi.unstubAllEnvs());

const opened = await nodeRuntime({ device: "webgpu", threads: 1 }).catch((error: unknown) => {
  // A device that is there and computes something else is no reason to skip.
  if (error instanceof UsageError && error.code === "unavailable") return error;
  throw error;
});
if (opened instanceof UsageError) console.warn(`skipped: ${opened.message}`);
const runtime = opened instanceof UsageError ? null : opened;

/** Whether a graph runs on the device as a whole, without a node on the CPU. */
async function staysOnDevice(outputs: Readonly<Record<string, Value>>): Promise<boolean> {
  const refused = /CPU EP|fallback/i;
  try {
    const session = await ort.InferenceSession.create(writeOnnx(lowerWebgpu(outputs)), {
      executionProviders: ["webgpu"],
      logSeverityLevel: 4,
      extra: { session: { disable_cpu_ep_fallback: "1" } },
    });
    await session.release();
    return true;
  } catch (error) {
    if (refused.test(String(error))) return false;
    throw error;
  }
}

const geometry = (stride: number, pad: number, groups = 1) => ({
  strides: [stride, stride],
  pads: [pad, pad, pad, pad],
  dilations: [1, 1],
  groups,
});
type Case = { name: string; f: (...x: Value[]) => Value; shapes: readonly Shape[] };
const at = (name: string, f: (...x: Value[]) => Value, ...shapes: Shape[]): Case => ({
  name,
  f,
  shapes,
});
const pool = { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
/** Kernels choose their program by shape: vectors of four, tiles of 32, one group per channel. */
const wider: Case[] = [
  at("tiles of a product", g.matmul, [33, 70], [70, 36]),
  at("a long product", g.matmul, [1, 512], [512, 10]),
  at("convolution, vectors", (x, w) => g.conv(x, w, geometry(1, 1)), [2, 16, 8, 8], [16, 16, 3, 3]),
  at("convolution, 1 by 1", (x, w) => g.conv(x, w, geometry(2, 0)), [2, 32, 8, 8], [64, 32, 1, 1]),
  at(
    "gradient of a depthwise convolution with two outputs per channel",
    (dy, w) => g.convInputGradient(dy, w, [2, 4, 8, 8], geometry(2, 1, 4)),
    [2, 8, 4, 4],
    [8, 1, 3, 3],
  ),
  at(
    "gradient of a depthwise convolution, stride 1",
    (dy, w) => g.convInputGradient(dy, w, [2, 2, 6, 6], geometry(1, 1, 2)),
    [2, 4, 6, 6],
    [4, 1, 3, 3],
  ),
  at(
    "gradient of max pooling with ties",
    (x) => {
      const y = g.maxPool(g.relu(x), pool);
      return gradient(g.sum(g.mul(y, y)), [x])[0];
    },
    [2, 3, 7, 8],
  ),
  at(
    "rounding, halves to even",
    (x) => g.round(g.mul(g.round(g.mul(x, g.scalar(9))), g.scalar(0.5))),
    [64],
  ),
  at("log-softmax of large logits", (x) => g.logSoftmax(g.mul(x, g.scalar(300))), [5, 100]),
];
/** They have float64 within, which only the CPU has. */
const onHost = new Set(["erf sin cos atan"]);

describe.skipIf(runtime === null)("WebGPU agrees with the interpreter, and has all of:", () => {
  it.each([...named, ...wider])("$name", async ({ name, f, shapes }) => {
    const y = f(...shapes.map((shape, i) => g.input(`x${i}`, shape)));
    const feeds = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, random(shape, i)]));
    expect(await staysOnDevice({ y })).toBe(!onHost.has(name));
    const program = await runtime?.compile({ y });
    const result = await program?.run(feeds);
    await program?.release();
    if (result === undefined) throw new Error("no runtime");
    expect(difference(result.y, interpret([y], feeds)[0])).toBeLessThan(3e-6);
  });
});

it.skipIf(runtime === null)(
  "a network attacked and trained on WebGPU, its weights kept there, ends as on the CPU",
  { timeout: 300_000 },
  async () => {
    if (runtime === null) return;
    expect(runtime.deviceMemory).toBeDefined();
    const found = await scenario(runtime, wide);
    const [name, most] = worst(found, await scenario(await nodeRuntime({ threads: 1 }), wide));
    expect(Object.keys(found).length).toBeGreaterThan(50);
    expect(most, name).toBeLessThan(1e-4);
  },
);
