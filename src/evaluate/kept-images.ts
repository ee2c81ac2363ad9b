import { npzBytes, parseNpz } from "../data/npz.ts";
import { concatRows, type Tensor, tensor } from "../math/tensor.ts";
import type { Scored } from "./evaluate.ts";
import type { Row } from "./row.ts";

/** The name of one attack's arrays: `pgd-linf@0.031`. */
export const imageName = ({ attack, epsilon }: Pick<Row, "attack" | "epsilon">): string =>
  epsilon === null ? attack : `${attack}@${epsilon}`;

/** Images of the first examples, kept for a report as `ROWS.examples.npz`. */
export interface KeptImages {
  /** Keeps the images of a result if there is room; returns whether it did. */
  add(scored: Scored): boolean;
  /** Keeps images of an .npz of the same form, in order, while there is room. Returns whether any image was kept. */
  addStored(npz: Uint8Array): boolean;
  /** An .npz of `NAME/index` [n], `NAME/original` and `NAME/adversarial` [n, channel, height, width], per attack. */
  bytes(): Uint8Array;
  /** The same arrays uncompressed, for a file that will be written again with more images. */
  growingBytes(): Uint8Array;
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
  const keep = (name: string, index: number, original: Tensor, adversarial: Tensor): boolean => {
    const { indices, originals, adversarials } = of(name);
    if (indices.length >= maxImages || indices.includes(index)) return false;
    indices.push(index);
    originals.push(original);
    adversarials.push(adversarial);
    return true;
  };
  const arrays = () =>
    Object.fromEntries(
      [...kept].flatMap(([name, { indices, originals, adversarials }]) => [
        [`${name}/index`, tensor([indices.length], indices)],
        [`${name}/original`, concatRows(originals)],
        [`${name}/adversarial`, concatRows(adversarials)],
      ]),
    );
  if (before !== undefined)
    for (const { name, index, original, adversarial } of storedImages(before)) {
      const { indices, originals, adversarials } = of(name);
      indices.push(index);
      originals.push(original);
      adversarials.push(adversarial);
    }
  return {
    add: ({ row, original, adversarial }) => keep(imageName(row), row.index, original, adversarial),
    addStored: (npz) =>
      storedImages(npz)
        .map(({ name, index, original, adversarial }) => keep(name, index, original, adversarial))
        .some((kept) => kept),
    bytes: () => npzBytes(arrays()),
    growingBytes: () => npzBytes(arrays(), 0),
    get size() {
      return Math.max(0, ...[...kept.values()].map(({ indices }) => indices.length));
    },
  };
}

/** One kept image with its attack and radius. */
interface StoredImage {
  readonly name: string;
  readonly index: number;
  readonly original: Tensor;
  readonly adversarial: Tensor;
}

/** The images of an .npz, in order. */
function storedImages(bytes: Uint8Array): StoredImage[] {
  const arrays = parseNpz("examples", bytes);
  const stored: StoredImage[] = [];
  for (const [key, { data }] of arrays) {
    if (!key.endsWith("/index")) continue;
    const name = key.slice(0, -"/index".length);
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
      stored.push({ name, index: Number(data[i]), original, adversarial });
    }
  }
  return stored;
}
