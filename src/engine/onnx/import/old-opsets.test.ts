// Operators in old operator sets, against closed forms and results of ONNX Runtime.

import { create } from "@bufbuild/protobuf";
import { AttributeProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../../../test/fixtures/model-fixture.ts";
import { type NdArray, tensor } from "../../../math/tensor.ts";
import * as g from "../../graph/expressions.ts";
import { interpret } from "../../graph/interpret.ts";
import { readModel } from "../model.ts";
import type { AttributeValue } from "../protos.ts";
import { importGraph } from "./import-graph.ts";

interface Case {
  readonly opset: number;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly arrays?: readonly NdArray[];
  /** How many outputs the node names. */
  readonly outputs?: number;
}

/** The output of one node for x, and the codes of its notes. */
function apply(op: string, x: NdArray, { opset, attributes, arrays = [], outputs = 1 }: Case) {
  const names = arrays.map((_, i) => `a${i}`);
  const made = Array.from({ length: outputs }, (_, i) => (i === 0 ? "y" : `y${i}`));
  const file = onnxFile([nodeOf(op, ["x", ...names], made, attributes)], {
    inputs: { x: x.shape },
    outputs: { y: null },
    arrays: Object.fromEntries(arrays.map((array, i) => [names[i], array])),
    opset,
  });
  const read = importGraph(readModel(file), { x: g.input("x", x.shape) });
  const y = interpret([read.outputs.y], { x })[0];
  return {
    shape: y.shape,
    data: Array.from(y.data, Number),
    codes: read.notes.map(({ code }) => code),
  };
}

const close = (found: readonly number[], wanted: readonly number[]) => {
  expect(found).toHaveLength(wanted.length);
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(wanted[i], 5);
};

describe("batch normalisation in old operator sets", () => {
  const x = tensor([2, 2, 3], [1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6]);
  const zero = { epsilon: { float: 0 } };
  const each = (f: (i: number) => number, shape = [2, 3]) =>
    tensor(
      shape,
      Array.from({ length: 6 }, (_, i) => f(i)),
    );
  /** Scale i + 1, bias 10 i, mean i, variance (i + 1)². */
  const perActivation = (shape?: number[]) => [
    each((i) => i + 1, shape),
    each((i) => 10 * i, shape),
    each((i) => i, shape),
    each((i) => (i + 1) ** 2, shape),
  ];
  const wanted = Array.from(x.data, (v, i) => v - (i % 6) + 10 * (i % 6));

  it.each([1, 6, 7, 8])("has statistics per activation if spatial is 0: opset %i", (opset) => {
    const attributes = { ...zero, spatial: { int: 0 }, is_test: { int: 1 } };
    close(
      apply("BatchNormalization", x, { opset, attributes, arrays: perActivation() }).data,
      wanted,
    );
  });

  it("has them over one, two and three axes", () => {
    const attributes = { ...zero, spatial: { int: 0 } };
    for (const lengths of [[6], [1, 2, 3], [3, 1, 1, 2]]) {
      const image = tensor([2, ...lengths], x.data);
      const found = apply("BatchNormalization", image, {
        opset: 7,
        attributes,
        arrays: perActivation(lengths),
      });
      expect(found.shape).toEqual([2, ...lengths]);
      close(found.data, wanted);
    }
  });

  it("has statistics per channel since opset 9, whatever spatial says", () => {
    const arrays = [tensor([2], [1, 2]), tensor([2], [0, 1]), tensor([2]), tensor([2], [1, 1])];
    const attributes = { ...zero, spatial: { int: 0 } };
    const found = apply("BatchNormalization", x, { opset: 9, attributes, arrays });
    close(found.data, [1, 2, 3, 9, 11, 13, -1, -2, -3, -7, -9, -11]);
  });

  it("refuses statistics of the wrong size", () => {
    const attempt = () =>
      apply("BatchNormalization", x, { opset: 7, attributes: zero, arrays: perActivation() });
    expect(attempt).toThrow(expect.objectContaining({ code: "bad-file" }));
    expect(attempt).toThrow(
      "must have shape [2] for an input of shape [2, 2, 3], but one has [2, 3]",
    );
  });

  it("is in training mode with five outputs, unless is_test is set", () => {
    const one = [tensor([1], [1]), tensor([1], [0]), tensor([1], [9]), tensor([1], [1])];
    const line = tensor([2, 1, 1], [1, 3]);
    const of = (opset: number, is_test = 0) =>
      apply("BatchNormalization", line, {
        opset,
        attributes: { ...zero, is_test: { int: is_test } },
        arrays: one,
        outputs: 5,
      });
    for (const opset of [6, 7, 8, 9, 13]) {
      close(of(opset).data, [-1, 1]);
      expect(of(opset).codes).toEqual(["training-mode"]);
    }
    close(of(6, 1).data, [-8, -6]);
  });
});

describe("attributes in old operator sets:", () => {
  const x = tensor([1, 2, 1, 2], [-3, 1, 2, 4]);

  it("the power of an Lp pool is a float in opset 1", () => {
    const third = [28 ** (1 / 3), 72 ** (1 / 3)];
    close(apply("GlobalLpPool", x, { opset: 1, attributes: { p: { float: 3 } } }).data, third);
    close(apply("GlobalLpPool", x, { opset: 2, attributes: { p: { int: 3 } } }).data, third);
    const attributes = { p: { float: 3 }, kernel_shape: { ints: [1, 2] } };
    close(apply("LpPool", x, { opset: 1, attributes }).data, third);
  });

  it("Selu has rounded constants in opset 1", () => {
    const found = apply("Selu", tensor([2], [1000, -1000]), { opset: 1 }).data;
    expect(found[0]).toBeCloseTo(1050.7, 3);
    expect(found[1]).toBeCloseTo(-1.6732 * 1.0507, 6);
    expect(apply("Selu", tensor([1], [1000]), { opset: 6 }).data[0]).toBeCloseTo(1050.701, 3);
  });

  it("Upsample has one scale for rows and one for columns in opset 1", () => {
    const attributes = { height_scale: { float: 2 }, width_scale: { float: 1 } };
    const found = apply("Upsample", x, { opset: 1, attributes });
    expect(found.shape).toEqual([1, 2, 2, 2]);
    expect(found.data).toEqual([-3, 1, -3, 1, 2, 4, 2, 4]);
  });

  it("Resize in opset 10 rounds positions up if it shrinks and down if it grows", () => {
    const line = tensor([1, 1, 1, 4], [1, 2, 3, 4]);
    const by = (scale: number) =>
      apply("Resize", line, { opset: 10, arrays: [tensor([4], [1, 1, 1, scale])] }).data;
    expect(by(0.6)).toEqual([1, 3]);
    expect(by(1.5)).toEqual([1, 1, 2, 3, 3, 4]);
  });

  it("Cast names its type in opset 1, and an unknown name is refused", () => {
    const to = (type: string) =>
      apply("Cast", tensor([2], [1.5, -1.5]), { opset: 1, attributes: { to: { string: type } } })
        .data;
    expect(to("INT32")).toEqual([1, -1]);
    expect(to("FLOAT")).toEqual([1.5, -1.5]);
    for (const name of ["toString", "__proto__", "", "1"])
      expect(() => to(name)).toThrow(expect.objectContaining({ code: "bad-file" }));
  });

  it("MeanVarianceNormalization divides by the deviation plus 10⁻⁹", () => {
    const faint = tensor([1, 1, 1, 2], [-1e-6, 1e-6]);
    const close6 = apply("MeanVarianceNormalization", faint, { opset: 13 }).data[1];
    expect(close6).toBeCloseTo(1e-6 / (1e-6 + 1e-9), 5);
    const across = { across_channels: { int: 1 }, normalize_variance: { int: 0 } };
    const centred = apply("MeanVarianceNormalization", x, { opset: 7, attributes: across }).data;
    close(centred, [-4, 0, 1, 3]);
  });

  it("a dropout in training mode is ignored and gets a note", () => {
    const of = (is_test: number, opset: number) =>
      apply("Dropout", x, { opset, attributes: { is_test: { int: is_test } } });
    expect(of(0, 6)).toMatchObject({ data: [-3, 1, 2, 4] });
    expect(of(0, 6).codes).toEqual(["training-mode"]);
    expect([of(1, 6).codes, of(0, 7).codes]).toEqual([[], []]);
  });

  it("softmax before opset 13 is over all axes from `axis` on, by default 1", () => {
    const flat = apply("Softmax", tensor([1, 2, 2], [0, 0, 0, 0]), { opset: 12 }).data;
    expect(flat).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(apply("Hardmax", tensor([1, 2, 2], [0, 1, 3, 2]), { opset: 1 }).data).toEqual([
      0, 0, 1, 0,
    ]);
  });
});

describe("an attribute", () => {
  it("of the wrong type is refused, except an integer for a float", () => {
    const x = tensor([2], [-4, 2]);
    expect(apply("LeakyRelu", x, { opset: 13, attributes: { alpha: { int: 2 } } }).data).toEqual([
      -8, 2,
    ]);
    const attempt = () => apply("Softmax", x, { opset: 13, attributes: { axis: { float: 0 } } });
    expect(attempt).toThrow(expect.objectContaining({ code: "bad-file" }));
    expect(attempt).toThrow("attribute axis has the type FLOAT, but INT is required");
  });

  it("without a type is read from the field that the importer needs", () => {
    const alpha = create(AttributeProtoSchema, { name: "alpha", f: 0.5 });
    const file = onnxFile([nodeOf("LeakyRelu", ["x"], ["y"], {}, { attribute: [alpha] })], {
      inputs: { x: [1] },
      outputs: { y: null },
    });
    const { y } = importGraph(readModel(file), { x: g.input("x", [1]) }).outputs;
    expect([...interpret([y], { x: tensor([1], [-4]) })[0].data]).toEqual([-2]);
  });
});

describe("lengths that do not add up", () => {
  it("of a Split are refused, and so is an Upsample that shrinks", () => {
    const x = tensor([4], [1, 2, 3, 4]);
    const split = () =>
      apply("Split", x, { opset: 2, attributes: { split: { ints: [1, 2] } }, outputs: 2 });
    expect(split).toThrow("cannot split an axis of length 4 into parts of [1, 2]");
    const shrunk = () =>
      apply("Upsample", x, { opset: 7, attributes: { scales: { floats: [0.5] } } });
    expect(shrunk).toThrow("the scale is 0.5, but Upsample requires scales of at least 1");
  });
});
