// Files optimised by ONNX Runtime at each level, against the original files.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { afterAll, describe, expect, it } from "vitest";
import { normal, uniform } from "../src/math/distributions.ts";
import { keyOf, keysFor } from "../src/math/random.ts";
import type { Tensor } from "../src/math/tensor.ts";
import type { ImportedOptions } from "../src/models/imported-network.ts";
import { openNetworkInNode, readModelInNode } from "../src/models/node.ts";

const data = process.env.RAMPART_DATA ?? "";
const files: readonly (readonly [path: string, options: ImportedOptions])[] = [
  ["onnx/ch_ppocr_mobile_v2.0_cls.onnx", { shape: [3, 48, 192] }],
  ["onnx/marabou_self-attention-mnist-pgd-medium-sim.onnx", {}],
  ["onnx/mnist_cntk.onnx", {}],
  ["onnx/onnc_resnet20.onnx", {}],
  ["onnx/squeezenet_cifar10.onnx", {}],
  ["vnncomp/2021_mnistfc/mnist-net_256x4.onnx", {}],
  ["vnncomp/2021_cifar10_resnet/onnx/resnet_2b.onnx", {}],
  ["vnncomp/2021_cifar10_resnet/onnx/resnet_4b.onnx", {}],
];
const levels = ["basic", "extended", "all"] as const;
const folder = mkdtempSync(join(tmpdir(), "rampart-optimised-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** √(Σ (a − b)² / Σ b²). */
const relative = (a: Tensor, b: Tensor): number => {
  expect(a.shape).toEqual(b.shape);
  const difference = a.data.reduce((sum, v, i) => sum + (v - b.data[i]) ** 2, 0);
  return Math.sqrt(difference / b.data.reduce((sum, v) => sum + v * v, 0));
};

/** The outputs for two images, and the gradient of a weighted sum of them. */
async function measured(path: string, options: ImportedOptions) {
  const network = await openNetworkInNode(path, { ...options, threads: 1 });
  try {
    const keys = keysFor(keyOf(1), [0, 1]);
    const x = uniform(keys, [2, ...network.inputs[0].shape]);
    const { shape } = await network.outputs(x);
    return await network.vectorJacobian(x, normal(keys, shape));
  } finally {
    await network.release();
  }
}

const present = files.filter(([path]) => existsSync(join(data, path)));

describe.skipIf(present.length === 0)(
  "an optimised file agrees with the original (skipped where RAMPART_DATA holds no onnx/ or vnncomp/):",
  () => {
    it.each(present)("%s", async (path, options) => {
      const original = join(data, path);
      const expected = await measured(original, options);
      for (const level of levels) {
        const optimised = join(folder, `${level}.onnx`);
        const session = await InferenceSession.create(original, {
          graphOptimizationLevel: level,
          optimizedModelFilePath: optimised,
          logSeverityLevel: 3,
        });
        await session.release();
        const found = await measured(optimised, options);
        expect(relative(found.outputs, expected.outputs), level).toBeLessThan(1e-5);
        expect(relative(found.gradient, expected.gradient), level).toBeLessThan(1e-4);
      }
    });

    it("on x64, optimised convolutions use blocked memory", async () => {
      const { graph } = await readModelInNode(join(folder, "all.onnx"));
      const blocked = graph.node.filter(({ domain }) => domain === "com.microsoft.nchwc");
      if (process.arch === "x64") expect(blocked.length).toBeGreaterThan(0);
    });
  },
);
