// Examples that an attack skips because of a proof that it cannot break them.
import type { Judge } from "./judge.ts";
import type { Row } from "./row.ts";
import { type AttackedBatch, scoreResult } from "./run-attack.ts";
import type { Run } from "./runs.ts";

/**
 * Whether an attack skips an example at a radius because of a proof. The row then says `proven` and describes the clean
 * image.
 */
export type Spares = (row: Pick<Row, "index" | "attack" | "norm" | "epsilon">) => boolean;

/** No attack skips an example. */
export const noneSpared: Spares = () => false;

/** The objective of rows without an attack. */
export const PROVEN = "proven";

/** Whether a proof made the attack of a row unnecessary. */
export const isSpared = ({ objective, draws, queries }: Row): boolean =>
  objective === PROVEN && draws === 1 && queries === 0;

/** The rows of a batch that a run did not attack, at each radius. */
export async function sparedRows(
  run: Run,
  judge: Judge,
  batch: AttackedBatch,
): Promise<Awaited<ReturnType<typeof scoreResult>>> {
  const { x } = batch;
  const objectives = batch.indices.map(() => PROVEN);
  const rows: Awaited<ReturnType<typeof scoreResult>> = [];
  for (const epsilon of run.radii)
    rows.push(...(await scoreResult(run, { epsilon, adversarial: x, objectives }, judge, batch)));
  return rows;
}
