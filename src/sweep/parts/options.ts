import { z } from "zod";
import { AuditOptions } from "../../audit/options.ts";
import type { CellWork } from "../cell.ts";

/** The options of a cell that runs the attacks of an audit on a range of images. */
export const PartOptions = z.strictObject({
  audit: AuditOptions,
  /** The reading options for the file and its images: flags of `rampart audit` that are not audit options. */
  reading: z.record(z.string(), z.unknown()),
  data: z.string().nullable(),
  saveExamples: z.int().nonnegative(),
  /** Rows that need no attack, because of a proof; see `sparedName`. */
  spared: z.array(z.string()),
});
export type PartOptions = z.output<typeof PartOptions>;

/** Identifies an example that an attack skips. */
export const sparedName = ({
  index,
  attack,
  epsilon,
}: {
  readonly index: number;
  readonly attack: string;
  readonly epsilon: number | null;
}): string => `${index} ${attack} ${epsilon}`;

/** The model file of such a cell. */
export const fileOf = ({ model }: CellWork): { readonly file: string; readonly sha256: string } => {
  if (model === null || !("file" in model)) throw new Error("an attack needs a file");
  return model;
};
