import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../test/fixtures/model-fixture.ts";
import { npzBytes, parseNpz } from "../data/npz.ts";
import { tensor } from "../math/tensor.ts";
import { run } from "./kit/program.ts";
import { rampart } from "./main.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-cli-gradient-"));
afterAll(() => rmSync(folder, { recursive: true }));
const [model, input, out] = ["model.onnx", "xy.npz", "g.npz"].map((name) => join(folder, name));

async function typed(...words: string[]) {
  let err = "";
  const code = await run(rampart, ["gradient", ...words], {
    stdout: { write: () => undefined },
    stderr: {
      write(text) {
        err += text;
      },
    },
    signal: new AbortController().signal,
  });
  return { code, err };
}

/** The network z = (x₀, 2x₁, −x₀) after mean 1 and deviation 2. */
writeFileSync(
  model,
  onnxFile([nodeOf("MatMul", ["x", "w"], ["z"])], {
    inputs: { x: ["n", 2] },
    outputs: { z: ["n", 3] },
    arrays: { w: tensor([2, 3], [1, 0, -1, 0, 2, 0]) },
  }),
);
const arrays = { x: tensor([2, 2], [1, 3, 5, 1]), y: tensor([2], [0, 1]) };
writeFileSync(input, npzBytes(arrays));
const asked = [model, "--input", input, "--out", out, "--mean", "1", "--std", "2"];
// A zero is a zero, whatever its sign.
const read = (name: string) =>
  Array.from(parseNpz(out, readFileSync(out)).get(name)?.data as Float32Array, (v) => v + 0);

describe("rampart gradient", () => {
  it("writes the losses, logits and gradients of any ONNX file, in any batch", async () => {
    for (const batch of ["1", "2", "5"]) {
      expect(await typed(...asked, "--loss", "margin", "--batch", batch)).toMatchObject({
        code: 0,
      });
      // (x − 1)/2 = (0, 1) and (2, 0).
      expect(read("logits")).toEqual([0, 2, 0, 2, 0, -2]);
      expect(read("losses")).toEqual([2, 2]);
      expect(read("gradient")).toEqual([-0.5, 1, 0.5, -1]);
    }
  });

  it("runs a file that works for one batch alone in that batch, in the order given", async () => {
    const two = join(folder, "two.onnx");
    // The first image of each pair as it is, the second one doubled.
    const nodes = [nodeOf("Mul", ["x", "each"], ["m"]), nodeOf("MatMul", ["m", "w"], ["z"])];
    writeFileSync(
      two,
      onnxFile(nodes, {
        inputs: { x: ["n", 2] },
        outputs: { z: ["n", 3] },
        arrays: { each: tensor([2, 1], [1, 2]), w: tensor([2, 3], [1, 0, -1, 0, 2, 0]) },
      }),
    );
    const { code, err } = await typed(two, "--input", input, "--out", out);
    expect(code).toBe(0);
    expect(err).toContain("for the file's own batches of 2");
    expect(read("logits")).toEqual([1, 6, -1, 10, 4, -10]);
  });

  it("takes cross-entropy by default", async () => {
    expect(await typed(...asked)).toMatchObject({ code: 0 });
    const sum = Math.exp(0) + Math.exp(2) + Math.exp(0);
    expect(read("losses")[0]).toBeCloseTo(Math.log(sum), 6);
  });

  it.each([
    [{ x: arrays.x }, "holds no array y"],
    [{ ...arrays, y: tensor([1], [0]) }, "2 images in x and 1 labels in y"],
    [{ ...arrays, y: tensor([2], [0, 3]) }, "y holds 3, but the model has outputs 0 to 2"],
    [{ ...arrays, x: tensor([2, 3]) }, "takes images of [2] and was given [3]"],
  ])("says what is wrong with its input: %#", async (wrong, message) => {
    const path = join(folder, "wrong.npz");
    writeFileSync(path, npzBytes(wrong));
    const { code, err } = await typed(model, "--input", path, "--out", out);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });

  it("names a file that is not there", async () => {
    const { code, err } = await typed(join(folder, "none.onnx"), "--input", input, "--out", out);
    expect([code, err]).toEqual([2, expect.stringContaining("no such run directory or file")]);
  });
});
