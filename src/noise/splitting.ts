import { fillBits, type Key } from "../math/random.ts";
import { rowSize, type Shape, type Tensor, tensor } from "../math/tensor.ts";
import { defineNoise, type ParameterValues } from "./define-noise.ts";
import { fixedShifts, levelOf, middleOf, shiftsOf } from "./splits.ts";

/** A shift is a multiple of this share of a level, so that split points are exact in float32. */
const FRACTIONS = 2 ** 10;

/** Split points [batch, ...pixels] in levels: the fixed shifts, moved around a circle of `shifts` levels by one draw per image. */
function sample(keys: readonly Key[], shape: Shape, { lambda }: ParameterValues<"lambda">): Tensor {
  const shifts = shiftsOf(lambda);
  const out = tensor(shape);
  const row = rowSize(out);
  const fixed = fixedShifts(row, shifts);
  const words = new Uint32Array(2);
  keys.forEach((key, i) => {
    fillBits(key, words);
    const whole = Math.floor((words[0] / 2 ** 32) * shifts);
    const fraction = (words[1] % FRACTIONS) / FRACTIONS;
    for (let j = 0; j < row; j++) out.data[i * row + j] = ((fixed[j] + whole) % shifts) + fraction;
  });
  return out;
}

/**
 * The images [batch, ...pixels] that the network sees at split points in levels. A pixel is compared with the exact split point;
 * the interval it is told to be in begins at the nearest half level, so 8-bit images have as many versions as there are shifts.
 */
function combine(x: Tensor, splits: Tensor, { lambda }: ParameterValues<"lambda">): Tensor {
  const shifts = shiftsOf(lambda);
  const out = tensor(x.shape);
  for (let i = 0; i < x.data.length; i++) {
    const [whole, exact] = [Math.floor(splits.data[i]), splits.data[i]];
    // The level that is in the same interval of the rounded split point.
    const level = Math.ceil(levelOf(x.data[i]) - exact) + whole;
    out.data[i] = middleOf(level, whole, shifts);
  }
  return out;
}

/**
 * Splitting noise: each pixel is put in an interval of length 2λ that begins at a random point, and the network sees the middle
 * of the part inside [0, 1]. A shift of a pixel by δ changes what the network sees with probability |δ|/2λ, whatever other pixels do. So the
 * points of an image may depend on each other, and 8-bit images need only 510 λ shifts.
 */
export const splitting = defineNoise({
  name: "splitting",
  parameters: {
    lambda: {
      byDefault: 0.5,
      unit: "half-levels",
      text: "half the length λ of the intervals, a multiple of 1/510 that may exceed 1",
    },
  },
  source: "Levine & Feizi 2021, arXiv:2103.10834",
  describe: ({ lambda }) => `splitting noise of intervals of length 2 · ${lambda}`,
  sample,
  combine,
});
