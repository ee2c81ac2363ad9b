import { z } from "zod";
import type { Npy } from "../data/npy.ts";
import { npzBytes, parseNpz } from "../data/npz.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { readBytes } from "../files/read/node.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { concatRows, elementCount, rows, type Tensor, tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import {
  BATCH_CHECKED,
  batchDependence,
  describeDependence,
  oneByOne,
} from "../models/batch-dependence.ts";
import { type Classifier, classifier } from "../models/classifier.ts";
import { openModelInNode } from "../models/opening/node.ts";
import { type Context, command } from "./kit/command.ts";
import { Device, fileOptions, modelOptions, Threads } from "./kit/options.ts";
import { writeOutput } from "./kit/outputs.ts";

/** An array of the input file in float32. Throws `UsageError` if it is absent. */
function floats(path: string, name: string, array: Npy | undefined): Tensor {
  if (array === undefined)
    throw new UsageError(`${path} holds no array ${name}; x [n, ...pixels] and y [n] are needed`, {
      code: "bad-file",
    });
  return tensor(array.shape, Float32Array.from(array.data as ArrayLike<number>, Number));
}

function labelsOf(path: string, y: Tensor, count: number, classes: number): number[] {
  const labels = Array.from(y.data);
  if (labels.length !== count)
    throw new UsageError(`${path} holds ${count} images in x and ${labels.length} labels in y`, {
      code: "bad-file",
    });
  const wrong = labels.find((label) => !(Number.isInteger(label) && label >= 0 && label < classes));
  if (wrong !== undefined)
    throw new UsageError(`y holds ${wrong}, but the model has outputs 0 to ${classes - 1}`, {
      code: "misfit",
    });
  return labels;
}

/** Losses [n], logits [n, classes] and gradients [n, ...pixels]. */
interface Answer {
  readonly losses: Tensor;
  readonly logits: Tensor;
  readonly gradient: Tensor;
}

interface GradientOptions {
  readonly loss: "ce" | "margin" | "dlr";
  /** Images per run. */
  readonly batch: number;
  readonly signal: AbortSignal;
}

/** Runs the network on x [n, ...pixels] in batches, then releases it. Null if the signal stopped it. */
async function gradientOf(
  network: Classifier,
  x: Tensor,
  labels: readonly number[],
  { loss, batch, signal }: GradientOptions,
): Promise<Answer | null> {
  const parts: Answer[] = [];
  try {
    for (let from = 0; from < labels.length; from += batch) {
      if (signal.aborted) return null;
      const to = Math.min(from + batch, labels.length);
      const indices = Array.from({ length: to - from }, (_, i) => from + i);
      const found = await network.lossAndGradient(
        rows(x, from, to),
        { kind: loss, labels: labels.slice(from, to) },
        keysFor(keyOf(0), indices),
      );
      parts.push({ ...found, losses: tensor([to - from], found.losses) });
    }
  } finally {
    await network.release();
  }
  if (signal.aborted) return null;
  const joined = (name: keyof Answer) => concatRows(parts.map((part) => part[name]));
  return { losses: joined("losses"), logits: joined("logits"), gradient: joined("gradient") };
}

/** `rampart gradient`: writes losses, logits and ∂loss/∂x for given arrays, to compare with another implementation. */
export const gradientCommand = command({
  summary: "Write the losses, logits and gradients of a model for given arrays.",
  options: z.strictObject({
    input: z.string().describe("the .npz file with x [n, ...pixels] in [0, 1] and labels y [n]"),
    out: z
      .string()
      .describe("the .npz file to write losses [n], logits [n, classes] and gradient [as x] to"),
    loss: z
      .enum(["ce", "margin", "dlr"])
      .default("ce")
      .describe("loss to differentiate with respect to x"),
    batch: z.int().positive().default(32).describe("images per run"),
    device: Device,
    threads: Threads,
    ...modelOptions,
  }),
  positionals: ["model"],
  files: { inputs: ["model", "input"], outputs: { out: "stream" } },
  examples: [
    "rampart gradient model.onnx --input xy.npz --out gradient.npz",
    "rampart gradient model.onnx --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --input xy.npz --out g.npz",
  ],
  async run({ model: path, input, out, loss, batch, device, threads, ...file }, context: Context) {
    const arrays = parseNpz(input, await readBytes(input));
    const x = floats(input, "x", arrays.get("x"));
    const runtime = await nodeRuntime({ device, threads });
    const shape = x.shape.slice(1);
    const model = await openModelInNode(path, { ...fileOptions(file), images: shape, runtime });
    for (const { text } of model.notes ?? []) context.note(text);
    for (const sentence of model.head ?? []) context.note(sentence);
    const { inputShape, classes } = model.architecture;
    if (elementCount(inputShape) !== elementCount(shape))
      throw new UsageError(
        `x has images of [${shape.join(", ")}], the model takes [${inputShape.join(", ")}]`,
        { code: "misfit" },
      );
    const labels = labelsOf(input, floats(input, "y", arrays.get("y")), x.shape[0], classes);
    const inputs = tensor([x.shape[0], ...inputShape], x.data);
    const dependence = await batchDependence(runtime, model.architecture, {
      images: rows(inputs, 0, Math.min(BATCH_CHECKED, labels.length)),
      size: batch,
    });
    // A file with a fixed batch cannot run a single image.
    const fixed = model.architecture.fixedBatch ?? 1;
    const keepsBatches = fixed > 1 && batch % fixed === 0 && labels.length % fixed === 0;
    if (dependence !== null)
      context.note(
        `${describeDependence(dependence)}; the written values are for ${keepsBatches ? `the file's own batches of ${fixed}, in the order given` : "each image alone"}`,
      );
    const architecture =
      dependence === null || keepsBatches ? model.architecture : oneByOne(model.architecture);
    const network = classifier(runtime, architecture, model.parameters);
    const answer = await gradientOf(network, inputs, labels, {
      loss,
      batch,
      signal: context.signal,
    });
    if (answer === null) return;
    const gradient = tensor(x.shape, answer.gradient.data);
    await writeOutput(
      context,
      out,
      npzBytes({ losses: answer.losses, logits: answer.logits, gradient }),
    );
    context.emit({ event: "file", path: out });
    context.print(`losses, logits and gradients of ${labels.length} images: ${out}`);
  },
});
