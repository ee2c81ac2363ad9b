// The search of the adaptive attack: rounds of ascents on the images that may still break, then random search.
import { clipLogit, isLive } from "../losses/logit-bounds.ts";
import { margin, marginsOf } from "../losses/margin.ts";
import { lossOfLogits } from "../losses/plain.ts";
import { probabilityMargin } from "../losses/probability-margin.ts";
import { fold, foldAll, type Key } from "../math/random.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import {
  type Attacked,
  type AttackedClimber,
  closest,
  kept,
  remainingOf,
  seeClean,
} from "./adaptive-climbers.ts";
import { type Part, partsOf, type Round, squareSpans } from "./adaptive-rounds.ts";
import { beginSquares } from "./adaptive-squares.ts";
import { ascend, begin } from "./apgd-ascent.ts";
import { rivals, rowOf } from "./examples.ts";
import { checkGradient, checkLabels } from "./preconditions.ts";
import { type SquareSettings, searchSquares } from "./square.ts";
import type { Labels, Norm, OnBroken, Victim } from "./victim.ts";

/** The ball of the attack; the radius is in its norm, for pixels in [0, 1]. */
export interface AttackBall {
  readonly norm: Norm;
  readonly epsilon: number;
}

/** A batch x [batch, ...pixels] in [0, 1], with labels and keys [batch]. */
export interface AttackedImages {
  readonly x: Tensor;
  readonly labels: Labels;
  readonly keys: readonly Key[];
}

/** How far the attack on an image has come. Margins are in logits. */
export interface Progress {
  /** Its row in the batch. */
  readonly row: number;
  readonly cleanMargin: number;
  /** The margin of the most damaging point; positive once the image is broken. */
  readonly margin: number;
  /** Gradient steps so far; steps of parallel ascents count once. */
  readonly steps: number;
  /** The margin after nine tenths of these steps. */
  readonly before: number;
  /** Whether random search ran, and whether it reduced the margin more than the ascents did. */
  readonly searched: boolean;
  readonly blind: boolean;
  /** Whether the first round of its batch ended by itself. Otherwise the images that broke so far are no fair sample. */
  readonly begun: boolean;
  /** Whether the image got a thorough round in full. */
  readonly thorough: boolean;
}

/** Random streams of an image: the clean image, random search, and ascents from here on. */
const [CLEAN, SQUARES, ASCENTS] = [0, 1, 2];

/** The largest clean margin, and the smallest range of logits, for which logits enter the softmax unscaled. */
const [MAX_MARGIN, MIN_RANGE] = [8, 1];

/**
 * The factor on logits [classes] before the softmax. Where the softmax is saturated or nearly flat, the gradients of
 * probabilities vanish in float32. `own` is the margin of the same logits.
 */
export function scaleFor(logits: Float32Array, own: number): number {
  const live = logits.filter(isLive).map(clipLogit);
  const range = Math.max(...live) - Math.min(...live);
  if (-own > MAX_MARGIN) return MAX_MARGIN / -own;
  return range > 0 && range < MIN_RANGE ? MIN_RANGE / range : 1;
}

/**
 * The state of the attack on one batch. The attack on an image depends only on the image's pixels, label, key and earlier
 * ascents, so the split into batches does not matter.
 */
export class AdaptiveSearch {
  /** The most damaging points, [batch, ...pixels]. */
  readonly adversarial: Tensor;
  #images: readonly Attacked[] = [];
  #survivors: readonly Attacked[] = [];
  /** Whether a round ended by itself. */
  #begun = false;
  readonly #victim: Victim;
  readonly #ball: AttackBall;
  readonly #onBroken: OnBroken | undefined;

  private constructor(victim: Victim, ball: AttackBall, x: Tensor, onBroken?: OnBroken) {
    this.#victim = victim;
    this.#ball = ball;
    this.#onBroken = onBroken;
    this.adversarial = tensor(x.shape, x.data.slice());
  }

