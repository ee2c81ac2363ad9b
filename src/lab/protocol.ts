// The messages between the page and its worker: plain values that can be sent.
import type { Norm, Prediction, Sizes } from "./protocol-basics.ts";

export type * from "./protocol-basics.ts";
export type * from "./protocol-guarantees.ts";
export type * from "./protocol-slice.ts";

/** Where networks run. */
export interface RuntimeFacts {
  /** `wasm` or `webgpu`. */
  readonly device: string;
  readonly threads: number;
  /** Whether the page is cross-origin isolated, without which there is one thread. */
  readonly isolated: boolean;
  readonly engine: string;
}

/** One operator of a model's file, with the shape of what it returns for one image. */
export interface LayerFacts {
  readonly name: string;
  readonly op: string;
  /** Empty where it is not known. */
  readonly shape: string;
  /** Whether this is the node that cannot be read. */
  readonly isWrong: boolean;
}

/** A file that was dropped, with the files beside it. */
export interface DroppedModel {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Preprocessing, class names and arrays, by name. */
  readonly beside: Readonly<Record<string, Uint8Array>>;
}

/** How images reach a dropped model, as in the flags of the command line; what is not given is guessed. */
export type Reading = Readonly<Record<string, unknown>>;

/** A field of the form for `Reading`, from the schema of the flags. */
export interface ReadingField {
  readonly name: string;
  readonly text: string;
  readonly kind: "number" | "numbers" | "choice";
  readonly choices: readonly string[];
}

/**
 * The outcome of opening a dropped file: a model or a problem, and in any case its operators as far as they can be
 * read.
 */
export interface Opened {
  readonly model: ModelFacts | null;
  readonly problem: Problem | null;
  readonly layers: readonly LayerFacts[];
}

/** An image file of the user. */
export interface ImageFile {
  readonly name: string;
  readonly blob: Blob;
  /** The folder that it was in, which names its class; null for a file on its own. */
  readonly folder: string | null;
}

/** How pixels reach a network. */
export interface StatedPreprocessing {
  /** In words, with the file that says so. */
  readonly text: string;
  /** False if neither a file nor the user said so, and pixels go in as they are. */
  readonly isStated: boolean;
}

/** An open model. */
export interface ModelFacts {
  readonly name: string;
  /** [channel, height, width]. */
  readonly shape: readonly number[];
  /** Class names, one per output. */
  readonly classes: readonly string[];
  /** Noise that the model adds to pixels at every prediction, such as `uniform:0.25`; null if deterministic. */
  readonly noise: string | null;
  /** The noise that the file itself declares. */
  readonly ownNoise: string | null;
  /** How the model was trained, if the file says so. */
  readonly defense: string;
  /** Remarks on gradients, precision and outputs. */
  readonly notes: readonly string[];
  /** How pixels reach the network; null for a network of Rampart, which states it itself. */
  readonly preprocessing: StatedPreprocessing | null;
}

/** An image as pixels in [0, 1], [channel, height, width]. */
export interface Picture {
  readonly name: string;
  readonly pixels: Float32Array;
  readonly shape: readonly number[];
  /** Index of the true class; null if it is unknown. */
  readonly label: number | null;
}

/** An attack of the library's table. */
export interface AttackFacts {
  readonly name: string;
  readonly norms: readonly Norm[];
  readonly summary: string;
  readonly source: string;
  readonly bounded: boolean;
}

/** An attack to run. */
export interface AttackSettings {
  /** Name without its norm: `pgd`. */
  readonly attack: string;
  readonly norm: Norm;
  /** Radius in the norm, for pixels in [0, 1]. */
  readonly epsilon: number;
  readonly steps: number;
  /** Draws averaged at each step on a randomised model. */
  readonly eot: number;
  readonly seed: number;
  /** The class that the attack leads away from. */
  readonly label: number;
}

/** The progress of an attack. */
export interface Frame {
  /** Questions that the attack has asked the network so far. */
  readonly queries: number;
  /** The point that was asked about, or at the end the result. */
  readonly pixels: Float32Array;
  readonly answer: Prediction;
  readonly sizes: Sizes;
  /** Whether the attack has ended and `pixels` are its result. */
  readonly done: boolean;
}

/** A device that the page can compute on. */
export type Device = "cpu" | "webgpu";

/** What an audit does. */
export interface AuditSettings {
  readonly norms: readonly Norm[];
  readonly budget: "quick" | "standard" | "autoattack" | "full";
  /** The radius of each norm, for pixels in [0, 1]. */
  readonly epsilon: Readonly<Record<Norm, number>>;
  readonly seed: number;
  /** Noise that the user adds at every prediction; null for that of the model itself. */
  readonly noise: string | null;
}

/** How far an audit is, in rows. */
export interface AuditProgress {
  readonly done: number;
  readonly total: number;
}

/** An audit that the page has stored. */
export interface AuditState {
  readonly model: string;
  readonly images: number;
  readonly settings: AuditSettings;
  /** Whether it was running when it was stored; false if it was paused. */
  readonly isRunning: boolean;
  readonly isDone: boolean;
}

/** An error that a person reads. */
export interface Problem {
  /** False for a bug of the lab. */
  readonly usage: boolean;
  readonly message: string;
}

/** A result, or why there is none. Errors do not survive a message, so they are values here. */
export type Answer<T> = { readonly value: T } | { readonly problem: Problem };
