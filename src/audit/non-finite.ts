import type { Row } from "../evaluate/row.ts";
import { counted, listed, percent } from "../report/format.ts";
import type { Diagnostic } from "./diagnostic.ts";

type Fault = NonNullable<Row["nonFinite"]>;

/** Up to this share of faulty images, the remaining images count as representative. */
const MAX_SHARE = 0.01;

/** The maximum number of images, and of nodes, that the text names. */
const MAX_NAMED = 5;

/**
 * Fires if logits were NaN or a gradient was not finite. Names the first images, in the order of their indices, and the nodes
 * that produced the values.
 */
export function nonFiniteGradients({ rows }: { readonly rows: readonly Row[] }): Diagnostic | null {
  const faults = new Map<number, Fault>();
  const images = new Set<number>();
  for (const { index, nonFinite } of rows) {
    images.add(index);
    // The first fault of an image counts: at the clean image, or else in the first attack. Rows are in the order of attacks.
    if (nonFinite !== undefined && !faults.has(index)) faults.set(index, nonFinite);
  }
  if (faults.size === 0) return null;
  const share = faults.size / images.size;
  const parts = [
    described(faults, "gradient", "the gradient is not finite for"),
    described(faults, "logits", "logits are NaN, which count as wrong, for"),
  ].filter((part) => part !== null);
  const invalid = share > MAX_SHARE;
  const excess = invalid ? `, more than the ${percent(MAX_SHARE)} that an audit tolerates` : "";
  return {
    code: "non-finite-gradients",
    severity: invalid ? "invalid" : "warning",
    text: `${parts.join("; ")}: ${percent(share)} of ${counted(images.size, "image")}${excess}. Without gradients such an image is attacked by random search alone, and survives unless that breaks it`,
    advice:
      "keep the divisor, or the argument of the root or logarithm, in that node away from 0, or leave such images out",
  };
}

/** `the gradient is not finite for 1 image (index 5), first made by node "sd" (Sqrt, opset 13)`. */
function described(
  faults: ReadonlyMap<number, Fault>,
  value: Fault["value"],
  statement: string,
): string | null {
  const found = [...faults].filter(([, fault]) => fault.value === value).sort(([a], [b]) => a - b);
  if (found.length === 0) return null;
  const indices = found.map(([index]) => String(index));
  const shown =
    indices.length > MAX_NAMED
      ? `${indices.slice(0, MAX_NAMED).join(", ")}, …`
      : indices.join(", ");
  const nodes = [...new Set(found.flatMap(([, { node }]) => node ?? []))];
  const source = nodes.length === 0 ? "" : `, first made by ${listed(nodes.slice(0, MAX_NAMED))}`;
  return `${statement} ${counted(found.length, "image")} (index ${shown})${source}`;
}
