import { expect, it } from "vitest";
import { withHeldOutTest } from "./held-out.ts";
import { splitOf } from "./splits.ts";

function single(labels: readonly number[]) {
  const pixels = Float32Array.from(labels, (_, i) => i / labels.length);
  const split = splitOf({ pixels, labels: Int32Array.from(labels) }, [1, 1, 1]);
  const files = labels.map((label, i) => `${label}/${i}.png`);
  const all = { ...split, files };
  return {
    name: "npz:a.npz",
    shape: [1, 1, 1],
    classes: ["a", "b", "c"],
    mean: [0],
    std: [1],
    train: all,
    test: all,
  };
}
const labels = Array.from({ length: 41 }, (_, i) => (i === 40 ? 2 : i % 2));

it("holds a fifth of each class out, shares no example, and says the numbers", () => {
  const { train, test, notes } = withHeldOutTest(single(labels));
  expect([train.size, test.size]).toEqual([33, 8]);
  const counts = [0, 1, 2].map(
    (label) => Array.from(test.labels).filter((l) => l === label).length,
  );
  expect(counts).toEqual([4, 4, 0]);
  const pixelsOf = ({ size, images }: typeof train) => [...images([...Array(size).keys()]).data];
  const both = [...pixelsOf(train), ...pixelsOf(test)];
  expect(new Set(both).size).toBe(41);
  expect(train.files?.length).toBe(33);
  expect(notes).toEqual([
    {
      code: "held-out",
      text: expect.stringMatching(/33 of its 41 examples are for training, and 8 /),
    },
  ]);
});

it("is the same at every call, and leaves a split alone", () => {
  const [a, b] = [withHeldOutTest(single(labels)), withHeldOutTest(single(labels))];
  expect(a.test.files).toEqual(b.test.files);
  expect(withHeldOutTest(a)).toBe(a);
});

it("holds nothing out where every class has one example", () => {
  const tiny = single([0, 1, 2]);
  expect(withHeldOutTest(tiny)).toBe(tiny);
});
