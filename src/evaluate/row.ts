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
  /** CRC-32 of the clean image's pixels as float32, eight hexadecimal digits; absent in rows of earlier versions. */
  readonly image?: string | undefined;
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
   * The objective that led to the example. Deterministic model: the loss that was maximised, `ce`, `dlr` or `margin`. For an
   * ensemble, the member that broke the example, `clean` if it was misclassified without an attack, `unbroken` if no member
   * broke it. Randomised model: the objective over draws, or the chosen one of several (`stretched`: a minimum-norm result
   * scaled to the radius; `one-step`: one step along the gradient).
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
  /** The same on the half of the draws that selects the strongest attack for the union. */
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
   * Forward plus gradient passes of the attack on this example, including all draws and candidates. Rows of one
   * minimum-norm attack at several radii share them.
   */
  readonly queries: number;
  /**
   * A non-finite answer of the network, and the node that produced it, if known: NaN logits, which count as wrong, or a
   * gradient, in which case the example was attacked without gradients too. Absent if all answers were finite.
   */
  readonly nonFinite?:
    | { readonly value: "logits" | "gradient"; readonly node: string | null }
    | undefined;
  /** Time spent on this row, for attack and scoring: its share of the batch's time. */
  readonly seconds: number;
}
