// The user's images in the size of the open model.
import type { Preprocessing } from "../../data/preprocessing.ts";
import { imageTensor, UsageError } from "../../index.ts";
import type { ImageFile, ModelFacts, Picture } from "../protocol.ts";

/** Steps that bring an image to [height, width]: those that a file states, or the shorter side and a crop of the middle. */
function sizingTo(
  [, height, width]: readonly number[],
  { resize, crop, interpolation }: Preprocessing,
) {
  if (resize !== undefined || crop !== undefined) return { resize, crop, interpolation };
  if (height === width) return { resize: [height], crop: [height, width] };
  return { resize: [height, width] };
}

/** The output that a folder names: by the name of a class, or by its number. */
function labelOf(folder: string | null, classes: readonly string[]): number | null {
  if (folder === null) return null;
  const wanted = folder.toLowerCase();
  const named = classes.findIndex((name) => name.toLowerCase() === wanted);
  if (named >= 0) return named;
  return /^\d+$/.test(folder) && Number(folder) < classes.length ? Number(folder) : null;
}

/** Image files as pictures of the model's shape. Throws `UsageError` for a file that is no image. */
export async function userPictures(
  files: readonly ImageFile[],
  { shape, classes }: ModelFacts,
  sizing: Preprocessing,
): Promise<Picture[]> {
  const [channels] = shape;
  if (shape.length !== 3 || (channels !== 1 && channels !== 3))
    throw new UsageError(
      `the model takes inputs of the shape ${shape.join("×")}, which are no images of 1 or 3 channels`,
      { code: "misfit" },
    );
  const pictures: Picture[] = [];
  for (const { name, blob, folder } of files) {
    const { data } = await imageTensor(blob, { channels, ...sizingTo(shape, sizing) }).catch(
      (cause: unknown) => {
        if (!(cause instanceof UsageError)) throw cause;
        throw new UsageError(`${name}: ${cause.message}`, { code: cause.code, cause });
      },
    );
    pictures.push({ name, pixels: data, shape, label: labelOf(folder, classes) });
  }
  return pictures;
}
