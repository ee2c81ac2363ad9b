import { counted, listed, normName, percent } from "../../report/format.ts";
import type { SmallestRadii } from "./smallest.ts";

/** Significant digits of a radius. */
const DIGITS = 2;

/** `ℓ∞ 1.2/255`, `ℓ2 0.11` or `ℓ0 3 pixels`. */
export function ballOf(norm: string, radius: number): string {
  if (norm === "l0") return `${normName(norm)} ${counted(radius, "pixel")}`;
  const value = (number: number) => String(Number(number.toPrecision(DIGITS)));
  return `${normName(norm)} ${norm === "linf" ? `${value(255 * radius)}/255` : value(radius)}`;
}

/** The radius at which half of the images break, as one sentence: `Half of the images break at ℓ∞ 1.2/255, ℓ2 0.11.` */
export function smallestSentence(smallest: readonly SmallestRadii[]): string {
  if (smallest.some(({ median }) => median === 0))
    return "At least half of the images are wrong without an attack.";
  const found = smallest.flatMap(({ norm, median }) =>
    median === null ? [] : [ballOf(norm, median)],
  );
  const others = smallest.filter(({ median }) => median === null);
  const rest = others.map(
    ({ norm, broken, images }) => `${percent(broken / images)} in ${normName(norm)}`,
  );
  const fewer = `Fewer than half of the images break: ${listed(rest)}.`;
  if (found.length === 0) return fewer;
  return `Half of the images break at ${found.join(", ")}.${rest.length === 0 ? "" : ` ${fewer}`}`;
}
