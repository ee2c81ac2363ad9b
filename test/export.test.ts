import { expect, it } from "vitest";
import { nodeProgram, nodeRuntime } from "../src/engine/runtime/node.ts";
import { uniform } from "../src/math/distributions.ts";
import { keyOf, keysFor } from "../src/math/random.ts";
import { tensor } from "../src/math/tensor.ts";
import { architecture } from "../src/models/architectures.ts";
import { classifier } from "../src/models/classifier.ts";
import { exportOnnx, importExported } from "../src/models/export.ts";
import { initialParameters } from "../src/models/initial.ts";

const spec = { shape: [3, 16, 16], classes: 10, mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.25] };
const metadata = {
  defense: "rat-linf-uniform",
  data: "cifar10",
  noise: "uniform:0.2",
  classNames: ["cat", "dog"],
  input: spec,
};

/** Weights that training could have left: statistics and scales away from 0 and 1. */
function weights(name: string) {
  const model = architecture(name, spec);
  const parameters = Object.fromEntries(
    Object.entries(initialParameters(model)).map(([key, { shape, data }], i) => {
      const shift = uniform([keyOf(i)], [1, ...shape], 0, 0.2).data;
      return [
        key,
        tensor(
          shape,
          data.map((v, j) => v + shift[j]),
        ),
      ];
    }),
  );
  return { model, parameters };
}

it.each(["cnn-small", "wrn-10-1", "wrn-16-2"])(
  "plain onnxruntime gives an exported %s the same logits, at any batch",
  async (name) => {
    const { model, parameters } = weights(name);
    const file = await nodeProgram(exportOnnx(model, parameters, metadata));
    const ours = classifier(await nodeRuntime(), model, parameters);
    for (const batch of [1, 5]) {
      const keys = keysFor(keyOf(3), [...Array(batch).keys()]);
      const pixels = uniform(keys, [batch, ...spec.shape], 0, 1);
      const { logits } = await file.run({ pixels });
      const expected = await ours.logits(pixels, keys);
      expect(logits.shape).toEqual([batch, 10]);
      const scale = Math.max(...expected.data.map(Math.abs));
      logits.data.forEach((v, i) => {
        expect(Math.abs(Number(v) - expected.data[i]) / scale).toBeLessThan(1e-5);
      });
    }
  },
);

it("an exported file gives back its network, weights and noise", () => {
  const { model, parameters } = weights("wrn-10-1");
  const back = importExported(exportOnnx(model, parameters, metadata));
  expect(back.architecture.name).toBe("wrn-10-1");
  expect(back.parameters).toEqual(parameters);
  expect(back.metadata).toEqual(metadata);
  expect(back.card).toBe(back.metadata);
});

it("a truncated file and a stranger's file are refused with what to do", () => {
  const { model, parameters } = weights("cnn-small");
  const bytes = exportOnnx(model, parameters, metadata);
  expect(() => importExported(bytes.subarray(0, bytes.length / 2))).toThrow("truncated or corrupt");
  expect(() => importExported(new Uint8Array(0))).toThrow("not exported by rampart");
});
