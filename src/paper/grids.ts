// The paper's tables as grids: our numbers beside the printed ones, with the number of images.
import type { Interval } from "../math/statistics.ts";
import type { Radii, Table2Column, Table3Column } from "./regions.ts";
import type { Grid, GridCell, GridRow } from "./report/grid.ts";

/** The names of the defences in the paper. */
export const titles: Readonly<Record<string, string>> = {
  standard: "Baseline",
  "at-linf": "AT ℓ∞",
  "at-l2": "AT ℓ2",
  "mat-max": "MAT Max",
  "mat-rand": "MAT Rand",
  "ni-normal": "NI N",
  "ni-uniform": "NI U",
  "mni-mix": "MNI Mix",
  "mni-conv": "MNI Conv",
  "rat-linf-normal": "RAT ℓ∞ N",
  "rat-linf-uniform": "RAT ℓ∞ U",
  "rat-l2-normal": "RAT ℓ2 N",
  "rat-l2-uniform": "RAT ℓ2 U",
};

const none: GridCell = { text: "–" };
const share = (value: number) => value.toFixed(2);
const range = ({ low, high }: Interval) => `${share(low)}–${share(high)}`;

const percent = (one: Interval): GridCell => ({
  text: `${(100 * one.mean).toFixed(0)} %`,
  detail: `${(100 * one.low).toFixed(1)}–${(100 * one.high).toFixed(1)}`,
});
const length = (value: number): GridCell => ({ text: value.toPrecision(3) });

const wholePercent = (value: number): GridCell => ({ text: `${(100 * value).toFixed(0)} %` });

/** Returns a maker of rows in which each measured column has the printed one beside it. */
const beside =
  <C extends { readonly printed: object | null }>(columns: readonly C[]) =>
  (
    label: string,
    ours: (column: C) => GridCell,
    theirs: (printed: NonNullable<C["printed"]>) => GridCell = () => none,
  ): GridRow => ({
    label,
    cells: columns.flatMap((column) => [
      ours(column),
      column.printed === null ? none : theirs(column.printed as NonNullable<C["printed"]>),
    ]),
  });

/** Table 2, each measured column beside the printed one. `setting` completes the title: network, data and scale. */
export function table2Grid(columns: readonly Table2Column[], radii: Radii, setting: string): Grid {
  const row = beside(columns);
  const inside = (column: Table2Column, other: "l2Only" | "linfOnly"): GridCell => ({
    text: `${(100 * (column.regions.both.mean + column.regions[other].mean)).toFixed(0)} %`,
  });
  return {
    title: `Table 2: PGD examples and the two balls, ${setting}`,
    columns: columns.flatMap(({ attack, defense, examples }) => [
      `${attack === "pgd-l2" ? "PGD-ℓ2" : "PGD-ℓ∞"} vs ${titles[defense]}, n ${examples}`,
      "printed",
    ]),
    rows: [
      row("in both balls", ({ regions }) => percent(regions.both)),
      row("in the ℓ2 ball only", ({ regions }) => percent(regions.l2Only)),
      row("in the ℓ∞ ball only", ({ regions }) => percent(regions.linfOnly)),
      row("in neither", ({ regions }) => percent(regions.neither)),
      row(
        "inside ℓ2 ball",
        (one) => inside(one, "l2Only"),
        ({ insideL2 }) => wholePercent(insideL2),
      ),
      row(
        "average ℓ2 norm",
        ({ meanL2 }) => length(meanL2),
        ({ meanL2 }) => length(meanL2),
      ),
      row(
        "inside ℓ∞ ball",
        (one) => inside(one, "linfOnly"),
        ({ insideLinf }) => wholePercent(insideLinf),
      ),
      row(
        "average ℓ∞ norm",
        ({ meanLinf }) => length(meanLinf),
        ({ meanLinf }) => length(meanLinf),
      ),
      row(
        "accuracy under attack",
        ({ accuracy }) => ({ text: share(accuracy.mean), detail: range(accuracy) }),
        ({ accuracy }) => ({ text: share(accuracy) }),
      ),
    ],
    notes: [
      `All PGD examples count, not only the successful ones. Radii: ℓ∞ ${radii.linf}, ℓ2 ${radii.l2}, for pixels in [0, 1].`,
      "For PGD-ℓ∞ the paper prints 100 % inside the ℓ2 ball and 0 % inside the ℓ∞ ball, beside mean norms of 1.4–1.64 in ℓ2 and 0.031 in ℓ∞. But no example of ℓ2 norm 1.4 lies in a ball of radius 0.83, and PGD-ℓ∞ cannot leave its own ball: the paper swaps the two rows.",
    ],
  };
}

/** Table 3: the balls in which unbounded C&W finds its examples. `setting` completes the title. */
export function table3Grid(columns: readonly Table3Column[], radii: Radii, setting: string): Grid {
  const row = beside(columns);
  const whole = (value: number): GridCell => ({ text: String(value) });
  return {
    title: `Table 3: C&W examples and the two balls, ${setting}`,
    columns: columns.flatMap(({ defense, examples }) => [
      `${titles[defense]}, n ${examples}`,
      "printed",
    ]),
    rows: [
      row(
        "in both balls",
        ({ regions }) => percent(regions.both),
        ({ both }) => wholePercent(both),
      ),
      row(
        "in the ℓ2 ball only",
        ({ regions }) => percent(regions.l2Only),
        ({ l2Only }) => wholePercent(l2Only),
      ),
      row("in the ℓ∞ ball only", ({ regions }) => percent(regions.linfOnly)),
      row("in neither", ({ regions }) => percent(regions.neither)),
      row("average ℓ2 norm", ({ meanL2 }) => length(meanL2)),
      row("average ℓ∞ norm", ({ meanLinf }) => length(meanLinf)),
      row("misclassified without attack", ({ misclassified }) => whole(misclassified)),
      row("nothing found", ({ unbroken }) => whole(unbroken)),
      row(
        "accuracy, unbounded",
        ({ accuracy }) => ({ text: share(accuracy.mean), detail: range(accuracy) }),
        ({ accuracy }) => ({ text: share(accuracy) }),
      ),
      row(`accuracy within ℓ2 ${radii.l2}`, ({ accuracyInL2: one }) => ({
        text: share(one.mean),
        detail: range(one),
      })),
    ],
    notes: [
      "C&W minimises the norm without a bound, so its accuracy of 0 does not show that a ball holds adversarial examples. The last row counts only examples within the ℓ2 radius.",
      `n is the number of images that were classified correctly and then broken. Radii: ℓ∞ ${radii.linf}, ℓ2 ${radii.l2}, for pixels in [0, 1].`,
    ],
  };
}
