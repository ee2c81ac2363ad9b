import { describe, expect, it } from "vitest";
import { nodeOf } from "../../../../test/fixtures/model-fixture.ts";
import { runNodes } from "../../../../test/fixtures/run-fixture.ts";
import { tensor } from "../../../math/tensor.ts";

describe("a max pool over three axes", () => {
  it("gives indices into the whole volume", () => {
    const x = tensor([1, 1, 2, 2, 2], [1, 8, 3, 4, 5, 6, 7, 2]);
    const cube = { kernel_shape: { ints: [2, 1, 2] } };
    const node = nodeOf("MaxPool", ["x"], ["v", "y"], cube);
    const { y } = runNodes([node], { x }, { opset: 12 });
    expect(Array.from(y.data, Number)).toEqual([1, 6]);
  });
});
