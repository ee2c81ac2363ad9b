import { describe, expect, it } from "vitest";
import type { Dataset } from "../data/dataset.ts";
import { withHeldOutTest } from "../data/held-out.ts";
import { splitOf } from "../data/splits.ts";
import { chooseTestData } from "./tested-data.ts";

/** Examples of two classes in turn, without a split. */
function single(count: number): Dataset {
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  const all = splitOf({ pixels: new Float32Array(count), labels }, [1, 1, 1]);
  const shape = [1, 1, 1];
  return {
    name: "npz:a.npz",
    shape,
    classes: ["a", "b"],
    mean: [0],
    std: [1],
    train: all,
    test: all,
  };
}
const whole = single(40);
const trained = { data: "npz:./a.npz", heldOut: withHeldOutTest(whole).heldOut };

describe("a model that was trained on data without a split", () => {
  it("is tested on what its training held out", () => {
    expect(trained.heldOut).toEqual({ examples: 8, of: 40 });
    const { dataset, warning } = chooseTestData(trained, { dataset: whole, isTrainingData: true });
    expect([dataset.test.size, warning]).toEqual([8, null]);
  });

  it.each([
    ["does not state a held-out part", { data: "npz:a.npz" }, whole, true, "does not record"],
    ["met fewer examples", trained, single(50), true, "8 of 40 examples, but it now has 50"],
    ["met one example less", trained, single(41), true, "but it now has 41"],
    ["was trained on other data", trained, whole, false, "the training data, npz:./a.npz"],
  ])("is tested with a warning if it %s", (_, model, dataset, isTrainingData, words) => {
    const { warning } = chooseTestData(model, { dataset, isTrainingData });
    expect(warning).toContain("test images may have been trained on");
    expect(warning).toContain(words);
  });

  it("is tested without a word on data with a split", () => {
    const split = { ...whole, test: single(10).test };
    expect(chooseTestData(trained, { dataset: split, isTrainingData: false })).toEqual({
      dataset: split,
      warning: null,
    });
  });
});

it("a file that was not trained here is tested on all of the data, without a warning", () => {
  const options = { dataset: whole, isTrainingData: false };
  expect(chooseTestData({ data: "" }, options)).toEqual({ dataset: whole, warning: null });
});
