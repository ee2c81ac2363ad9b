import { z } from "zod";
import { margin, marginsOf } from "../losses/margin.ts";
import { fold, foldAll, type Key } from "../math/random.ts";
import { rowSize, type Tensor, tensor } from "../math/tensor.ts";
import { type Point, pointsAt } from "./cw-point.ts";
import { defineAttack } from "./define-attack.ts";
import { gather } from "./examples.ts";
import { checkGradient, checkInputs, checkLabels } from "./preconditions.ts";
import type { Labels, LossAndGradient, Minimized, Victim } from "./victim.ts";

/** The schema of the options of `cw`. */
export const CwOptions = z.strictObject({
  steps: z.int().positive().default(60).describe("gradient steps of each search of C&W"),
  searches: z
    .int()
    .positive()
    .default(9)
    .describe("searches of C&W: values of the constant c tried per image"),
  learningRate: z.number().positive().default(0.01).describe("Adam's learning rate in C&W"),
  initialConstant: z
    .number()
    .positive()
    .default(1e-3)
    .describe("first value of the constant c of C&W, a dimensionless factor"),
  confidence: z.number().nonnegative().default(0).describe("margin κ of C&W, in logits"),
  abortEarly: z.boolean().default(true).describe("end a search of C&W once its loss stops falling"),
});
type Options = z.output<typeof CwOptions>;

/** Options of `cw` as a caller gives them. */
export type CwSettings = z.input<typeof CwOptions>;

/** The state of one image. Each image is at its own search and step. Arrays are [pixels]. */
interface Image {
  readonly label: number;
  readonly key: Key;
  readonly point: Point;
  /** The margin at x and its gradient: the first step of every search. */
  readonly start: { readonly margin: number; readonly gradient: Float32Array };
  /** The closest adversarial x′ of all searches, or x if none was found yet; a row of the result. */
  readonly nearest: Float32Array;
  /** ‖nearest − x‖₂²; infinite until a point is found. */
  distance: number;
  search: number;
  step: number;
  /** The constant c, between the largest that failed and the smallest that succeeded. */
  c: number;
  low: number;
  high: number;
  succeeded: boolean;
  /** The loss at the last check for early stopping. */
  lastLoss: number;
}

/**
 * The ℓ2 attack of Carlini & Wagner (2017, arXiv:1608.04644, §V–VI.A), untargeted: minimises ‖x′ − x‖₂² + c·f(x′) by Adam
 * over w, x′ = (tanh w + 1)/2, with f = max(z_label − max z_j + κ, 0) and a search for the smallest c per image.
 *
 * Every point that a step reaches is judged, including the last point. x is queried once, for the first step of all
 * searches. Each image ends its searches independently and then leaves the batch, so finished images cost no queries.
 * For a randomised victim that averages its draws, f and success use the mean logits.
 *
 * @example
 * ```ts
 * import { classifier, cw, keyOf, keysFor, nodeRuntime, openDataset, openModel } from "rampart/node";
 *
 * const { architecture, parameters } = await openModel("runs/at");
 * const network = classifier(await nodeRuntime(), architecture, parameters);
 * const { test } = await openDataset("shapes");
 * const attack = cw({ searches: 2, steps: 5 });
 * const keys = keysFor(keyOf(0), [0, 1]);
 * const labels = [test.labels[0], test.labels[1]];
 * const { adversarial, found } = await attack.minimize(network, test.images([0, 1]), labels, keys);
 * console.log(adversarial.shape, found);
 * ```
 */
export const cw = defineAttack({
  kind: "minimum-norm",
  name: "cw",
  norms: ["l2"],
  summary: "the ℓ2 attack of Carlini and Wagner, with a search for the constant per image",
  source: "Carlini & Wagner 2017, arXiv:1608.04644",
  options: CwOptions,
  make: (options) => ({
    minimize: (victim, x, labels, keys) => minimize(options, victim, x, labels, keys),
  }),
});

