import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Key, keyOf, keysFor } from "../math/random.ts";
import type { Shape } from "../math/tensor.ts";
import { drawNoise } from "./noise.ts";
import { type DrawElsewhere, withPrefetch } from "./prefetch.ts";
import { noiseNamed } from "./table.ts";

const noise = noiseNamed("normal:0.25");
const ROW = [3, 4, 4];
const some = (indices: readonly number[]) => keysFor(keyOf(1), indices);
const shapeOf = (keys: readonly Key[]): Shape => [keys.length, ...ROW];

/** Prefetched noise that counts the rows drawn by the other thread and the rows drawn here. */
function watched(elsewhere?: DrawElsewhere) {
  const rows = { elsewhere: 0, here: 0 };
  const counting = {
    ...noise,
    sample(keys: readonly Key[], shape: Shape) {
      rows.here += keys.length;
      return noise.sample(keys, shape);
    },
  };
  const prefetching = withPrefetch(
    counting,
    elsewhere ??
      (async (name, keys, shape) => {
        rows.elsewhere += keys.length;
        return noiseNamed(name).sample(keys, shape).data as Float32Array<ArrayBuffer>;
      }),
  );
  const prefetch = (keys: readonly Key[]) => prefetching.prefetch?.start(keys, shapeOf(keys));
  const draw = (keys: readonly Key[], shape = shapeOf(keys)) => drawNoise(prefetching, keys, shape);
  return { rows, prefetch, draw };
}

const indices = fc.uniqueArray(fc.nat(30), { maxLength: 12 });

describe("prefetched noise", () => {
  it("has the bits of the noise, whatever was prefetched", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(indices, indices), { maxLength: 8 }), async (calls) => {
        const { prefetch, draw } = watched();
        for (const [prefetched, asked] of calls) {
          prefetch(some(prefetched));
          expect(await draw(some(asked))).toEqual(noise.sample(some(asked), shapeOf(some(asked))));
        }
      }),
    );
  });

  it("does not draw prefetched rows again, nor a subset of them", async () => {
    const { rows, prefetch, draw } = watched();
    prefetch(some([1, 2, 3]));
    await draw(some([1, 2, 3]));
    prefetch(some([4, 5, 6]));
    await draw(some([6, 4]));
    expect(rows).toEqual({ elsewhere: 6, here: 0 });
  });

  it("draws other keys and rows of another shape here", async () => {
    const { rows, prefetch, draw } = watched();
    prefetch(some([1, 2]));
    await draw(some([2, 3, 4]));
    expect(rows).toEqual({ elsewhere: 2, here: 2 });
    prefetch(some([5]));
    expect(await draw(some([5]), [1, 7])).toEqual(noise.sample(some([5]), [1, 7]));
  });

  it("compares both words of a key", async () => {
    const { prefetch, draw } = watched();
    prefetch([[1, 9]]);
    const other: Key[] = [[2, 9]];
    expect(await draw(other)).toEqual(noise.sample(other, shapeOf(other)));
  });

  it("gives a draw to one caller only, who may overwrite it", async () => {
    const { prefetch, draw } = watched();
    prefetch(some([1, 2]));
    const first = await draw(some([1, 2]));
    const before = first.data.slice();
    first.data.fill(7);
    expect((await draw(some([1, 2]))).data).toEqual(before);
  });

  it("draws here if there is no other thread", async () => {
    const { rows, prefetch, draw } = watched(() => Promise.reject(new Error("no threads")));
    prefetch(some([1, 2]));
    expect(await draw(some([1, 2]))).toEqual(noise.sample(some([1, 2]), [2, ...ROW]));
    expect(rows.here).toBe(2);
  });

  it("keeps three prefetches, and none of more than 64 MiB", async () => {
    const { rows, prefetch, draw } = watched();
    for (const i of [1, 2, 3, 4]) prefetch(some([i]));
    for (const i of [1, 2, 3, 4]) await draw(some([i]));
    expect(rows).toEqual({ elsewhere: 4, here: 1 });
    const huge = withPrefetch(noise, () => expect.fail("drew elsewhere"));
    huge.prefetch?.start(some([1]), [1, 2 ** 24 + 1]);
  });
});
