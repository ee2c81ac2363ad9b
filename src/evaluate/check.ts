import { checkEpsilon } from "../attacks/preconditions.ts";
import { UsageError } from "../math/usage-error.ts";
import { type EvaluateOptions, resolved } from "./options.ts";
import { ruleNamed } from "./rule.ts";
import { runsOf } from "./runs.ts";

/** Finds, before anything is computed or written, what is wrong with the options for pictures of `pixels` numbers. */
export function checkOptions(
  options: EvaluateOptions,
  { randomised, pixels }: { readonly randomised: boolean; readonly pixels: number },
): void {
  const { protocol, objective, draws } = resolved(options);
  for (const { norm, radii } of runsOf(resolved(options), randomised))
    for (const epsilon of radii)
      if (norm !== null && epsilon !== null) checkEpsilon(norm, epsilon, pixels);
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
