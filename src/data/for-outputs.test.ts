import { describe, expect, it } from "vitest";
import type { Dataset } from "./dataset.ts";
import { forOutputs } from "./for-outputs.ts";

/** A data set with two images in so many classes. */
function datasetOf(name: string, classes: number): Dataset {
  const split = {
    size: 2,
    images: new Uint8Array(2),
    labels: Int32Array.from([0, classes - 1]),
  };
  return {
    name,
    shape: [1, 1, 1],
    classes: Array.from({ length: classes }, (_, i) => String(i)),
    train: split,
    test: split,
  } as unknown as Dataset;
}

describe("labels and a network's outputs", () => {
  it.each(["npz:a.npz", "mnist"])(
    "labels of %s beyond the outputs are not class folders",
    (name) => {
      const wrong = () => forOutputs(datasetOf(name, 12), 10);
      expect(wrong).toThrow(
        `${name} has labels 0 to 11, but the network has 10 outputs, 0 to 9; use the data that it was trained on`,
      );
      expect(wrong).not.toThrow("folder");
    },
  );

  it("labels of an .npz file are outputs, however many of them occur", () => {
    const { classes, test } = forOutputs(datasetOf("npz:a.npz", 3), 10);
    expect(classes).toHaveLength(10);
    expect([...(test.labels as Int32Array)]).toEqual([0, 2]);
  });

  it("a class too many among folders is still about folders", () => {
    expect(() => forOutputs(datasetOf("folder:a", 12), 10)).toThrow("folder");
  });
});
