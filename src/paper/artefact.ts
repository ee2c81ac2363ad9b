// Why noise seems to defend against C&W: a minimum-norm attack stops on the boundary, where a draw is a coin toss.
import { cw } from "../attacks/cw.ts";
import { runMinimal } from "../attacks/harness.ts";
import type { Victim } from "../attacks/victim.ts";
import type { Split } from "../data/dataset.ts";
import { withEot } from "../defenses/with-eot.ts";
import { withNoise } from "../defenses/with-noise.ts";
import { ruleNamed } from "../evaluate/rule.ts";
import { decisions, shareOf } from "../evaluate/score.ts";
import { rightInAll } from "../evaluate/summary.ts";
import { fold, foldAll, type Key, keyOf, keysFor, nameToNumber } from "../math/random.ts";
import { type Interval, mean, twoLevelInterval } from "../math/statistics.ts";
import { addScaled, clamp, sub, type Tensor } from "../math/tensor.ts";
import type { Noise } from "../noise/noise.ts";
import type { Scale } from "./scales.ts";

/** Factors that scale C&W's perturbation; 1 keeps it. */
export const factors = [1, 1.25, 1.5, 2] as const;

/** The outcome of C&W of one strength on one image. */
export interface ArtefactRow {
  readonly index: number;
  readonly label: number;
  /** Gradient steps of each of C&W's searches. */
  readonly steps: number;
  readonly searches: number;
  /** Draws averaged per step. */
  readonly eot: number;
  /** Fresh draws over which each share is taken. */
  readonly draws: number;
  readonly seed: number;
  readonly found: boolean;
  /** Norm of C&W's perturbation, for pixels in [0, 1]. */
  readonly l2: number;
  /** Share of noise draws under which the clean image is classified correctly. */
  readonly clean: number;
  /** The same share at x + factor · δ, in the order of `factors`. */
  readonly shares: readonly number[];
}

/** Settings of the demonstration. */
export interface ArtefactOptions {
  /** Gradient steps of each search of C&W, weakest first. */
  readonly steps: readonly number[];
  readonly searches: number;
  /** Draws averaged per step. */
  readonly eot: number;
  /** Fresh draws per image over which each share is taken. */
  readonly draws: number;
  /** The maximum number of rows in a batch. */
  readonly batch: number;
}

/** The settings at a scale: C&W runs with a third of its steps, and with all of them. */
export function artefactOptions({ attack, eot }: Scale): ArtefactOptions {
  const { cwSteps = 60, cwSearches: searches = 9, draws = 100, batch = 128 } = attack;
  return { steps: [Math.ceil(cwSteps / 3), cwSteps], searches, eot: eot.sound, draws, batch };
}

/**
 * Attacks the test images at `indices` with C&W of each strength, on the mean logits of `eot` draws. Then measures on
 * fresh draws how often the randomised classifier is right at x, and at x + factor · δ clipped to [0, 1]. Returns one row
 * per image and strength.
 */
export async function artefactRows(
  { network, noise }: { readonly network: Victim; readonly noise: Noise },
  test: Split,
  indices: readonly number[],
  seed: number,
  { steps: strengths, searches, eot, draws, batch }: ArtefactOptions,
): Promise<ArtefactRow[]> {
  const x = test.images(indices);
  const labels = indices.map((index) => Number(test.labels[index]));
  const keys = keysFor(fold(keyOf(seed), nameToNumber("artefact")), indices);
  const noisy = withNoise(network, noise);
  const averaged = withEot(noisy, eot, batch, "mean-logits");
  const scoring = { rule: ruleNamed("single"), draws, batch };
  const share = async (images: Tensor, drawKeys: readonly Key[]) =>
    (await decisions(noisy, images, drawKeys, scoring)).map((decided, i) =>
      shareOf(decided, labels[i]),
    );
  const clean = await share(x, foldAll(keys, 0));
  const rows: ArtefactRow[] = [];
  for (const steps of strengths) {
    const strengthKeys = foldAll(keys, steps);
    const attack = cw({ steps, searches });
    const { adversarial, found, l2 } = await runMinimal(
      attack,
      averaged,
      x,
      labels,
      foldAll(strengthKeys, 0),
    );
    const delta = sub(adversarial, x);
    const shares: number[][] = [];
    // The same draws judge every factor, so that shares differ by the factor only.
    for (const factor of factors)
      shares.push(await share(clamp(addScaled(x, delta, factor), 0, 1), foldAll(strengthKeys, 1)));
    indices.forEach((index, i) => {
      rows.push({
        index,
        label: labels[i],
        steps,
        searches,
        eot,
        draws,
        seed,
        found: found[i],
        l2: l2[i],
        clean: clean[i],
        shares: shares.map((all) => all[i]),
      });
    });
  }
  return rows;
}

/** Accuracy of a randomised classifier under C&W of one strength, with the perturbation scaled by one factor. */
export interface ArtefactPoint {
  readonly steps: number;
  readonly factor: number;
  readonly examples: number;
  /** Accuracy of one prediction, with its interval. */
  readonly accuracy: Interval;
  /** P(right in all of 10 predictions). */
  readonly tenOfTen: number;
  /** Mean norm of the scaled perturbation before clipping, for pixels in [0, 1]. */
  readonly l2: number;
}

/** The remaining accuracy for each strength and factor. */
export const artefactSummary = (rows: readonly ArtefactRow[], draws: number): ArtefactPoint[] =>
  [...new Set(rows.map(({ steps }) => steps))].flatMap((steps) =>
    factors.map((factor, f) => {
      const ofStrength = rows.filter((row) => row.steps === steps);
      const shares = ofStrength.map((row) => row.shares[f]);
      return {
        steps,
        factor,
        examples: ofStrength.length,
        accuracy: twoLevelInterval(shares, draws),
        tenOfTen: mean(shares.map((one) => rightInAll(one, draws))),
        l2: factor * mean(ofStrength.map(({ l2 }) => l2)),
      };
    }),
  );
