// Gradients of networks that PyTorch exports, against PyTorch's own.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseNpz } from "../../src/data/npz.ts";
import { type Tensor, tensor } from "../../src/math/tensor.ts";
import { openNetworkInNode } from "../../src/models/node.ts";

const python = "/usr/bin/python3";
const available =
  process.env.SLOW === "1" && spawnSync(python, ["-c", "import torchvision"]).status === 0;
const folder = available ? mkdtempSync(join(tmpdir(), "rampart-torchvision-")) : "";
afterAll(() => available && rmSync(folder, { recursive: true }));

/** √(Σ (a − b)² / Σ b²). */
function relative(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  let [difference, size] = [0, 0];
  for (let i = 0; i < b.data.length; i++) {
    difference += (a.data[i] - b.data[i]) ** 2;
    size += b.data[i] ** 2;
  }
  expect(size).toBeGreaterThan(0);
  return Math.sqrt(difference / size);
}

const names = [
  "resnet18",
  "mobilenet_v2",
  "mobilenet_v3_small",
  "efficientnet_b0",
  "densenet121",
  "convnext",
  "vit",
  "swin",
  "shufflenet_v2_x1_0",
  "squeezenet1_0",
  "regnet_y_400mf",
  "googlenet",
  "inception_v3",
  "mnasnet0_5",
];

describe.skipIf(!available)(
  "exported by torchvision (skipped without SLOW=1 and Debian's python3-torchvision):",
  () => {
    it.each([...names.map((name) => [name, 17] as const), ["resnet18", 9], ["vit", 13]] as const)(
      "%s in opset %i has PyTorch's logits and gradient",
      async (name, opset) => {
        execFileSync(python, [
          join(import.meta.dirname, "export.py"),
          name,
          folder,
          "--opset",
          `${opset}`,
        ]);
        const arrays = parseNpz(name, readFileSync(join(folder, `${name}.npz`)));
        const names = ["x", "weights", "logits", "gradient", "exact"];
        const [x, weights, logits, gradient, exact] = names.map((key) => {
          const { shape, data } = arrays.get(key) ?? { shape: [0], data: [] };
          return tensor(shape, Float32Array.from(data, Number));
        });
        const network = await openNetworkInNode(join(folder, `${name}.onnx`), {
          shape: x.shape.slice(1),
        });
        const found = await network.vectorJacobian(x, weights);
        await network.release();
        expect(relative(found.outputs, logits)).toBeLessThan(1e-5);
        // GoogLeNet and Inception lose digits to rounding in PyTorch, too: no more than there.
        const rounding = relative(gradient, exact);
        expect(relative(found.gradient, exact)).toBeLessThan(Math.max(1e-5, 2 * rounding));
      },
      120_000,
    );
  },
);
