// The input of a benchmark: a network with weights, images, and the amount of work.

import type { Dataset, Split } from "../data/dataset.ts";
import { dataFound, openDatasetInNode } from "../data/node.ts";
import { rowSize, type Tensor, takeRows, tensor } from "../math/tensor.ts";
import type { Architecture, InputSpec, Parameters } from "../models/architecture.ts";
import { architecture } from "../models/architectures.ts";
import { initialParameters } from "../models/initial.ts";
import { openModelInNode } from "../models/opening/node.ts";
import { runKey } from "../train/streams.ts";

/** A gradient of one batch, a training step (of our own architectures, on training images), or an evaluation. */
export type Kind = "gradient" | "training" | "evaluation";

/** Amount of work. Benchmarks without an attack use `images` only. */
export interface Effort {
  /** Images of one measurement; for training, the images that steps choose from. */
  readonly images: number;
  /** Gradient steps of the attack. */
  readonly steps: number;
  /** Values of the constant c that C&W tries per image. */
  readonly searches: number;
  /** Noise draws averaged per gradient step. */
  readonly eot: number;
  /** Noise draws that each image is scored on. */
  readonly draws: number;
}

/** A network with weights and its images. */
export interface Task {
  readonly network: Architecture;
  /** Empty for an imported file, whose weights are in its graph. */
  readonly parameters: Parameters;
  readonly input: InputSpec;
  /** `uniform:0.2`; null for a deterministic classifier. */
  readonly noise: string | null;
  /** [image, channel, height, width] in [0, 1]. */
  readonly x: Tensor;
  readonly labels: readonly number[];
  /** Rows per run of the network. */
  readonly batch: number;
  readonly effort: Effort;
  readonly seed: number;
  /** Path of an imported .onnx file; null for our own architectures. */
  readonly file: string | null;
}

/**
 * Opens an architecture by name (with its initial weights), a run directory, a checkpoint or an .onnx file, and the images to
 * benchmark it on.
 */
export async function benchModel(
  model: string,
  {
    data,
    preferred = "shapes",
    dataDir,
    seed,
  }: {
    /** Data set; by default the one that the model was trained on, else `preferred`, else `shapes`. */
    readonly data?: string | undefined;
    readonly preferred?: string;
    readonly dataDir?: string | undefined;
    readonly seed: number;
  },
) {
  const options = dataDir === undefined ? {} : { dataDir };
  async function dataset(wanted: string): Promise<Dataset> {
    const found = (await dataFound(options)).find(({ name }) => name === wanted);
    return openDatasetInNode(data ?? (found?.path == null ? "shapes" : wanted), options);
  }
  if (!/[./\\]/.test(model)) {
    const data = await dataset(preferred);
    const input = { ...data, classes: data.classes.length };
    const { shape, classes, mean, std } = input;
    const network = architecture(model, input);
    const parameters = initialParameters(network, runKey(seed, "initial"));
    return {
      network,
      parameters,
      noise: null,
      file: null,
      dataset: data,
      input: { shape, classes, mean, std },
    };
  }
  const opened = await openModelInNode(model);
  const { architecture: network, parameters, input, noise } = opened;
  const file = Object.keys(parameters).length === 0 ? model : null;
  return {
    network,
    parameters,
    input,
    noise,
    file,
    dataset: await dataset(opened.data || preferred),
  };
}

/** The task of a model: the first images of the split that this kind of work uses, resized to the network's input. */
export function benchTask(
  { dataset, ...model }: Awaited<ReturnType<typeof benchModel>>,
  { kind, ...rest }: { readonly kind: Kind } & Pick<Task, "batch" | "effort" | "seed">,
): Task {
  const source = dataset[kind === "training" ? "train" : "test"];
  const indices = Array.from({ length: rest.effort.images }, (_, i) => i % source.size);
  return {
    ...model,
    ...rest,
    x: enlarged(source.images(indices), model.network.inputShape),
    labels: indices.map((index) => source.labels[index] % model.network.classes),
  };
}

/** Resizes images [n, c, h, w] to another input shape by nearest neighbour, repeating channels in turn. */
function enlarged(x: Tensor, shape: Architecture["inputShape"]): Tensor {
  const [images, channels, height, width] = x.shape;
  if (x.shape.slice(1).join() === shape.join()) return x;
  const [wantedChannels, wantedHeight, wantedWidth] = shape;
  const out = tensor([images, ...shape]);
  for (let i = 0; i < out.data.length; i++) {
    const column = Math.floor(((i % wantedWidth) * width) / wantedWidth);
    const line = Math.floor(i / wantedWidth);
    const row = Math.floor(((line % wantedHeight) * height) / wantedHeight);
    const channel = (Math.floor(line / wantedHeight) % wantedChannels) % channels;
    const image = Math.floor(i / rowSize(out));
    out.data[i] = x.data[((image * channels + channel) * height + row) * width + column];
  }
  return out;
}

/** The task's images as a split of `size` examples, repeated as needed. */
export const splitOfTask = ({ x, labels }: Task, size = labels.length): Split => ({
  size,
  labels: Array.from({ length: size }, (_, i) => labels[i % labels.length]),
  images: (indices) =>
    takeRows(
      x,
      indices.map((index) => index % labels.length),
    ),
});

/** The task's images as a data set with `size` training examples. */
export function datasetOfTask(task: Task, size: number): Dataset {
  const { shape, classes, mean, std } = task.input;
  const names = Array.from({ length: classes }, (_, i) => `class ${i}`);
  const train = splitOfTask(task, size);
  return { name: "bench", shape, classes: names, mean, std, train, test: splitOfTask(task) };
}
