import { UsageError } from "../../math/usage-error.ts";
import type { Cell, CellKind, CellWork } from "../cell.ts";
import { runAttacksOfAudit } from "./attack.ts";
import { runAudit } from "./audit.ts";
import { runCertification } from "./certify.ts";
import type { CellContext, CellResult } from "./context.ts";
import { runEvaluation } from "./evaluate.ts";
import { runHardening } from "./harden.ts";
import { runProofs } from "./prove.ts";
import { prunedWith } from "./pruned.ts";
import { runReport } from "./report.ts";
import { runTraining } from "./train.ts";

/** Sleeps for `seconds`, and returns a file that depends only on its options. */
async function runSleep({ options }: CellWork): Promise<CellResult> {
  await new Promise((resolve) => setTimeout(resolve, 1000 * Number(options.seconds ?? 0)));
  const bytes = new TextEncoder().encode(`${JSON.stringify(options)}\n`);
  return { files: new Map([["slept.json", bytes]]), removed: {} };
}

type Run = (work: CellWork, context: CellContext) => Promise<CellResult>;

const runs: Readonly<Record<CellKind, Run>> = {
  train: runTraining,
  harden: runHardening,
  evaluate: runEvaluation,
  certify: runCertification,
  audit: runAudit,
  prove: runProofs,
  attack: runAttacksOfAudit,
  report: runReport,
  sleep: runSleep,
};

/** Computes a cell. Null if the signal stopped it; its files then contain the work so far. Throws `UsageError`. */
export async function runCell({ work }: Cell, context: CellContext): Promise<CellResult> {
  if (!Object.hasOwn(runs, work.kind))
    throw new UsageError(`this version of rampart has no cells of kind ${work.kind}`, {
      code: "misfit",
    });
  return (await prunedWith(work, context)) ?? runs[work.kind](work, context);
}
