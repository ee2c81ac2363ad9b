// Noise is a fifth of the time of a small network's gradient, and what comes next is known: it is drawn while the network runs.

import type { Key } from "../math/random.ts";
import { rowSize, type Shape, sizeOf, type Tensor, tensor } from "../math/tensor.ts";
import type { Noise } from "./noise.ts";

/** Draws the noise of this name somewhere else; rejects where that is not possible. */
export type DrawElsewhere = (
  noise: string,
  keys: readonly Key[],
  shape: Shape,
) => Promise<Float32Array<ArrayBuffer>>;

/** What is being drawn. */
interface Prefetched {
  readonly keys: readonly Key[];
  readonly shape: Shape;
  /** The row of each key, by its second word. */
  readonly rows: ReadonlyMap<number, number>;
  /** Null where it could not be drawn. */
  readonly drawn: Promise<Float32Array<ArrayBuffer> | null>;
}

/** Prefetches that wait at once: this batch, the next one, and the first of an attack's next step. */
const MAX_PREFETCHED = 3;

/** Bytes of a prefetch up to which it is drawn ahead, so that waiting noise stays small beside a network's memory. */
const MAX_BYTES = 2 ** 26;

/** The place of a key in a prefetch, −1 where it is not there. */
function rowOf({ keys, rows }: Prefetched, key: Key): number {
  const row = rows.get(key[1]) ?? -1;
  return row >= 0 && keys[row][0] === key[0] ? row : -1;
}

const sameRow = (a: Shape, b: Shape) => a.slice(1).join() === b.slice(1).join();

/** The same noise, which is drawn elsewhere where it is prefetched. */
export function withPrefetch(noise: Noise, elsewhere: DrawElsewhere): Noise {
  let waiting: readonly Prefetched[] = [];
  return {
    ...noise,
    prefetch: {
      start(keys, shape) {
        if (4 * sizeOf(shape) > MAX_BYTES || keys.length === 0) return;
        const prefetched = {
          keys,
          shape,
          rows: new Map(keys.map(([, word], i) => [word, i])),
          drawn: elsewhere(noise.name, keys, shape).catch(() => null),
        };
        waiting = [...waiting, prefetched].slice(-MAX_PREFETCHED);
      },
      async draw(keys, shape) {
        const found = waiting.find(
          (one) => sameRow(one.shape, shape) && keys.length > 0 && rowOf(one, keys[0]) >= 0,
        );
        if (found === undefined) return noise.sample(keys, shape);
        waiting = waiting.filter((one) => one !== found);
        const data = await found.drawn;
        return data === null
          ? noise.sample(keys, shape)
          : gathered(noise, found, data, keys, shape);
      },
    },
  };
}

/** The rows of these keys: those that were prefetched, and the others drawn here. */
function gathered(
  noise: Noise,
  prefetched: Prefetched,
  data: Float32Array<ArrayBuffer>,
  keys: readonly Key[],
  shape: Shape,
): Tensor {
  const places = keys.map((key) => rowOf(prefetched, key));
  if (keys.length === prefetched.keys.length && places.every((place, i) => place === i))
    return tensor(shape, data);
  const size = rowSize({ shape });
  const out = tensor(shape);
  const row = (of: Float32Array, i: number) => of.subarray(i * size, (i + 1) * size);
  const missing = places.flatMap((place, i) => (place < 0 ? [i] : []));
  for (const [i, place] of places.entries()) if (place >= 0) row(out.data, i).set(row(data, place));
  const others = missing.map((i) => keys[i]);
  const own = noise.sample(others, [others.length, ...shape.slice(1)]);
  for (const [i, place] of missing.entries()) row(out.data, place).set(row(own.data, i));
  return out;
}
