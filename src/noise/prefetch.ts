// Draws noise while the network runs: drawing takes a fifth of the time of a small network's gradient.

import type { Key } from "../math/random.ts";
import { elementCount, rowSize, type Shape, type Tensor, tensor } from "../math/tensor.ts";
import type { Noise } from "./noise.ts";

/** Draws the named noise in another thread: keys [batch], shape [batch, ...pixels]. Rejects if it cannot. */
export type DrawElsewhere = (
  noise: string,
  keys: readonly Key[],
  shape: Shape,
) => Promise<Float32Array<ArrayBuffer>>;

/** A prefetch under way. */
interface Prefetched {
  readonly keys: readonly Key[];
  readonly shape: Shape;
  /** The row of each key, by the key's second word. */
  readonly rows: ReadonlyMap<number, number>;
  /** Null if drawing failed. */
  readonly data: Promise<Float32Array<ArrayBuffer> | null>;
}

/** Prefetches held at once: the current batch, the next one, and the noise that a defence adds after its attack. */
const MAX_PREFETCHED = 3;

/** Larger prefetches are ignored: waiting noise should take little memory compared with the network. */
const MAX_BYTES = 2 ** 26;

/** The row of a key in a prefetch, −1 if absent. */
function rowOf({ keys, rows }: Prefetched, key: Key): number {
  const row = rows.get(key[1]) ?? -1;
  return row >= 0 && keys[row][0] === key[0] ? row : -1;
}

/** Whether two batches hold rows of the same shape. */
const hasSameRows = (a: Shape, b: Shape) => a.slice(1).join() === b.slice(1).join();

/** The same noise with a `prefetch` that draws by `elsewhere`. Falls back to drawing here. */
export function withPrefetch(noise: Noise, elsewhere: DrawElsewhere): Noise {
  let waiting: readonly Prefetched[] = [];
  return {
    ...noise,
    prefetch: {
      start(keys, shape) {
        if (4 * elementCount(shape) > MAX_BYTES || keys.length === 0) return;
        const prefetched = {
          keys,
          shape,
          rows: new Map(keys.map(([, word], i) => [word, i])),
          data: elsewhere(noise.name, keys, shape).catch(() => null),
        };
        waiting = [...waiting, prefetched].slice(-MAX_PREFETCHED);
      },
      async draw(keys, shape) {
        const found = waiting.find(
          (one) => hasSameRows(one.shape, shape) && keys.length > 0 && rowOf(one, keys[0]) >= 0,
        );
        if (found === undefined) return noise.sample(keys, shape);
        waiting = waiting.filter((one) => one !== found);
        const data = await found.data;
        return data === null
          ? noise.sample(keys, shape)
          : gathered(noise, found, data, keys, shape);
      },
    },
  };
}

/** Noise [batch, ...pixels] of these keys: prefetched rows are copied, the others drawn here. */
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
  const missingKeys = missing.map((i) => keys[i]);
  const fresh = noise.sample(missingKeys, [missingKeys.length, ...shape.slice(1)]);
  for (const [i, place] of missing.entries()) row(out.data, place).set(row(fresh.data, i));
  return out;
}
