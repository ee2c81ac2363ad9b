// What the defences for certificates share: several noisy copies of a batch in one forward pass.
import { z } from "zod";
import { add, concat, mul, scalarLike, sliceAxis } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { foldAll, type Key } from "../math/random.ts";
import type { Shape, Tensor } from "../math/tensor.ts";
import { drawNoise, type Noise, underDraw } from "../noise/noise.ts";
import { NoiseOption } from "./injected-noise.ts";
import type { LossInputs } from "./objective.ts";

/** The noise of a defence for certificates, normal by default. */
export const NormalNoise = z.strictObject({ noise: NoiseOption });

const nameOf = (copy: number): string => `copy${copy}`;

/** The arrays of `copies` batches of this shape. */
export const copiesOf = (copies: number, images: Shape): Readonly<Record<string, Shape>> =>
  Object.fromEntries(Array.from({ length: copies }, (_, i) => [nameOf(i), images]));

/** The feeds of `copiesOf`: copies [batch, ...pixels]. */
export const copyFeeds = (copies: readonly Tensor[]): Readonly<Record<string, Tensor>> =>
  Object.fromEntries(copies.map((copy, i) => [nameOf(i), copy]));

/** Independent draws η [batch, ...pixels], one per copy; the keys of copy i are folded by i. */
export async function drawCopies(
  noise: Noise,
  copies: number,
  keys: readonly Key[],
  shape: Shape,
): Promise<readonly Tensor[]> {
  const draws: Tensor[] = [];
  for (let i = 0; i < copies; i++) draws.push(await drawNoise(noise, foldAll(keys, i), shape));
  return draws;
}

/** The images x [batch, ...pixels] under each draw. */
export const underDraws = (noise: Noise, x: Tensor, draws: readonly Tensor[]): Tensor[] =>
  draws.map((drawn) => underDraw(noise, x, drawn));

/**
 * The logits [batch, classes] of each copy. All copies are one batch of the network, whose batch norms see all of them, as in
 * the authors' code of all three defences.
 */
export function logitsOfCopies({ network, arrays, oneHot }: LossInputs, copies: number): Value[] {
  const [batch] = oneHot.shape;
  const all = network(
    concat(
      Array.from({ length: copies }, (_, i) => arrays[nameOf(i)]),
      0,
    ),
  );
  return Array.from({ length: copies }, (_, i) => sliceAxis(all, 0, i * batch, (i + 1) * batch));
}

/** The mean of values of one shape, such as [batch, classes]. */
export const meanOf = (values: readonly Value[]): Value =>
  mul(values.reduce(add), scalarLike(values[0], 1 / values.length));
