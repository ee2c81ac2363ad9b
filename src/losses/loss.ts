import type { MeanLoss } from "./of-mean.ts";
import type { RowLoss } from "./table.ts";

/** What an attack maximises, per example, as data: a loss of each row, or of the mean logits of several rows. */
export type Loss = RowLoss | MeanLoss;
