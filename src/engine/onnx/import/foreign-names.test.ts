// Words from a file must not find properties that every object inherits.

import { describe, expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../../../test/fixtures/model-fixture.ts";
import { tensor } from "../../../math/tensor.ts";
import { UsageError } from "../../../math/usage-error.ts";
import * as g from "../../graph/expressions.ts";
import { readModel } from "../model.ts";
import type { AttributeValue } from "../protos.ts";
import { importGraph } from "./import-graph.ts";

const image = [1, 1, 2, 2];
const weights = tensor([1, 1, 1, 1], [1]);
const grid = tensor([1, 1, 1, 2], [0, 0]);

/** Reads one node of an image; throws what the reading throws. */
function read(
  op: string,
  attributes: Readonly<Record<string, AttributeValue>>,
  { input = image, extra = null as ReturnType<typeof tensor> | null, opset = 10, domain = "" },
): void {
  const node = nodeOf(op, extra === null ? ["x"] : ["x", "a"], ["y", "z"], attributes, { domain });
  const file = onnxFile([node], {
    inputs: { x: input },
    outputs: { z: null },
    arrays: extra === null ? {} : { a: extra },
    opset,
  });
  const name = domain === "ai.onnx.ml" ? "z" : "y";
  importGraph(readModel(file), { x: g.input("x", input) }, { wanted: [name] });
}

describe.each(["toString", "constructor", "__proto__", "valueOf", "hasOwnProperty"])(
  "a file that states %s",
  (word) => {
    const text = { string: word };

    it("is refused as the mode of a pad", () => {
      const attempt = () =>
        read("Pad", { mode: text, pads: { ints: [0, 0, 1, 1, 0, 0, 1, 1] } }, {});
      expect(attempt).toThrow(expect.objectContaining({ code: "bad-file" }));
      expect(attempt).toThrow(`attribute mode is "${word}", but only constant, edge`);
    });

    it("is refused as the coordinates, the rounding or the mode of a Resize", () => {
      const sizes = { extra: tensor([4], [1, 1, 2, 2]), opset: 10 };
      for (const name of ["coordinate_transformation_mode", "nearest_mode", "mode"])
        expect(() => read("Resize", { [name]: text }, sizes)).toThrow(
          `attribute ${name} is "${word}", but only`,
        );
    });

    it("is refused as the mode of a GridSample", () => {
      expect(() => read("GridSample", { mode: text }, { extra: grid, opset: 16 })).toThrow(
        UsageError,
      );
    });

    it("is refused as the transform of a linear classifier", () => {
      const attributes = { coefficients: { floats: [1, 2, 3, 4] }, post_transform: text };
      const attempt = () =>
        read("LinearClassifier", attributes, { input: [1, 2], domain: "ai.onnx.ml" });
      expect(attempt).toThrow(`post_transform ${word} is not supported`);
    });

    it("is refused as the activation of a fused convolution", () => {
      const attempt = () =>
        read("FusedConv", { activation: text }, { extra: weights, domain: "com.microsoft" });
      expect(attempt).toThrow(`the fused activation ${word} is not supported`);
    });

    it("is refused as the auto_pad of a convolution", () => {
      const attempt = () => read("Conv", { auto_pad: text }, { extra: weights });
      expect(attempt).toThrow(expect.objectContaining({ code: "bad-file" }));
      expect(attempt).toThrow(`attribute auto_pad is "${word}", but only NOTSET`);
    });
  },
);
