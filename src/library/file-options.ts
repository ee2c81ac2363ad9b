// What the functions of `rampart/node` take. The words are those of the command line's help.

import type { BuiltInAttackName } from "../attacks/table.ts";
import type { Attack, AttackNorm } from "../attacks/victim.ts";
import type { AuditEvent } from "../audit/audit.ts";
import type { NodeAudit } from "../audit/audit-request.ts";
import type { CertifyEvent } from "../certify/certification.ts";
import type { CertificationOptions } from "../certify/options.ts";
import type { CertifiedNorm } from "../certify/radii.ts";
import type { ImageRules } from "../data/image-rules.ts";
import type { FilterName } from "../data/resize.ts";
import type { BuiltInDefenseName, Defense } from "../defenses/table.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import type { EvaluateEvent } from "../evaluate/evaluation.ts";
import type { NodeEvaluation } from "../evaluate/evaluation-request.ts";
import type { Note } from "../math/note.ts";
import type { Architecture } from "../models/architecture.ts";
import type { TrainEvent } from "../train/events.ts";
import type { NodeTraining } from "../train/training-request.ts";
import type { BuiltInAttackOptions } from "./attack-options.ts";
import type { BuiltInDefenseOptions } from "./defense-options.ts";

/** Any other name: one of a plug-in. It keeps editors completing the built-in names. */
export type PluginName = string & Record<never, never>;

/** Attacks that have a name, those of plug-ins included. */
export type AttackName = BuiltInAttackName | "none" | PluginName;

/** Defences that have a name, those of plug-ins included. */
export type DefenseName = BuiltInDefenseName | PluginName;

/** Networks that have a name, those of plug-ins included. */
export type ModelName = "cnn-small" | "mlp-small" | `wrn-${number}-${number}` | PluginName;

/** Where graphs run. */
export type DeviceName = "cpu" | "webgpu" | "cuda";

/** A number, or a list of numbers for a curve. */
export type OneOrMore = number | readonly number[];

/** Where graphs run, and how a long call is watched and stopped. */
export interface Running<Event> {
  /** Where graphs run: cpu, webgpu or cuda, or a runtime that was made before. */
  readonly device?: DeviceName | Runtime | undefined;
  /** Threads of the runtime; by default one per core. */
  readonly threads?: number | undefined;
  /**
   * Stops the call after its current step. What is done by then is saved where `out` is given; the promise is rejected
   * with the signal's reason, and the same call with `resume: true` continues.
   */
  readonly signal?: AbortSignal | undefined;
  /** Receives all events, in order. An error that it throws ends the call. */
  readonly onEvent?: ((event: Event) => void) | undefined;
}

/** The options of `train`. */
export interface TrainOptions
  extends Running<TrainEvent>,
    BuiltInDefenseOptions,
    Pick<NodeTraining, "out" | "resume" | "dataDir" | "checkpointSeconds" | "command"> {
  /** How the model is defended. */
  readonly defense?: DefenseName | Defense | undefined;
  /** Network: cnn-small, mlp-small or wrn-<depth>-<width>. */
  readonly model?: ModelName | Architecture | undefined;
  /** Data set, or folder:PATH, or npz:PATH. */
  readonly data?: string | undefined;
  /** Settings of the optimiser (default: zagoruyko); short suits runs of a few epochs. */
  readonly recipe?: "zagoruyko" | "authors" | "short" | "fast" | "harden" | "certified" | undefined;
  /** Passes over the examples; by default the recipe's. */
  readonly epochs?: number | undefined;
  /** Examples per step; by default the recipe's. */
  readonly batch?: number | undefined;
  /** Training images used; by default all. */
  readonly examples?: number | undefined;
  /** Highest learning rate; by default the recipe's. */
  readonly rate?: number | undefined;
  /** Weight decay: λ of λ/2·‖w‖²; by default the recipe's. */
  readonly weightDecay?: number | undefined;
  /** Dropout rate; by default the recipe's. */
  readonly dropout?: number | undefined;
  /** Random crops and mirroring (default: crop-flip; mnist, fashion-mnist crop; shapes none). */
  readonly augment?: "crop-flip" | "crop" | "none" | undefined;
  /** The attack sees running statistics (default: frozen) or batch statistics and dropout. */
  readonly attackMode?: "frozen" | "batch" | undefined;
  /**
   * Train at weights that are moved by this share of their norm to where the loss is higher (adversarial weight perturbation;
   * 0.005 in its paper).
   */
  readonly awp?: number | undefined;
  /** Seed of every random stream (default: 0). */
  readonly seed?: number | undefined;
  /** How the learning rate changes; by default the recipe's. */
  readonly schedule?: "multi-step" | "one-cycle" | "cosine" | "constant" | undefined;
  /** Share of each label that is spread evenly over all classes. */
  readonly labelSmoothing?: number | undefined;
  /** Largest ℓ2 norm of the gradient with respect to all weights; longer ones are scaled down to it. */
  readonly clipGradient?: number | undefined;
  /** Decay of an exponential moving average of the weights, which becomes the model: 0.995. */
  readonly ema?: number | undefined;
  /** Share of the run after which the weights of all steps are averaged, which becomes the model: 0.5. */
  readonly swa?: number | undefined;
  /** Share of the run in which the radii of the attacks grow from 0 to their full length; 0 turns this off. */
  readonly epsilonWarmup?: number | undefined;
  /** Training images that are held out to choose the checkpoint by its accuracy under attack. */
  readonly validation?: number | undefined;
  /**
   * Choose no checkpoint whose accuracy on clean validation images is lower by more than this share than at the start, and stop
   * once it stays lower for an epoch without rising.
   */
  readonly maxCleanLoss?: number | undefined;
  /** Stop after this many epochs without a better checkpoint on the validation images. */
  readonly patience?: number | undefined;
  /** Batch norms of a file in training: its own statistics (default: frozen), or the batch's, which re-estimates them. */
  readonly statistics?: "frozen" | "batch" | undefined;
}

