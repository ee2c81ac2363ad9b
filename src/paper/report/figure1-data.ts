import type { PlanePoint } from "../../report/marks.ts";
import type { Window } from "../../report/panels.ts";

/** What one attack does to all test examples, as shares of them in [0, 1]. */
export interface AttackShares {
  /** Misclassified after the attack. */
  readonly broken: number;
  /** Outside the ball of the other norm, whether they fool the classifier or not. */
  readonly outsideOther: number;
  /** Both at once. */
  readonly brokenOutsideOther: number;
}

/** What one attack found for the example that is drawn. */
export interface DrawnAttack {
  readonly point: PlanePoint;
  /** Whether the classifier gives it another class than the example's. */
  readonly broken: boolean;
  readonly outsideOther: boolean;
}

/** A trained classifier of the plane, and what it withstands. */
export interface PlaneClassifier {
  readonly defense: string;
  /** Share of test examples classified correctly. */
  readonly clean: number;
  readonly linf: AttackShares;
  readonly l2: AttackShares;
  readonly drawn: { readonly linf: DrawnAttack; readonly l2: DrawnAttack };
}

/** Decisions on a grid over a window of the plane. */
export interface DecisionGrid extends Window {
  readonly columns: number;
  readonly rows: number;
  /** By defence: logit of class 1 minus logit of class 0 at the centres of the cells, row by row from the lowest. */
  readonly margins: Readonly<Record<string, readonly number[]>>;
}

/** Everything that Figure 1 shows. */
export interface Figure1Data {
  readonly figure: "figure1";
  readonly seed: number;
  readonly scale: string;
  /** Radii of the balls; their areas are equal. */
  readonly epsilonLinf: number;
  readonly epsilonL2: number;
  /** Share of either ball's area that is in the other, too. */
  readonly overlap: number;
  readonly training: Readonly<Record<string, string | number>>;
  readonly attacks: Readonly<Record<string, string | number>>;
  readonly classes: readonly string[];
  readonly testExamples: number;
  /** The example that the balls are drawn around: its index in the test split, and the claims of the figure it bears out. */
  readonly example: {
    readonly index: number;
    readonly label: number;
    readonly point: PlanePoint;
    readonly claims: Readonly<Record<string, boolean>>;
  };
  /** Centres of the clusters, with their class. */
  readonly clusters: readonly { readonly point: PlanePoint; readonly label: number }[];
  /** Test examples that are drawn. */
  readonly points: readonly { readonly point: PlanePoint; readonly label: number }[];
  readonly grid: DecisionGrid;
  readonly classifiers: readonly PlaneClassifier[];
}
