// The sign that the network's answers were not all numbers.
import type { Row } from "../evaluate/row.ts";
import { counted, listed, percent } from "../report/format.ts";
import type { Diagnostic } from "./diagnostics.ts";

type Fault = NonNullable<Row["nonFinite"]>;

/** Share of the images above which the numbers mean nothing. */
const MAX_SHARE = 0.01;

/** Images that are named. */
const NAMED = 5;

/** Images whose logits were NaN or whose gradient was not finite, in the order of their indices, and the nodes that made it. */
export function nonFiniteGradients({ rows }: { readonly rows: readonly Row[] }): Diagnostic | null {
  const faults = new Map<number, Fault>();
  const images = new Set<number>();
  for (const { index, nonFinite } of rows) {
    images.add(index);
    const before = faults.get(index);
    // Of one image the answer on its clean pixels, or the first attack's: rows are in the order of attacks.
    if (nonFinite !== undefined && before === undefined) faults.set(index, nonFinite);
  }
  if (faults.size === 0) return null;
  const share = faults.size / images.size;
  const parts = [
    described(faults, "gradient", "the gradient is not finite for"),
    described(faults, "logits", "logits are NaN, which is no decision and counts as wrong, for"),
  ].filter((part) => part !== null);
  const invalid = share > MAX_SHARE;
  return {
    code: "non-finite-gradients",
    severity: invalid ? "invalid" : "warning",
    text: `${parts.join("; ")}: ${percent(share)} of ${counted(images.size, "image")}${invalid ? `, more than the ${percent(MAX_SHARE)} up to which the others speak for them` : ""}. Without gradients such an image is attacked by random search, and survives unless that breaks it`,
    advice:
      "look at what the node divides by, takes the root or the logarithm of, and keep it away from 0, or leave such images out",
  };
}

/** `the gradient is not finite for 1 image (index 5), first made by node "sd" (Sqrt, opset 13)`. */
function described(
  faults: ReadonlyMap<number, Fault>,
  value: Fault["value"],
  what: string,
): string | null {
  const found = [...faults].filter(([, fault]) => fault.value === value).sort(([a], [b]) => a - b);
  if (found.length === 0) return null;
  const indices = found.map(([index]) => String(index));
  const shown =
    indices.length > NAMED ? `${indices.slice(0, NAMED).join(", ")}, …` : indices.join(", ");
  const nodes = [...new Set(found.flatMap(([, { node }]) => node ?? []))];
  const made = nodes.length === 0 ? "" : `, first made by ${listed(nodes.slice(0, NAMED))}`;
  return `${what} ${counted(found.length, "image")} (index ${shown})${made}`;
}

/** What the terminal says of rows in which an answer was not finite; no lines where all were. */
export function nonFiniteNotes(rows: readonly Row[]): string[] {
  const found = nonFiniteGradients({ rows });
  return found === null ? [] : [`${found.severity}: ${found.text}`, `  ${found.advice}`];
}