/** A note for the reader of the results. */
export interface NoteEvent extends Note {
  readonly event: "note";
}

/** An event of `evaluate`: a finished row, or a note for the reader of the rows. */
export type EvaluationEvent = ({ readonly event: "row" } & EvaluateEvent) | NoteEvent;

/** The options of `evaluate`. */
export interface EvaluateOptions
  extends Running<EvaluationEvent>,
    BuiltInAttackOptions,
    Pick<
      NodeEvaluation,
      "out" | "resume" | "saveExamples" | "data" | "dataDir" | "classes" | "command"
    > {
  /** Called with the text of each note; `onEvent` receives them with their codes. */
  readonly note?: ((line: string) => void) | undefined;
  /** Attacks to run, by name or as values of your own. */
  readonly attacks?: AttackName | Attack | readonly (AttackName | Attack)[] | undefined;
  /** Length of the shorter side that images are brought to, or height,width. */
  readonly resize?: OneOrMore | undefined;
  /** Side of the square that is cut from their middle, or height,width. */
  readonly crop?: OneOrMore | undefined;
  /** Pillow's filter for `resize` (default: bilinear). */
  readonly interpolation?: FilterName | undefined;
  /** Transparent pixels of a folder's images: keep their colour (`drop`), or blend with black or white. */
  readonly imageAlpha?: ImageRules["imageAlpha"] | undefined;
  /** Whether to rotate a folder's images by their EXIF orientation. */
  readonly imageExif?: ImageRules["imageExif"] | undefined;
  /** 16-bit grey images of a folder: clip levels at 255, or scale 65535 to white. */
  readonly imageGrey16?: ImageRules["imageGrey16"] | undefined;
  /** Test images to attack, from the first one on. */
  readonly examples?: number | undefined;
  /** How models are scored; published is the paper's protocol, for comparison only. */
  readonly protocol?: "sound" | "published" | undefined;
  /** Radius in ℓ∞, for pixels in [0, 1]; several make a curve. */
  readonly epsilonLinf?: OneOrMore | undefined;
  /** Radius in ℓ2, for pixels in [0, 1]; several make a curve. */
  readonly epsilonL2?: OneOrMore | undefined;
  /** Radius in ℓ1, for pixels in [0, 1]; several make a curve. */
  readonly epsilonL1?: OneOrMore | undefined;
  /** Radius in ℓ0, in pixels with all their channels; several make a curve. */
  readonly epsilonL0?: OneOrMore | undefined;
  /** Noise added at every prediction, such as normal:0.25; by default the model's own. */
  readonly noise?: string | undefined;
  /** How a randomised model predicts: single, majority:k or mean:k draws. */
  readonly rule?: "single" | `majority:${number}` | `mean:${number}` | undefined;
  /** Fresh draws for scoring a randomised model; half of them select the strongest attack of the union. */
  readonly draws?: number | undefined;
  /** Draws averaged at each step of an attack on a randomised model; several make a curve; by default 16, 20 if all attacks are autoattack-*-rand, or 80 if published. */
  readonly eot?: OneOrMore | undefined;
  /** Objective of an attack on a randomised model; by default worst, or mean-logits if published. */
  readonly objective?:
    | "worst"
    | "mean-loss"
    | "mean-logits"
    | "mean-probability"
    | "fixed-noise"
    | "transfer"
    | undefined;
  /** Skip examples that an earlier attack of the same norm and radius broke; examples of a randomised model are never skipped. */
  readonly skipBroken?: boolean | undefined;
  /** Former name of skipBroken. */
  readonly onlyStanding?: boolean | undefined;
  /** Largest batch of the network; does not change random draws. */
  readonly batch?: number | undefined;
  /** Seed of every random stream. */
  readonly seed?: number | undefined;
}

