import { checkEpsilon } from "../attacks/preconditions.ts";
import { attackNames, isForDeterministic } from "../attacks/table.ts";
import { UsageError } from "../math/usage-error.ts";
import { objectivesOf } from "./candidates.ts";
import { type EvaluateOptions, resolved } from "./options.ts";
import { ruleNamed } from "./rule.ts";
import { type OwnAttacks, runsOf } from "./runs.ts";

/** Finds, before anything is computed or written, what is wrong with the options for images of `pixels` numbers. */
export function checkOptions(
  options: EvaluateOptions,
  {
    randomised,
    pixels,
    own,
  }: {
    readonly randomised: boolean;
    readonly pixels: number;
    readonly own?: OwnAttacks | undefined;
  },
): void {
  const { protocol, objective, draws } = resolved(options);
  for (const { norm, radii } of runsOf(resolved(options), randomised, own))
    for (const epsilon of radii)
      if (norm !== null && epsilon !== null) checkEpsilon(norm, epsilon, pixels);
  const ofDeterministic = options.attacks.find(isForDeterministic);
  if (randomised && ofDeterministic !== undefined)
    throw new UsageError(
      `${ofDeterministic} stops at the first wrong answer, which a randomised model gives by chance; use ${ofDeterministic}-rand`,
    );
  if (randomised && objective === "mean-probability")
    for (const { attack } of runsOf(resolved(options), randomised, own))
      if (
        attack !== null &&
        attackNames.includes(attack.name) &&
        !objectivesOf(attack).includes(objective)
      )
        throw new UsageError(
          `${attack.name} does not climb a cross-entropy, so it has no --objective ${objective}; leave it out, or use ${objectivesOf(attack).join(" or ")}`,
        );
  const rule = ruleNamed(options.rule);
  if (protocol === "published" && objective === "worst")
    throw new UsageError(
      "objective worst is how the sound protocol chooses; with --protocol published use mean-logits, as the paper's authors did, or another one",
    );
  if (protocol === "published" && rule.name !== "single")
    throw new UsageError(
      `rule ${rule.name} has no meaning with --protocol published, which scores the network without its noise; leave it out`,
    );
  // An example of a randomised model is scored on two halves, each a whole number of predictions.
  if (randomised && protocol === "sound" && draws % (2 * rule.draws) !== 0)
    throw new UsageError(
      `--draws ${draws} is no even number of predictions of ${rule.name}, which takes ${rule.draws} draws each; use a multiple of ${2 * rule.draws}`,
    );
}
