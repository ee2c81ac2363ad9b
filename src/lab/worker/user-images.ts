// The user's images in the size of the open model.
import { sizingOf } from "../../audit/preparation.ts";
import { greyLevels } from "../../data/grey.ts";
import { pillowRules } from "../../data/image-rules.ts";
import { decodeInPage } from "../../data/image-tensor.ts";
import type { Preprocessing } from "../../data/preprocessing.ts";
import { type Sizing, sizer } from "../../data/sizing.ts";
import { UsageError } from "../../index.ts";
import { messageOf } from "../../math/message-of.ts";
import type { ImageFile, ModelFacts, Picture } from "../protocol.ts";

/** The steps that bring images to [height, width]: those that a file states, or the smallest size that covers it, and its middle. */
export function sizingTo([, height, width]: readonly number[], stated: Preprocessing): Sizing {
  const { resize, crop } = stated;
  if (resize !== undefined || crop !== undefined) return sizingOf(stated);
  const sides = [height, width];
  return { resize: sides, fit: "cover", crop: sides };
}

/** The output that a folder names: by the name of a class, or by its number. */
function labelOf(folder: string | null, classes: readonly string[]): number | null {
  if (folder === null) return null;
  const wanted = folder.toLowerCase();
  const named = classes.findIndex((name) => name.toLowerCase() === wanted);
  if (named >= 0) return named;
  return /^\d+$/.test(folder) && Number(folder) < classes.length ? Number(folder) : null;
}

/** The pixels of an image file in the model's size, in [0, 1]. Throws `UsageError` for a file that is not an image. */
async function pixelsOf(
  { name, blob }: ImageFile,
  shape: readonly number[],
  stated: Preprocessing,
): Promise<Float32Array> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const decoded = await decodeInPage(bytes, pillowRules).catch((cause: unknown) => {
    throw new UsageError(`${name} is not a readable image: ${messageOf(cause)}`, {
      code: "bad-file",
      cause,
    });
  });
  const { shape: found, pixels } = sizer(sizingTo(shape, stated))?.(decoded) ?? decoded;
  const [channels, height, width] = shape;
  if (found[1] !== height || found[2] !== width)
    throw new UsageError(
      `${name} has ${found[1]}×${found[2]} pixels after resizing as the preprocessing file says, and the model takes ${height}×${width}`,
      { code: "misfit" },
    );
  const levels = new Float32Array(channels === 3 ? pixels : greyLevels(pixels));
  return levels.map((level) => level / 255);
}

/** Image files as pictures of the model's shape. Throws `UsageError` for a file that is not an image. */
export async function userPictures(
  files: readonly ImageFile[],
  { shape, classes }: ModelFacts,
  sizing: Preprocessing,
): Promise<Picture[]> {
  const [channels] = shape;
  if (shape.length !== 3 || (channels !== 1 && channels !== 3))
    throw new UsageError(
      `the model takes inputs of the shape ${shape.join("×")}, which are not images of 1 or 3 channels`,
      { code: "misfit" },
    );
  const pictures: Picture[] = [];
  for (const file of files) {
    const pixels = await pixelsOf(file, shape, sizing);
    pictures.push({ name: file.name, pixels, shape, label: labelOf(file.folder, classes) });
  }
  return pictures;
}
