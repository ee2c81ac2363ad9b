import { describe, expect, it } from "vitest";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { takeRows } from "../math/tensor.ts";
import { architecture } from "./architectures.ts";
import { batchSizes, rowsOfCompilation } from "./batch-size.ts";
import { classifier } from "./classifier.ts";
import { initialParameters } from "./initial.ts";

describe("the padded size of a batch", () => {
  it("is exact for the first batch", () => {
    const size = batchSizes();
    expect(size(100)).toBe(100);
    expect(size(100)).toBe(100);
    expect(size(99)).toBe(100);
  });

  it("is the first size until smaller batches have wasted the cost of a compilation", () => {
    const size = batchSizes();
    size(128);
    const asked = Array.from({ length: 20 }, () => size(30));
    expect(asked.slice(0, 7).every((n) => n === 128)).toBe(true);
    expect(asked.slice(8).every((n) => n === 32)).toBe(true);
  });

  it("wastes at most half in the long run, with at most 15 sizes up to 128", () => {
    const size = batchSizes();
    size(128);
    let [ran, needed] = [0, 0];
    const sizes = new Set<number>();
    for (let batch = 128; batch >= 1; batch--)
      for (let i = 0; i < 2000; i++) {
        const chosen = size(batch);
        if (chosen < batch) throw new Error(`${batch} examples in a run of ${chosen}`);
        sizes.add(chosen);
        ran += chosen;
        needed += batch;
      }
    expect(ran).toBeLessThan(1.5 * needed);
    expect(sizes.size).toBeLessThanOrEqual(15);
  });

  it("is soon its own for a network whose rows cost more than a compilation", () => {
    const large = batchSizes(() => rowsOfCompilation(8e9));
    large(8);
    expect([5, 5, 5].map(large)).toEqual([8, 6, 6]);
    const small = batchSizes(() => rowsOfCompilation(1e6));
    small(8);
    expect([5, 5, 5].map(small)).toEqual([8, 8, 8]);
  });

  it("grows for a batch larger than all before", () => {
    const size = batchSizes();
    size(10);
    expect(size(100)).toBe(128);
  });
});

it("padding does not change results", async () => {
  const input = { shape: [3, 16, 16], classes: 5, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] };
  const network = architecture("cnn-small", input);
  const parameters = initialParameters(network, keyOf(1));
  const keys = keysFor(keyOf(2), [...Array(7).keys()]);
  const x = uniform(keys, [7, ...input.shape]);
  const labels = keys.map((_, i) => i % 5);
  const runtime = await nodeRuntime({ threads: 1 });
  const [exact, shared] = [0, 1].map(() => classifier(runtime, network, parameters));
  await shared.logits(x, keys); // 7 is the first size; 5 will run in it
  for (const kind of ["ce", "margin", "dlr"] as const) {
    const five = [0, 2, 3, 5, 6];
    const take = <T>(all: readonly T[]) => five.map((i) => all[i]);
    const ask = [takeRows(x, five), { kind, labels: take(labels) }, take(keys)] as const;
    const [alone, padded] = [
      await exact.lossAndGradient(...ask),
      await shared.lossAndGradient(...ask),
    ];
    expect(padded.gradient.shape).toEqual(alone.gradient.shape);
    expect([...padded.losses].length).toBe(5);
    for (const [i, loss] of padded.losses.entries()) expect(loss).toBeCloseTo(alone.losses[i], 5);
    for (const [i, v] of padded.gradient.data.entries())
      expect(Math.abs(v - alone.gradient.data[i])).toBeLessThan(1e-6);
    expect((await shared.logits(ask[0], ask[2])).data.length).toBe(25);
  }
  await Promise.all([exact.release(), shared.release()]);
});

it("an answer reuses the arrays of an earlier one with as many rows", async () => {
  const input = { shape: [3, 8, 8], classes: 5, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] };
  const network = architecture("cnn-small", input);
  const runtime = await nodeRuntime({ threads: 1 });
  const model = classifier(runtime, network, initialParameters(network, keyOf(1)));
  const keys = keysFor(keyOf(2), [0, 1, 2, 3]);
  const labels = [0, 1, 2, 3];
  const loss = { kind: "ce", labels } as const;
  const [x, y] = [1, 2].map((seed) => uniform(keysFor(keyOf(seed), labels), [4, 3, 8, 8]));
  const expected = await model.lossAndGradient(y, loss, keys);
  const first = await model.lossAndGradient(x, loss, keys);
  expect(first.gradient.data).not.toEqual(expected.gradient.data);
  const second = await model.lossAndGradient(y, loss, keys, { reuse: first });
  expect(second).toEqual(expected);
  expect(second.gradient.data.buffer).toBe(first.gradient.data.buffer);
  expect(second.logits.data.buffer).toBe(first.logits.data.buffer);
  // Fewer rows run padded, in a separate array.
  const three = takeRows(y, [0, 1, 2]);
  const fewer = await model.lossAndGradient(
    three,
    { kind: "ce", labels: [0, 1, 2] },
    keys.slice(0, 3),
    { reuse: second },
  );
  expect(fewer.gradient.shape).toEqual([3, 3, 8, 8]);
  for (const [i, slope] of fewer.gradient.data.entries())
    expect(Math.abs(slope - expected.gradient.data[i])).toBeLessThan(1e-6);
  const again = await model.lossAndGradient(y, loss, keys, { reuse: fewer });
  expect(again).toEqual(expected);
  await model.release();
});
