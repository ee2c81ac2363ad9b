// Chooses the test images to certify.
import type { Split } from "../data/dataset.ts";
import { shuffled } from "../data/shuffle.ts";
import { fold, keyOf, nameToNumber } from "../math/random.ts";
import type { CertificationOptions } from "./options.ts";

type Choice = Pick<CertificationOptions, "choose" | "examples" | "seed">;

/**
 * The indices of the certified images in the order in which they are certified: the first images, or a random choice without
 * repetition that depends on the seed. More examples extend the same choice.
 */
export function chosenImages({ choose, examples, seed }: Choice, { size }: Split): number[] {
  const count = Math.min(examples, size);
  if (choose === "first") return Array.from({ length: count }, (_, index) => index);
  const key = fold(keyOf(seed), nameToNumber("certified images"));
  return shuffled(size, key).slice(0, count);
}

/** Sentences that state the certified images, and the condition under which the bounds hold for all images. */
export function chosenText({ choose, examples, seed }: Choice, { size }: Split): string {
  if (examples >= size)
    return `These are all ${size} test images. The bounds hold if the test images are a random sample.`;
  if (choose === "random")
    return `These are ${examples} of ${size} test images, chosen at random with --seed ${seed}. The bounds hold if the test images are a random sample.`;
  return `These are the first ${examples} of ${size} test images. The bounds hold if their order is random; --choose random chooses at random.`;
}
