/** One example under one attack: one line of ROWS.jsonl. The names are a contract. */
export interface Row {
  /** The run directory or file that was attacked. */
  readonly model: string;
  readonly defense: string;
  readonly data: string;
  /** Position in the test split. */
  readonly index: number;
  /** File of the image within its folder; absent where images are not files. */
  readonly file?: string | undefined;
  readonly label: number;
  /** Class predicted for the clean image (the most frequent one over draws); −1 where its scores are NaN. */
  readonly prediction: number;
  readonly adversarialPrediction: number;
  /** `none` for the clean image, else the attack's name. */
  readonly attack: string;
  readonly norm: string | null;
  /** The radius in the norm: in ℓ0 a number of pixels, otherwise for pixels in [0, 1]. */
  readonly epsilon: number | null;
  /**
   * What led to the example. Deterministic model: the loss that was climbed, `ce`, `dlr` or `margin`; under an ensemble
   * the member that broke it, `clean` if it was wrong from the start, `unbroken` if no member did. Randomised model:
   * the objective over draws, the chosen one if several were tried (`stretched`: a minimum-norm result scaled to the
   * radius; `one-step`: one step along the gradient instead).
   */
  readonly objective: string | null;
  /** Draws averaged per gradient step; 1 without EOT. */
  readonly eot: number;
  readonly restarts: number;
  readonly steps: number;
  readonly protocol: "sound" | "published";
  /** How a prediction is made: `single`, `majority:k`, `mean:k`. */
  readonly rule: string;
  readonly seed: number;
  /** Share of noise draws in which the clean image is classified correctly; 0 or 1 if deterministic. */
  readonly clean: number;
  /** The same for the adversarial example; scored on draws that the attack never saw. */
  readonly correct: number;
  /** The same on the half of the draws that chooses the strongest attack (union). */
  readonly correctChoose: number;
  /** 1 if the label is the most frequent answer on the adversarial example, even in less than half of the draws. */
  readonly majority: number;
  /** `correct` after rounding the adversarial example to 8 bits per channel. */
  readonly correct8bit: number;
  /**
   * Randomised classifiers: `correctChoose` after the same rounding. For a deterministic classifier it would equal
   * `correct8bit`.
   */
  readonly correct8bitChoose?: number | undefined;
  /** Published protocol, randomised model: 1 if one noisy draw is right on the adversarial example, else 0; null otherwise. */
  readonly oneDraw: number | null;
  /** Norms of the perturbation, pixels in [0, 1]. */
  readonly linf: number;
  readonly l2: number;
  readonly l1: number;
  /** Attacks in ℓ0: the number of changed pixels, each with all its channels. */
  readonly l0?: number | undefined;
  /** Fresh draws scored, R; 1 if deterministic or scored without noise. */
  readonly draws: number;
  /**
   * Forward plus gradient passes that the attack spent on this example, every draw and every candidate counted; rows
   * of one minimum-norm attack at several radii share them.
   */
  readonly queries: number;
  /**
   * Where the network's answer was not finite: logits of NaN, which are never right, or a gradient that is not finite,
   * without which the example was then attacked; and the node that produced it, if it was found. Absent if everything
   * was finite.
   */
  readonly nonFinite?:
    | { readonly value: "logits" | "gradient"; readonly node: string | null }
    | undefined;
  /** Time spent on this row, attack and scoring; a share of its batch's. */
  readonly seconds: number;
}
