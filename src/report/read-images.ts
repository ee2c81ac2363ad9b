import { type Tensor, tensor } from "../math/tensor.ts";
import type { ImageSet, Tools } from "./evaluation.ts";

type Arrays = ReturnType<Tools["parseNpz"]>;

function imagesIn(arrays: Arrays, name: string, count: number): Tensor | undefined {
  const { shape, data } = arrays.get(name) ?? { shape: [], data: [] };
  const channels = shape[1] ?? 0;
  const fits = shape.length === 4 && shape[0] === count && (channels === 1 || channels === 3);
  return fits ? tensor(shape, Array.from(data, Number)) : undefined;
}

/**
 * The images in the arrays of a ROWS.examples.npz: per attack `NAME/index` [n], `NAME/original` and `NAME/adversarial` [n,
 * channel, height, width]. Incomplete sets are skipped.
 */
export const readImages = (arrays: Arrays): ImageSet[] =>
  [...arrays.keys()]
    .filter((key) => key.endsWith("/index"))
    .flatMap((key) => {
      const name = key.slice(0, -"/index".length);
      const indices = Array.from(arrays.get(key)?.data ?? [], Number);
      const originals = imagesIn(arrays, `${name}/original`, indices.length);
      const adversarials = imagesIn(arrays, `${name}/adversarial`, indices.length);
      return originals === undefined || adversarials === undefined
        ? []
        : [{ name, indices, originals, adversarials }];
    });