  /** Asks for logits and gradients at the clean images in one pass; the first round starts from that answer. */
  static async begin(
    victim: Victim,
    ball: AttackBall,
    { x, labels, keys }: AttackedImages,
    onBroken?: OnBroken,
  ): Promise<AdaptiveSearch> {
    const search = new AdaptiveSearch(victim, ball, x, onBroken);
    const cleanKeys = foldAll(keys, CLEAN);
    const answer = await victim.lossAndGradient(x, margin(labels), cleanKeys, { clean: true });
    checkLabels(labels, answer.logits);
    checkGradient(answer.gradient);
    const margins = marginsOf(answer.logits, labels);
    const scales = labels.map((_, row) => scaleFor(rowOf(answer.logits, row), margins[row]));
    const { losses } = lossOfLogits(probabilityMargin(labels, scales), answer.logits);
    search.#images = labels.map((label, row): Attacked => {
      const logits = rowOf(answer.logits, row);
      return {
        row,
        x: rowOf(x, row),
        label,
        key: keys[row],
        targets: rivals(logits, label, logits.length - 1),
        kept: rowOf(search.adversarial, row),
        margin: margins[row],
        cleanMargin: margins[row],
        steps: 0,
        searched: false,
        blind: false,
        thorough: false,
        path: [],
        scale: scales[row],
        clean: { loss: losses[row], gradient: rowOf(answer.gradient, row) },
      };
    });
    search.#survivors = search.#images;
    search.#dropBroken("clean");
    return search;
  }

  #dropBroken(by: string): void {
    for (const { row, margin: reached } of this.#survivors)
      if (reached > 0) this.#onBroken?.(row, by);
    this.#survivors = this.#survivors.filter((one) => !(one.margin > 0));
  }

  /** How far the attack on each image has come, in the order of the batch. */
  progress(): Progress[] {
    return this.#images.map((one) => {
      const { row, cleanMargin, margin: reached, steps, searched, blind, thorough } = one;
      const early = one.path.filter(({ step }) => step <= 0.9 * steps);
      const before = Math.max(cleanMargin, ...early.map((at) => at.margin));
      const begun = this.#begun;
      const found = { row, cleanMargin, margin: reached, steps, before };
      return { ...found, searched, blind, thorough, begun };
    });
  }

  /** Whether some image would take part in the round. */
  enters({ remaining }: Round): boolean {
    return this.#survivors.some((one) => remainingOf(one) <= remaining);
  }

  /**
   * Runs the ascents of a round. `number` makes its random starts differ from other rounds. Ends early once `isOver`, called
   * before each step, returns true.
   */
  async climb(round: Round, number: number, isOver?: () => boolean): Promise<void> {
    const { norm, epsilon } = this.#ball;
    const entering = this.#survivors.filter((one) => remainingOf(one) <= round.remaining);
    const { loss } = round;
    const { shape } = this.adversarial;
    let climbers: readonly AttackedClimber[] = [];
    let [before, done] = [0, 0];
    let isEnded = true;
    for (const [at, part] of partsOf(round, norm, epsilon).entries()) {
      climbers =
        at === 0
          ? entering.flatMap((one) => this.#beginners(one, round, number, part))
          : this.#continued(climbers, part);
      const { span } = part;
      const isKnown = at === 0 && round.start === "image";
      if (isKnown) for (const climber of climbers) seeClean(climber);
      const steps = isKnown ? { from: 1, to: span.to } : span;
      const ascent = { norm, loss, stopWhenBroken: true, isOver };
      const taken = await ascend(this.#victim, climbers, shape, ascent, part.stage, steps);
      if (part.stage.last) climbers = kept(climbers, before);
      else before += taken;
      isEnded &&= taken >= span.to || climbers.length === 0;
      done = before + (part.stage.last ? Math.max(taken, 0) : 0);
    }
    for (const one of entering) one.steps += done;
    this.#begun ||= isEnded;
    if (isEnded && round.isThorough) for (const one of entering) one.thorough = true;
    this.#dropBroken(`${round.name}-${norm}`);
  }

  /** The first ascents of an image in a round. */
  #beginners(
    example: Attacked,
    { loss, start }: Round,
    number: number,
    { stage, ascents }: Part,
  ): AttackedClimber[] {
    const { targets, x, kept, key } = example;
    const from = { image: x, best: kept, random: null }[start];
    const aims =
      loss === "t" ? targets.slice(0, ascents) : Array.from({ length: ascents }, () => targets[0]);
    return aims.map((target, aim) => {
      const own = fold(fold(key, ASCENTS + number), aim);
      return begin(example, target, own, this.#ball.norm, stage, from) as AttackedClimber;
    });
  }

  /** The ascents that continue after a part. At the beginning of a stage, each starts from its best point. */
  #continued(climbers: readonly AttackedClimber[], part: Part): readonly AttackedClimber[] {
    const going = closest(climbers, part.ascents);
    if (part.span.from > 0) return going;
    return going.map(({ example, target, key, best }) => {
      const own = fold(key, part.number);
      return begin(
        example,
        target,
        own,
        this.#ball.norm,
        part.stage,
        best.point,
      ) as AttackedClimber;
    });
  }

  /**
   * Random search on the survivors. At each checkpoint an image leaves if too much of its margin is left, or if ascents
   * have reduced the margin more: random search outperforms ascents only where gradients are masked.
   */
  async searchSquares(settings: SquareSettings, isOver?: () => boolean): Promise<void> {
    const [opening, ...spans] = squareSpans(settings.queries);
    const { shape } = this.adversarial;
    const search = { settings, shape, span: opening.span, isOver };
    let running = await beginSquares(this.#victim, this.#survivors, SQUARES, search);
    for (const { span, remaining } of spans) {
      const isEnded = await searchSquares(this.#victim, running, shape, settings, span, isOver);
      if (isEnded) for (const { example } of running) example.searched = true;
      running = running.filter(({ example, margin }) => margin >= example.margin);
      for (const { example, margin, best } of running) {
        example.blind ||= margin > example.margin;
        example.margin = margin;
        example.kept.set(best);
      }
      running = running.filter(
        ({ example }) => !(example.margin > 0) && remainingOf(example) <= remaining,
      );
    }
    this.#dropBroken(`square-${settings.norm}`);
  }
}