/** An event of `certify`: a finished row, or a note for the reader of the rows. */
export type CertifyingEvent = ({ readonly event: "row" } & CertifyEvent) | NoteEvent;

/** Options of `certify` whose defaults fill in what is left out; the table of radii is the command line's. */
type CertificateSettings = {
  readonly [K in keyof Omit<CertificationOptions, "norms" | "radii">]?:
    | CertificationOptions[K]
    | undefined;
};

/** The options of `certify` and `predict`, those of `rampart certify`. */
export interface CertifyOptions
  extends Running<CertifyingEvent>,
    CertificateSettings,
    Pick<EvaluateOptions, "resize" | "crop" | "interpolation" | "imageAlpha" | "imageExif">,
    Pick<EvaluateOptions, "imageGrey16" | "out" | "resume" | "data" | "dataDir" | "command"> {
  /** The norm of `target`; l2 by default. */
  readonly norm?: CertifiedNorm | undefined;
  /** Called with the text of each note; `onEvent` receives them with their codes. */
  readonly note?: ((line: string) => void) | undefined;
}

/** An event of `audit`: a finished row, a note, and at the end the result with the files that hold it. */
export type AuditingEvent = AuditEvent | NoteEvent;

/** The options of `audit`. */
export interface AuditOptions
  extends Running<AuditingEvent>,
    Omit<NodeAudit, "runtime" | "signal" | "note"> {
  /** Called with the text of each note; `onEvent` receives them with their codes. */
  readonly note?: ((line: string) => void) | undefined;
  /** Norms of the attacks; a radius in ℓ0 adds l0. */
  readonly norms?: AttackNorm | readonly AttackNorm[] | undefined;
  /** Radius in ℓ∞, for pixels in [0, 1]; several make a curve. */
  readonly epsilonLinf?: OneOrMore | undefined;
  /** Radius in ℓ2, for pixels in [0, 1]; several make a curve. */
  readonly epsilonL2?: OneOrMore | undefined;
  /** Radius in ℓ1, for pixels in [0, 1]; several make a curve. */
  readonly epsilonL1?: OneOrMore | undefined;
  /** Also attack in ℓ0: number of pixels that may change, each with all its channels; several make a curve. */
  readonly epsilonL0?: OneOrMore | undefined;
  /** Test images to attack, from the first one on. */
  readonly examples?: number | undefined;
  /** quick: a first look; standard: AutoAttack's answer at a fraction of its passes; autoattack: AutoAttack as published; full: every attack. */
  readonly budget?: "quick" | "standard" | "autoattack" | "full" | undefined;
  /**
   * Minutes for attacks, diagnostics and searches, instead of a budget; the result says how far the attacks have come.
   */
  readonly minutes?: number | undefined;
  /**
   * Required accuracy under all attacks (largest radii): `passed` of the result is false below it, or if the result is
   * invalid.
   */
  readonly require?: number | undefined;
  /** Also prove that images cannot be broken; under noise, certify them by randomised smoothing. */
  readonly prove?: boolean | undefined;
  /** Seconds that `prove` may spend on an image in each norm. */
  readonly proveSeconds?: number | undefined;
  /** Draws that certify an image under noise. */
  readonly proveN?: number | undefined;
  /** Noise added at every prediction, such as normal:0.25; by default the model's own. */
  readonly noise?: string | undefined;
  /** How a randomised model predicts: single, majority:k or mean:k draws. */
  readonly rule?: "single" | `majority:${number}` | `mean:${number}` | undefined;
  /** Largest batch of the network; does not change random draws. */
  readonly batch?: number | undefined;
  /** Seed of every random stream. */
  readonly seed?: number | undefined;
}
