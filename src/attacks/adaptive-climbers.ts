// The images of the adaptive attack and their ascents.
import { type Climber, type Example, see } from "./apgd-ascent.ts";

/** An image under attack. */
export interface Attacked extends Example {
  /** Its row in the batch. */
  readonly row: number;
  readonly cleanMargin: number;
  /** Gradient steps so far, and the margins on the way, each with the step that reached it. */
  steps: number;
  searched: boolean;
  blind: boolean;
  thorough: boolean;
  readonly path: { readonly step: number; readonly margin: number }[];
  readonly scale: number;
  /** The margin of probabilities at the clean image, and the gradient [pixels] of the margin there. */
  readonly clean: { readonly loss: number; readonly gradient: Float32Array };
}

/** One ascent of an attacked image. */
export interface AttackedClimber extends Climber {
  readonly example: Attacked;
}

/** The share of its clean margin that an image has left. */
export const remainingOf = ({ margin, cleanMargin }: Attacked): number =>
  cleanMargin === 0 ? 0 : Math.max(0, margin / cleanMargin);

/** Gives the climber the known margin and gradient of the clean image, where it starts. */
export function seeClean(climber: AttackedClimber): void {
  const { clean, cleanMargin } = climber.example;
  see(climber, clean.loss, clean.gradient, cleanMargin);
  climber.bestBefore = climber.loss;
}

/**
 * Keeps the best points of the climbers, and returns those whose image survives; earlier stages took `before` steps.
 */
export function kept(
  climbers: readonly AttackedClimber[],
  before: number,
): readonly AttackedClimber[] {
  for (const { example, best, path } of climbers) {
    for (const { step, margin: reached } of path.splice(0))
      example.path.push({ step: example.steps + before + step, margin: reached });
    if (!(best.margin > example.margin)) continue;
    example.margin = best.margin;
    example.kept.set(best.point);
  }
  return climbers.filter(({ example }) => !(example.margin > 0));
}

/** The ascents of each image that came closest to breaking it, at most `count`. */
export function closest(climbers: readonly AttackedClimber[], count: number): AttackedClimber[] {
  const byImage = new Map<Attacked, AttackedClimber[]>();
  for (const climber of climbers) {
    const own = byImage.get(climber.example) ?? [];
    own.push(climber);
    byImage.set(climber.example, own);
  }
  return [...byImage.values()].flatMap((own) =>
    own.sort((a, b) => b.best.margin - a.best.margin).slice(0, count),
  );
}
