import type { PlanePoint } from "../../report/marks.ts";
import type { Window } from "../../report/panels.ts";

/** Outcomes of one attack on all test examples, as shares in [0, 1]. */
export interface AttackShares {
  /** Misclassified after the attack. */
  readonly broken: number;
  /** Outside the ball of the other norm, misclassified or not. */
  readonly outsideOther: number;
  /** Misclassified, and outside the ball of the other norm. */
  readonly brokenOutsideOther: number;
}

/** The result of one attack on the example that is drawn. */
export interface DrawnAttack {
  readonly point: PlanePoint;
  /** Whether the classifier misclassifies the point. */
  readonly broken: boolean;
  /** Whether the point is outside the ball of the other norm. */
  readonly outsideOther: boolean;
}

/** A classifier trained on points of the plane, and the results of both attacks on it. */
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
  /** By defence: logit of class 1 minus logit of class 0 at the centres of the cells, row by row from the bottom. */
  readonly margins: Readonly<Record<string, readonly number[]>>;
}

/** Everything that Figure 1 shows. */
export interface Figure1Data {
  readonly figure: "figure1";
  readonly seed: number;
  readonly scale: string;
  /** Radii of the two balls, which have equal areas. */
  readonly epsilonLinf: number;
  readonly epsilonL2: number;
  /** The share of either ball's area that is in both balls. */
  readonly overlap: number;
  readonly training: Readonly<Record<string, string | number>>;
  readonly attacks: Readonly<Record<string, string | number>>;
  readonly classes: readonly string[];
  readonly testExamples: number;
  /**
   * The example at the centre of the balls: its index in the test split, and for each claim of the figure whether it holds
   * for the example.
   */
  readonly example: {
    readonly index: number;
    readonly label: number;
    readonly point: PlanePoint;
    readonly claims: Readonly<Record<string, boolean>>;
  };
  /** Centres of the clusters, with their class. */
  readonly clusters: readonly { readonly point: PlanePoint; readonly label: number }[];
  /** Test examples, drawn as dots. */
  readonly points: readonly { readonly point: PlanePoint; readonly label: number }[];
  readonly grid: DecisionGrid;
  readonly classifiers: readonly PlaneClassifier[];
}
