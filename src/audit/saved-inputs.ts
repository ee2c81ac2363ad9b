// The first test images as the network sees them, so that a user can check resizing, cropping and normalisation.
import type { Dataset } from "../data/dataset.ts";
import { type NamedArray, npzBytes } from "../data/npz.ts";
import type { Architecture } from "../models/architecture.ts";
import { type InputRuntime, networkInput } from "../models/network-input.ts";
import { pngBytes } from "../report/png.ts";
import { exampleName } from "./example-images.ts";

/** A network, its test images, and how many of them are written. */
export interface SavedInputs {
  readonly runtime: InputRuntime;
  readonly architecture: Architecture;
  readonly dataset: Dataset;
  /** Number of test images, from the first one on. */
  readonly count: number;
}

/**
 * Files by name: a PNG of each image after resizing and cropping, and `inputs.npz`. The latter holds `x` (the input of the
 * network's first layer, in the network's own axes; absent if the network does not state its preprocessing), `pixels` [image, channel,
 * height, width] in [0, 1], labels `y`, `index`, and `file` where images are files.
 */
export async function inputFiles({
  runtime,
  architecture,
  dataset,
  count,
}: SavedInputs): Promise<Map<string, Uint8Array>> {
  const { test } = dataset;
  const indices = Array.from({ length: Math.min(count, test.size) }, (_, i) => i);
  const pixels = test.images(indices);
  const input = await networkInput(runtime, architecture, pixels);
  const shape = [indices.length];
  const arrays: Record<string, NamedArray> = {
    pixels,
    y: { data: Int32Array.from(indices, (index) => test.labels[index]), shape },
    index: { data: Int32Array.from(indices), shape },
  };
  if (input !== null) arrays.x = input;
  const { files } = test;
  if (files !== undefined) arrays.file = { data: indices.map((index) => files[index]), shape };
  const written = new Map<string, Uint8Array>();
  for (const index of indices)
    written.set(`${exampleName(index, files?.[index])}.png`, pngBytes(pixels, index));
  return written.set("inputs.npz", npzBytes(arrays));
}
