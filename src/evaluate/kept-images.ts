import { npzBytes, parseNpz } from "../data/npz.ts";
import { concatRows, type Tensor, tensor } from "../math/tensor.ts";
import type { Scored } from "./evaluate.ts";
import type { Row } from "./row.ts";

/** What the arrays of one attack are called: `pgd-linf@0.031`. */
export const imageName = ({ attack, epsilon }: Pick<Row, "attack" | "epsilon">): string =>
  epsilon === null ? attack : `${attack}@${epsilon}`;

/** Images of the first examples, kept for a report as `ROWS.examples.npz`. */
export interface KeptImages {
  /** Whether it was kept: there was room. */
  add(scored: Scored): boolean;
  /** An .npz of `NAME/index` [n], `NAME/original` and `NAME/adversarial` [n, channel, height, width], per attack. */
  bytes(): Uint8Array;
  readonly size: number;
}

interface Kept {
  readonly indices: number[];
  readonly originals: Tensor[];
  readonly adversarials: Tensor[];
}

/** Keeps the images of at most `maxImages` examples per attack; `before` holds those of an interrupted evaluation. */
export function keptImages(maxImages: number, before?: Uint8Array): KeptImages {
  const kept = new Map<string, Kept>();
  const of = (name: string): Kept => {
    const found = kept.get(name) ?? { indices: [], originals: [], adversarials: [] };
    kept.set(name, found);
    return found;
  };
  if (before !== undefined) restore(before, of);
  return {
    add({ row, original, adversarial }) {
      const { indices, originals, adversarials } = of(imageName(row));
      if (indices.length >= maxImages || indices.includes(row.index)) return false;
      indices.push(row.index);
      originals.push(original);
      adversarials.push(adversarial);
      return true;
    },
    bytes: () =>
      npzBytes(
        Object.fromEntries(
          [...kept].flatMap(([name, { indices, originals, adversarials }]) => [
            [`${name}/index`, tensor([indices.length], indices)],
            [`${name}/original`, concatRows(originals)],
            [`${name}/adversarial`, concatRows(adversarials)],
          ]),
        ),
      ),
    get size() {
      return Math.max(0, ...[...kept.values()].map(({ indices }) => indices.length));
    },
  };
}

function restore(bytes: Uint8Array, of: (name: string) => Kept): void {
  const arrays = parseNpz("examples", bytes);
  for (const [key, { data }] of arrays) {
    if (!key.endsWith("/index")) continue;
    const name = key.slice(0, -"/index".length);
    const kept = of(name);
    const image = (part: string, i: number): Tensor | undefined => {
      const array = arrays.get(`${name}/${part}`);
      if (array === undefined || !(array.data instanceof Float32Array)) return undefined;
      const size = array.data.length / array.shape[0];
      const shape = [1, ...array.shape.slice(1)];
      return tensor(shape, array.data.slice(i * size, (i + 1) * size));
    };
    for (let i = 0; i < data.length; i++) {
      const [original, adversarial] = [image("original", i), image("adversarial", i)];
      if (original === undefined || adversarial === undefined) continue;
      kept.indices.push(Number(data[i]));
      kept.originals.push(original);
      kept.adversarials.push(adversarial);
    }
  }
}
