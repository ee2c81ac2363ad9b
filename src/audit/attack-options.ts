import { EvaluateOptions } from "../evaluate/options.ts";
import { type AuditOptions, attackedNorms } from "./options.ts";
import { plannedOptions } from "./plan.ts";

/** The options of the evaluation that runs the attacks of an audit, on a model with `classes` outputs. */
export function evaluationOptions(
  options: AuditOptions,
  classes: number,
  noise: string | null,
): EvaluateOptions {
  const { budget, examples, seed, rule, batch, epsilonLinf, epsilonL2, epsilonL1, epsilonL0 } =
    options;
  const norms = attackedNorms(options);
  return EvaluateOptions.parse({
    ...plannedOptions({ norms, budget, classes, randomised: noise !== null }),
    examples,
    seed,
    rule,
    batch,
    epsilonLinf,
    epsilonL2,
    epsilonL1,
    epsilonL0,
    noise: noise ?? undefined,
  });
}