async function minimize(
  resolved: Options,
  victim: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<Minimized> {
  checkInputs(x, labels, keys);
  const adversarial = tensor(x.shape, x.data.slice());
  const row = rowSize(x);
  const first = await victim.lossAndGradient(x, margin(labels), foldAll(keys, 0));
  checkLabels(labels, first.logits);
  checkGradient(first.gradient);
  const margins = marginsOf(first.logits, labels);
  const rowOf = ({ data }: Tensor, i: number) => data.subarray(i * row, (i + 1) * row);
  const points = pointsAt(labels.map((_, i) => rowOf(x, i)));
  const images = labels.map((label, i): Image => {
    const start = { margin: margins[i], gradient: rowOf(first.gradient, i) };
    return {
      label,
      key: keys[i],
      point: points[i],
      start,
      nearest: rowOf(adversarial, i),
      ...untried(resolved),
    };
  });
  for (const image of images) {
    judge(image, image.start.margin, resolved);
    beginSearch(image, resolved);
  }

  let answer: LossAndGradient | undefined;
  let running = images.filter(({ distance }) => distance > 0);
  while (running.length > 0) {
    const own = running.map(({ label }) => label);
    answer = await victim.lossAndGradient(
      gather(
        running.map(({ point }) => point.pixels),
        x.shape,
      ),
      margin(own),
      // Searches count from 1: fold(key, 0) was spent on x.
      running.map(({ key, search, step }) => fold(fold(key, search), step)),
      { reuse: answer },
    );
    const { logits, gradient } = answer;
    checkGradient(gradient);
    // Of the logits: the mean of the draws' margins would be larger than the margin of their mean.
    const reached = marginsOf(logits, own);
    running = running.filter((image, i) => {
      judge(image, reached[i], resolved);
      return advance(image, reached[i], rowOf(gradient, i), resolved);
    });
  }
  return {
    adversarial,
    found: images.map(({ distance }) => distance < Number.POSITIVE_INFINITY),
  };
}

const untried = ({ initialConstant }: Options) => ({
  distance: Number.POSITIVE_INFINITY,
  search: 0,
  step: 0,
  c: initialConstant,
  low: 0,
  high: 1e10,
  succeeded: false,
  lastLoss: 0,
});

/** Keeps the point if its margin is above κ and it is closer than all before; a margin of exactly κ does not count. */
function judge(image: Image, margin: number, { confidence }: Options): void {
  const { point, nearest } = image;
  if (!(margin > confidence)) return;
  image.succeeded = true;
  if (point.distance >= image.distance) return;
  image.distance = point.distance;
  nearest.set(point.pixels);
}

/** Starts the next search at x, with the stored gradient. */
function beginSearch(image: Image, options: Options): void {
  image.point.reset();
  image.search++;
  image.step = 0;
  image.succeeded = false;
  // Not the loss at x: Adam's first steps may overshoot a close boundary and raise the loss.
  image.lastLoss = Number.POSITIVE_INFINITY;
  takeStep(image, image.start.margin, image.start.gradient, options);
}

/** Takes the next step of the image's search, or the first step of its next search. False after the last search. */
function advance(image: Image, margin: number, slope: Float32Array, options: Options): boolean {
  if (!searchEnds(image, margin, options)) takeStep(image, margin, slope, options);
  else if (image.search === options.searches) return false;
  else {
    chooseConstant(image);
    beginSearch(image, options);
  }
  return true;
}

/** Whether the search ends: after its last step, or when a tenth of the steps lowered the loss by less than a share of 1e-4. */
function searchEnds(image: Image, margin: number, options: Options): boolean {
  if (image.step === options.steps) return true;
  if (!options.abortEarly || image.step % Math.max(1, Math.floor(options.steps / 10)) !== 0)
    return false;
  const loss = image.point.distance + image.c * hinge(margin, options);
  if (loss > 0.9999 * image.lastLoss) return true;
  image.lastLoss = loss;
  return false;
}

/** Multiplies c by 10 until a constant succeeds, then bisects between the largest failure and the smallest success. */
function chooseConstant(image: Image): void {
  if (image.succeeded) image.high = Math.min(image.high, image.c);
  else image.low = Math.max(image.low, image.c);
  image.c = image.high < 1e9 ? (image.low + image.high) / 2 : image.c * 10;
}

/** f = max(κ − margin, 0). */
const hinge = (margin: number, { confidence }: Options) => Math.max(confidence - margin, 0);

/** ∂f/∂x′ is minus the margin's gradient where f > 0, and 0 at the kink. */
function takeStep(image: Image, margin: number, slope: Float32Array, options: Options): void {
  image.step++;
  const weight = hinge(margin, options) > 0 ? -image.c : 0;
  image.point.descend(slope, weight, image.step, options.learningRate);
}
