import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { architecture } from "./architectures.ts";
import { exportOnnx, importExported } from "./export.ts";
import { requireMetadata, storedInput, storedNames } from "./stored-metadata.ts";

const spec = { shape: [1, 4, 4], classes: 2, mean: [0.5], std: [0.5] };
const metadata = {
  architecture: "mlp-small",
  defense: "standard",
  data: "mnist",
  noise: null,
  classNames: ["a", "b"],
  input: spec,
};

describe("the metadata of a stored network", () => {
  it("is read as written", () => {
    expect(storedInput(JSON.stringify(spec))).toEqual(spec);
    expect(storedNames('["a"]')).toEqual(["a"]);
    expect(() => requireMetadata(metadata)).not.toThrow();
  });

  it.each([
    [undefined, "its input is not JSON"],
    ["null", "its input is wrong"],
    ['{"classes":2,"mean":[0],"std":[1]}', "its input.shape is wrong"],
    [JSON.stringify({ ...spec, shape: [1, 4, 1e15] }), "its input.shape.2 is wrong"],
    [JSON.stringify({ ...spec, shape: [1, 4, -4] }), "its input.shape.2 is wrong"],
    [JSON.stringify({ ...spec, classes: 2 ** 31 }), "its input.classes is wrong"],
    [JSON.stringify({ ...spec, mean: [0, 0, 0] }), "mean and std have one number"],
    [`${"[".repeat(1e5)}${"]".repeat(1e5)}`, "its input is wrong"],
  ])("with the input %.60s is refused", (text, message) => {
    expect(() => storedInput(text)).toThrow(message);
  });

  it.each([
    ["no object", 5, "its model is wrong"],
    [
      "a name that is not a string",
      { ...metadata, architecture: {} },
      "its model.architecture is wrong",
    ],
    ["no input", { ...metadata, input: undefined }, "its model.input is wrong"],
  ])("of a checkpoint with %s is refused", (_, value, message) => {
    expect(() => requireMetadata(value)).toThrow(message);
  });

  it("names only networks that can be built", () => {
    const unknown = expect.objectContaining({ code: "unknown-name" });
    expect(() => architecture("wrn-6000000004-1", spec)).toThrow(unknown);
    expect(() => architecture("wrn-10-1000000", spec)).toThrow(unknown);
  });
});

describe("a file that claims to be exported by us", () => {
  const network = architecture("mlp-small", spec);
  const parameters = Object.fromEntries(
    network.parameters.map(({ name, shape }) => [name, tensor(shape)]),
  );
  const whole = exportOnnx(network, parameters, metadata);

  it("opens or fails with a UsageError for any changed bytes", () => {
    expect(importExported(whole).metadata.classNames).toEqual(["a", "b"]);
    const texts = Buffer.from(whole).indexOf("rampart.architecture");
    fc.assert(
      fc.property(
        // In our metadata, and anywhere.
        fc.array(
          fc.tuple(
            fc.oneof(
              fc.integer({ min: texts, max: whole.length - 1 }),
              fc.nat(whole.length - 1),
              fc.nat(600),
            ),
            fc.nat(255),
          ),
          { minLength: 1, maxLength: 3 },
        ),
        (changes) => {
          const bytes = whole.slice();
          for (const [at, value] of changes) bytes[at] = value;
          try {
            importExported(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(UsageError);
          }
        },
      ),
      { numRuns: 500, seed: 9 },
    );
  });
});
