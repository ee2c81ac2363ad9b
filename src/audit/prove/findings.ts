import type { ProofRow } from "../../verify/proof-row.ts";
import type { Robustness } from "../../verify/robustness.ts";

/** The result of bounds that did not decide. */
export type Left = Pick<Robustness, "margin" | "floatError"> & { readonly seconds: number };

/** The fields of a row besides its ball. */
export type Found = Pick<ProofRow, "status" | "method" | "seconds"> & Left;

/** An image that an attack broke, or that is misclassified without an attack. */
export const broken = (method: string): Found => ({
  status: "broken",
  method,
  margin: Number.NaN,
  floatError: Number.NaN,
  seconds: 0,
});

/** A number as JSON stores it: null for infinity or NaN. */
export const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
