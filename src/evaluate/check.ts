import { checkEpsilon } from "../attacks/preconditions.ts";
import { boundedAttackNames, isForDeterministic } from "../attacks/table.ts";
import type { Shape } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { objectivesOf } from "./candidates.ts";
import { type EvaluateOptions, resolved } from "./options.ts";
import { ruleNamed } from "./rule.ts";
import { type RunContext, runsOf } from "./runs.ts";

/** The model and images that options are checked against. */
export interface CheckContext extends RunContext {
  /** The shape of the images, [channel, height, width]. */
  readonly shape: Shape;
}

/** Throws `UsageError` for options that contradict each other, the model or the size of the images. Computes nothing. */
export function checkOptions(given: EvaluateOptions, context: CheckContext): void {
  const options = resolved(given);
  const { protocol, objective, draws } = options;
  const { randomised, shape } = context;
  const runs = runsOf(options, context);
  for (const { norm, radii } of runs)
    for (const epsilon of radii)
      if (norm !== null && epsilon !== null) checkEpsilon(norm, epsilon, shape);
  const ofDeterministic = options.attacks.find(isForDeterministic);
  if (randomised && ofDeterministic !== undefined) {
    const other = `${ofDeterministic}-rand`;
    const advice = boundedAttackNames().includes(other) ? `use ${other}` : "leave it out";
    throw new UsageError(
      `${ofDeterministic} stops at the first wrong answer, which a randomised model gives by chance; ${advice}`,
      { code: "misfit" },
    );
  }
  if (randomised && objective === "mean-probability")
    for (const { attack } of runs)
      if (
        attack !== null &&
        boundedAttackNames().includes(attack.name) &&
        !objectivesOf(attack).includes(objective)
      )
        throw new UsageError(
          `${attack.name} does not climb a cross-entropy, so it has no --objective ${objective}; leave it out, or use ${objectivesOf(attack).join(" or ")}`,
          { code: "misfit" },
        );
  const rule = ruleNamed(options.rule);
  if (protocol === "published" && objective === "worst")
    throw new UsageError(
      "objective worst is how the sound protocol chooses; with --protocol published use mean-logits, as the paper's authors did, or another one",
      { code: "misfit" },
    );
  if (protocol === "published" && rule.name !== "single")
    throw new UsageError(
      `rule ${rule.name} has no meaning with --protocol published, which scores the network without its noise; leave it out`,
      { code: "misfit" },
    );
  // The draws of a randomised model are split into two halves, each a whole number of predictions.
  if (randomised && protocol === "sound" && draws % (2 * rule.draws) !== 0)
    throw new UsageError(
      `--draws ${draws} does not make an even number of predictions of ${rule.name}, each of ${rule.draws} draws; use a multiple of ${2 * rule.draws}`,
      { code: "misfit" },
    );
}
