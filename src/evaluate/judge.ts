import type { Labels, Victim } from "../attacks/victim.ts";
import type { Key } from "../math/random.ts";
import { argmaxRows, type Tensor } from "../math/tensor.ts";
import type { ResolvedOptions } from "./options.ts";
import { ruleNamed } from "./rule.ts";
import { decisions, type Scoring } from "./score.ts";

/** How a protocol judges images. */
export interface Judge {
  readonly scoring: Scoring;
  /** The classes decided for each image; keys are spent on nothing else. */
  decide(images: Tensor, keys: readonly Key[]): Promise<number[][]>;
  /** Whether one noisy draw is right (1 or 0) if scores are computed without noise; else null. */
  oneDraw(images: Tensor, labels: Labels, keys: readonly Key[]): Promise<(number | null)[]>;
}

/**
 * `sound` queries the deployed classifier on fresh draws. `published` queries the network once without its noise, as the
 * paper's authors did, and records the answer of one draw of the deployed classifier.
 */
export function judgeOf(
  { protocol, rule, draws, batch }: ResolvedOptions,
  { network, victim, randomised }: { network: Victim; victim: Victim; randomised: boolean },
): Judge {
  const sound = protocol === "sound";
  const scoring =
    randomised && sound
      ? { rule: ruleNamed(rule), draws, batch }
      : { rule: ruleNamed("single"), draws: 1, batch };
  return {
    scoring,
    decide: (images, keys) => decisions(sound ? victim : network, images, keys, scoring),
    async oneDraw(images, labels, keys) {
      if (sound || !randomised) return labels.map(() => null);
      const classes = argmaxRows(await victim.logits(images, keys));
      return labels.map((label, i) => (classes[i] === label ? 1 : 0));
    },
  };
}
