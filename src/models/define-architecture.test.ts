import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { input, matmul, reshape } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { keyOf } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import type { InputSpec } from "./architecture.ts";
import { architecture, architectureForms, architectures } from "./architectures.ts";
import { type ArchitectureSpecification, defineArchitecture } from "./define-architecture.ts";
import { exportOnnx, importExported } from "./export.ts";

const spec: InputSpec = { shape: [1, 2, 2], classes: 3, mean: [0], std: [1] };
const Options = z.strictObject({ rows: z.int().positive().max(9) });

/** A linear classifier with an unused number in its name, as somebody else would define it. */
const specification: ArchitectureSpecification<typeof Options> = {
  name: "flat",
  options: Options,
  source: "this test",
  make: ({ classes }) => ({
    parameters: [
      { name: "w", shape: [4, classes], trainable: true, init: () => tensor([4, classes]) },
    ],
    forward: (x: Value, parameter: (name: string) => Value) => ({
      logits: matmul(reshape(x, [x.shape[0], 4]), parameter("w")),
      statistics: {},
    }),
  }),
};
const flat = defineArchitecture(specification);
afterEach(() => architectures.remove("flat"));

const forward = (network: ReturnType<typeof flat>) =>
  network.forward(input("x", [2, 1, 2, 2]), (name) => input(name, [4, 3]), "frozen");

it("an added architecture is found by its name, whose numbers are its options", () => {
  expect(() => architecture("flat-3", spec)).toThrow(
    expect.objectContaining({ code: "unknown-name" }),
  );
  architectures.add(flat);
  const network = architecture("flat-3", spec, { dropout: 0.5 });
  expect(network).toMatchObject({ name: "flat-3", classes: 3, inputShape: [1, 2, 2] });
  expect(forward(network).logits.shape).toEqual([2, 3]);
  expect(architectureForms()).toContain(" and flat-<rows>");
  expect(() => architecture("flat-10", spec)).toThrow(
    expect.objectContaining({ code: "unknown-name" }),
  );
  expect(() => architecture("flat", spec)).toThrow("flat-<rows>");
});

it("a definition makes a network without being added", () => {
  expect(flat(spec, { rows: 2 }).name).toBe("flat-2");
  expect(() => flat(spec, { rows: 0 })).toThrow("rows");
});

it("a stored model opens where its architecture is loaded, and elsewhere names what is missing", () => {
  const network = flat(spec, { rows: 1 });
  const metadata = {
    defense: "standard",
    data: "shapes",
    noise: null,
    classNames: ["a", "b", "c"],
  };
  const bytes = exportOnnx(
    network,
    { w: tensor([4, 3]) },
    Object.assign({ input: spec }, metadata),
  );
  expect(() => importExported(bytes, "mine.onnx")).toThrow(
    expect.objectContaining({
      code: "unknown-name",
      message: expect.stringMatching(/mine\.onnx holds the architecture "flat-1".*\n.*--plugin/),
    }),
  );
  architectures.add(flat);
  expect(importExported(bytes).architecture.name).toBe("flat-1");
});

describe("bad-plugin:", () => {
  const networkOf = (part: object) =>
    defineArchitecture(
      Object.assign({}, specification, {
        make: (given: InputSpec) => Object.assign({}, specification.make(given, { rows: 1 }), part),
      }) as typeof specification,
    )(spec, { rows: 1 });
  const parameter = specification.make(spec, { rows: 1 }).parameters[0];

  it.each([
    ["no parameters", { parameters: undefined }, "needs parameters"],
    [
      "an array with the name of an optimiser's",
      { parameters: [Object.assign({}, parameter, { name: "squares/w" })] },
      'whose name is "squares/w"',
    ],
    ["two arrays of one name", { parameters: [parameter, parameter] }, "two parameters named w"],
    [
      "an open shape",
      { parameters: [Object.assign({}, parameter, { shape: [-1, 3] })] },
      "whose shape is not a list of positive integers",
    ],
    ["no forward", { forward: 5 }, "needs a function forward"],
  ])("a network with %s", (_, part, message) => {
    expect(() => networkOf(part)).toThrow(
      expect.objectContaining({ code: "bad-plugin", message: expect.stringContaining(message) }),
    );
  });

  it.each([
    ["that throws", () => expect.fail("no layers"), "threw in forward: no layers"],
    [
      "with logits of another shape",
      (x: Value) => ({ logits: x, statistics: {} }),
      "returned logits of shape [2, 1, 2, 2] from forward",
    ],
    ["without a result", () => undefined, "returned logits of shape [none]"],
    [
      "that asks for another array",
      (_: Value, of: (name: string) => Value) => ({ logits: of("v"), statistics: {} }),
      'asks for parameter "v", which it does not list',
    ],
    [
      "with an unknown statistic",
      (x: Value, of: (name: string) => Value) => ({
        logits: matmul(reshape(x, [2, 4]), of("w")),
        statistics: { mean: x },
      }),
      "returned a statistic mean",
    ],
  ])("a forward pass %s", (_, forwardPass, message) => {
    const network = networkOf({ forward: forwardPass });
    expect(() => forward(network)).toThrow(
      expect.objectContaining({ code: "bad-plugin", message: expect.stringContaining(message) }),
    );
  });

  it("initial values of another shape", () => {
    const wrong = Object.assign({}, parameter, { init: () => tensor([3, 4]) });
    const [{ init }] = networkOf({ parameters: [wrong] }).parameters;
    expect(() => init(keyOf(0))).toThrow("returned float32 [3, 4] from init of w");
  });

  it("a name with a capital, no schema and no maker", () => {
    for (const part of [{ name: "Flat" }, { options: {} }, { make: undefined }])
      expect(() => defineArchitecture(Object.assign({}, specification, part) as never)).toThrow(
        expect.objectContaining({ code: "bad-plugin" }),
      );
  });
});

describe("names that two architectures would share are refused:", () => {
  const noOptions = z.strictObject({});
  const called = (name: string, options: z.ZodObject = noOptions) =>
    defineArchitecture(Object.assign({}, specification, { name, options }) as never);
  const oneNumber = z.strictObject({ rows: z.int() });

  it.each([
    ["wrn-10-1", called("wrn-10-1"), "wrn-10-1 and wrn-<depth>-<width> share names"],
    ["wrn-10-<rows>", called("wrn-10", oneNumber), "wrn-10-<rows> and wrn-<depth>-<width>"],
    ["cnn-small", called("cnn-small"), "cnn-small already"],
  ])("%s", (_, definition, message) => {
    expect(() => architectures.add(definition)).toThrow(
      expect.objectContaining({ code: "bad-plugin", message: expect.stringContaining(message) }),
    );
  });

  it("of two plug-ins too, whichever comes first", () => {
    const fixed = called("flat-3");
    architectures.add(flat);
    expect(() => architectures.add(fixed)).toThrow("share names");
    architectures.remove("flat");
    architectures.add(fixed);
    expect(() => architectures.add(flat)).toThrow("share names");
    architectures.remove("flat-3");
  });

  it("but a name of another form is free", () => {
    for (const name of ["wrn-10-1-x", "wrn-10", "wrn-10-x"]) {
      architectures.add(called(name));
      architectures.remove(name);
    }
  });
});
