// The numbers printed in Araujo et al. 2019, arXiv:1903.10219, for CIFAR-10 and a Wide ResNet 28-10.

/** One column of Table 4: accuracies as printed, two digits each. */
export interface PrintedColumn {
  readonly natural: number;
  readonly pgdLinf: number;
  readonly pgdL2: number;
  readonly cwL2: number;
  readonly min: number;
}

const column = (
  natural: number,
  pgdLinf: number,
  pgdL2: number,
  cwL2: number,
  min: number,
): PrintedColumn => ({ natural, pgdLinf, pgdL2, cwL2, min });

/** Table 4, by defence, in the order of its columns. */
export const printedTable4: Readonly<Record<string, PrintedColumn>> = {
  standard: column(0.94, 0, 0, 0, 0),
  "at-linf": column(0.85, 0.43, 0.37, 0, 0),
  "at-l2": column(0.85, 0.37, 0.52, 0, 0),
  "mat-max": column(0.8, 0.37, 0.5, 0, 0),
  "mat-rand": column(0.8, 0.4, 0.55, 0, 0),
  "ni-normal": column(0.79, 0.23, 0.34, 0.33, 0.23),
  "ni-uniform": column(0.87, 0.22, 0.36, 0.53, 0.22),
  "mni-mix": column(0.84, 0.19, 0.33, 0.41, 0.19),
  "mni-conv": column(0.79, 0.2, 0.32, 0.32, 0.2),
  "rat-linf-normal": column(0.74, 0.35, 0.43, 0.3, 0.3),
  "rat-linf-uniform": column(0.8, 0.4, 0.39, 0.41, 0.39),
  "rat-l2-normal": column(0.79, 0.23, 0.34, 0.33, 0.23),
  "rat-l2-uniform": column(0.87, 0.22, 0.37, 0.34, 0.22),
};

/** The thirteen defences of Table 4, in the order of its columns. */
export const thirteen: readonly string[] = Object.keys(printedTable4);

/** One column of Table 2: shares of PGD examples in each ball, their mean norms, and the accuracy under the attack. */
export interface PrintedRegions {
  readonly insideL2: number;
  readonly meanL2: number;
  readonly insideLinf: number;
  readonly meanLinf: number;
  readonly accuracy: number;
}

/**
 * Table 2 by attack and defence, as printed. The paper swaps the two "inside" rows for PGD-ℓ∞: examples of mean ℓ2 norm
 * 1.4 cannot all be inside a ball of radius 0.83, and PGD-ℓ∞ never leaves its own ball.
 */
export const printedTable2: Readonly<Record<string, Readonly<Record<string, PrintedRegions>>>> = {
  "pgd-l2": {
    standard: { insideL2: 1, meanL2: 0.83, insideLinf: 0, meanLinf: 0.075, accuracy: 0 },
    "at-linf": { insideL2: 1, meanL2: 0.83, insideLinf: 0, meanLinf: 0.2, accuracy: 0.37 },
  },
  "pgd-linf": {
    standard: { insideL2: 1, meanL2: 1.4, insideLinf: 0, meanLinf: 0.031, accuracy: 0 },
    "at-l2": { insideL2: 1, meanL2: 1.64, insideLinf: 0, meanLinf: 0.031, accuracy: 0.37 },
  },
};

/** Table 3 by defence: shares of C&W examples in both balls, and in the ℓ2 ball only; accuracy under C&W. */
export const printedTable3: Readonly<
  Record<string, { readonly both: number; readonly l2Only: number; readonly accuracy: number }>
> = {
  standard: { both: 0.7, l2Only: 0.3, accuracy: 0 },
  "at-linf": { both: 0.29, l2Only: 0.71, accuracy: 0 },
};
