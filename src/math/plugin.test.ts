import { expect, it } from "vitest";
import {
  awaitPlugin,
  badPlugin,
  callPlugin,
  forgetPlugins,
  recordedPlugins,
  rememberFile,
  rememberPlugin,
  requireResult,
} from "./plugin.ts";
import { tensor } from "./tensor.ts";
import { UsageError } from "./usage-error.ts";

const mine = { type: "attack", name: "mine" };
const loaded = { type: "noise", name: "static" };
rememberFile(loaded, "./static.mjs");

it("an error names the definition, and the file that it was loaded from", () => {
  expect(badPlugin(mine, "is wrong")).toMatchObject({
    code: "bad-plugin",
    message: "attack mine is wrong",
  });
  expect(badPlugin(loaded, "is wrong").message).toBe("noise static of ./static.mjs is wrong");
});

it("an exception becomes the user's to fix, and keeps its cause; a UsageError keeps its code and message", async () => {
  const cause = new TypeError("x is undefined");
  const fails = () => {
    throw cause;
  };
  expect(() => callPlugin(mine, "perturb", fails)).toThrow(
    expect.objectContaining({
      code: "bad-plugin",
      message: "attack mine threw in perturb: x is undefined",
      cause,
    }),
  );
  await expect(awaitPlugin(loaded, "sample", async () => fails())).rejects.toMatchObject({
    code: "bad-plugin",
  });
  await expect(awaitPlugin(loaded, "sample", fails, () => true)).rejects.toBe(cause);
  const usage = new UsageError("a wrong option", { code: "bad-option" });
  const throws = (error: unknown) => () => {
    throw error;
  };
  const named = expect.objectContaining({
    code: "bad-option",
    message: "noise static of ./static.mjs, in make: a wrong option",
    cause: usage,
  });
  expect(() => callPlugin(loaded, "make", throws(usage))).toThrow(named);
  await expect(awaitPlugin(loaded, "make", throws(usage))).rejects.toEqual(named);
});

it("an error names one definition: the innermost", () => {
  const inner = () => callPlugin(loaded, "sample", () => expect.fail("no luck"));
  const message = "noise static of ./static.mjs threw in sample: no luck";
  expect(() => callPlugin(mine, "perturb", inner)).toThrow(
    expect.objectContaining({ message, code: "bad-plugin" }),
  );
});

it.each([
  ["nothing", undefined, "returned undefined from sample"],
  ["a list", [1, 2], "returned object from sample"],
  [
    "another shape",
    tensor([2, 1]),
    "returned float32 [2, 1] from sample, and must return float32 [1, 2]",
  ],
  [
    "doubles",
    { dtype: "float64", shape: [1, 2], data: new Float64Array(2) },
    "returned float64 [1, 2]",
  ],
  [
    "too few numbers",
    { dtype: "float32", shape: [1, 2], data: new Float32Array(1) },
    "must return",
  ],
  ["NaN", tensor([1, 2], [0, Number.NaN]), "returned NaN from sample, at element 1"],
])("a result that is %s is refused", (_, value, message) => {
  expect(() => requireResult(mine, "sample", value, [1, 2])).toThrow(message);
});

it("a result of the right shape is returned as it is", () => {
  const value = tensor([1, 2], [3, Number.POSITIVE_INFINITY]);
  expect(requireResult(mine, "sample", value, [1, 2])).toBe(value);
});

it("plug-ins that were loaded are recorded once each, and absent from a record without any", () => {
  forgetPlugins();
  expect(recordedPlugins()).toBeUndefined();
  for (const plugin of ["./a.mjs", "b", "./a.mjs"]) rememberPlugin(plugin, `sum of ${plugin}`);
  expect(recordedPlugins()).toEqual(["./a.mjs", "b"]);
  forgetPlugins();
});
