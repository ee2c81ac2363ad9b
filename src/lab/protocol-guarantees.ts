// Certificates and proofs, as the page and its worker speak of them.
import type { Norm, Sizes } from "./protocol-basics.ts";

/** What is certified, and how. */
export interface CertificateSettings {
  /** `normal:0.25`. */
  readonly noise: string;
  /** Draws that choose the class. */
  readonly n0: number;
  /** Draws that bound its probability. */
  readonly n: number;
  /** Upper bound on the probability that the radius is wrong. */
  readonly alpha: number;
  readonly seed: number;
  /** Position of the image, on which its draws depend as in `rampart certify`. */
  readonly index: number;
}

/** The progress of a certificate. */
export interface CertificateMoment {
  /** Whether draws still choose the class, bound its probability, or all are done. */
  readonly phase: "class" | "bound" | "done";
  /** Draws of the phase so far, and all of them. */
  readonly draws: number;
  readonly of: number;
  /** Votes per class in the phase. */
  readonly counts: readonly number[];
  /** The class that is certified; null while it is not chosen, or if the certifier abstains. */
  readonly prediction: number | null;
  /** Lower bound of the class's probability by the draws so far. */
  readonly pLower: number;
  /** Radii that the bound gives. They are certified once all draws are done. */
  readonly radius: Sizes;
  /** `sound`: draws are integers on the grid of 8-bit pixels; `naive`: in float32. */
  readonly sampling: "sound" | "naive";
}

/** What is proven, and how. */
export interface ProofSettings {
  readonly norm: Norm;
  readonly label: number;
  readonly seed: number;
}

/** A radius that was tried. */
export interface ProofTrial {
  readonly radius: number;
  readonly isProven: boolean;
  readonly method: string;
  readonly seconds: number;
}

/** What is known of the smallest perturbation that changes a decision. */
export interface ProofMoment {
  /** The largest radius that is proven. */
  readonly lower: number;
  /** The size of the smallest perturbation that an attack found; null if it found none. */
  readonly upper: number | null;
  /** The smallest radius for which no proof was found; null before one. */
  readonly open: number | null;
  readonly trials: readonly ProofTrial[];
  readonly done: boolean;
}
