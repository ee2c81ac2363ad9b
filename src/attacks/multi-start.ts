// Several gradient ascents per example, from different starts or towards different classes.
import type { RowLoss } from "../losses/table.ts";
import { foldAll, type Key } from "../math/random.ts";
import { add, clamp, type Tensor, takeRows } from "../math/tensor.ts";
import { type Ascent, ascend } from "./ascent.ts";
import { balls } from "./balls.ts";
import { putRows, rivals, rowOf } from "./examples.ts";
import { checkEpsilon, checkInputs, checkLabels } from "./preconditions.ts";
import type { BoundedAttack, Labels, Victim } from "./victim.ts";

/** Examples x [batch, ...pixels] with labels and keys [batch]. */
interface Examples {
  readonly x: Tensor;
  readonly labels: Labels;
  readonly keys: readonly Key[];
}

/** Examples with the target classes [batch][targets] of an attack; empty for an untargeted loss. */
export interface TargetedExamples extends Examples {
  readonly targets: readonly (readonly number[])[];
}

/** The scores of an ascent's results, [batch] each. */
export interface Judgement {
  /** A higher value is a stronger attack. */
  readonly damage: Float32Array;
  /** Positive if misclassified. */
  readonly margins: Float32Array;
}

/** The ascents of an attack. */
export interface MultiStart {
  readonly ascent: Ascent;
  readonly randomStart: boolean;
  readonly restarts: number;
  /** The largest number of target classes, each attacked from every start; null for a loss without a target. */
  readonly maxTargets: number | null;
  /** The loss that an ascent maximises; `place` is the position of the target among an example's targets. */
  loss(examples: TargetedExamples, place: number): RowLoss;
  /** Judges points [batch, ...pixels] under the given keys, which are the same for all ascents of an example. */
  judge(victim: Victim, points: Tensor, examples: Examples): Promise<Judgement>;
}

/**
 * The `perturb` of an attack that runs the ascents one after the other and keeps the most damaging result of each example. With
 * `stopWhenBroken`, later ascents get the survivors only.
 */
export function multiStart(options: MultiStart): BoundedAttack["perturb"] {
  const { ascent } = options;
  return async (victim, x, labels, keys) => {
    checkInputs(x, labels, keys);
    checkEpsilon(ascent.norm, ascent.epsilon, x.shape.slice(1));
    const targets = await targetsOf(victim, { x, labels, keys }, options.maxTargets);
    const search = new Search(options, victim, { x, labels, keys, targets });
    for (let run = 0; run < search.ascents; run++) await search.ascend(run);
    return search.adversarial;
  };
}

/** The most damaging point of each example so far, over the ascents of one batch. */
class Search {
  /** [batch, ...pixels]; x before the first ascent. */
  adversarial: Tensor;
  /** The number of ascents: restarts times the largest number of targets of an example. */
  readonly ascents: number;
  private readonly targetCount: number;
  private survivors: readonly number[];
  private readonly highest: number[];
  private readonly options: MultiStart;
  private readonly victim: Victim;
  private readonly examples: TargetedExamples;

  constructor(options: MultiStart, victim: Victim, examples: TargetedExamples) {
    this.options = options;
    this.victim = victim;
    this.examples = examples;
    this.adversarial = examples.x;
    this.targetCount = Math.max(1, ...examples.targets.map(({ length }) => length));
    this.ascents = options.restarts * this.targetCount;
    this.survivors = examples.labels.map((_, i) => i);
    this.highest = examples.labels.map(() => Number.NEGATIVE_INFINITY);
  }

  /** Runs ascent number `run` for the survivors that have a target for it. */
  async ascend(run: number): Promise<void> {
    const { ascent, maxTargets } = this.options;
    const place = run % this.targetCount;
    const chosen = this.survivors.filter(
      (i) => maxTargets === null || place < this.examples.targets[i].length,
    );
    if (chosen.length === 0) return;
    const part = this.take(chosen);
    // The judge uses fold(key, 0).
    const climbing = { ...part, keys: foldAll(part.keys, run + 1) };
    const loss = this.options.loss(climbing, place);
    const reached = await ascend(ascent, this.victim, { ...climbing, loss }, this.start(climbing));
    // The first ascent covers all examples, since each has a first target.
    if (run === 0) this.adversarial = reached;
    if (this.ascents > 1) await this.keepBest(chosen, reached, part);
  }

  private take(chosen: readonly number[]): TargetedExamples {
    const { x, labels, keys, targets } = this.examples;
    return {
      x: takeRows(x, chosen),
      labels: chosen.map((i) => labels[i]),
      keys: chosen.map((i) => keys[i]),
      targets: chosen.map((i) => targets[i]),
    };
  }

  /** Where the ascent begins, [batch, ...pixels]. */
  private start({ x, keys }: Examples): Tensor {
    const { ascent, randomStart } = this.options;
    if (!randomStart) return x;
    const noise = balls[ascent.norm].sample(foldAll(keys, 0), x.shape, ascent.epsilon);
    return clamp(add(x, noise), 0, 1);
  }

  /** Keeps the points that beat the best ones so far; the same noise judges every point of an example. */
  private async keepBest(
    chosen: readonly number[],
    reached: Tensor,
    part: TargetedExamples,
  ): Promise<void> {
    const { judge, ascent } = this.options;
    const judged = { ...part, keys: foldAll(part.keys, 0) };
    const { damage, margins } = await judge(this.victim, reached, judged);
    const isBroken = Array.from(margins, (margin) => ascent.stopWhenBroken && margin > 0);
    const better = chosen.flatMap((example, i) =>
      isBroken[i] || damage[i] > this.highest[example] ? [i] : [],
    );
    for (const i of better) this.highest[chosen[i]] = damage[i];
    const places = better.map((i) => chosen[i]);
    putRows(this.adversarial, takeRows(reached, better), places);
    const broken = new Set(chosen.filter((_, i) => isBroken[i]));
    this.survivors = this.survivors.filter((example) => !broken.has(example));
  }
}

/** The likeliest wrong classes of each clean image, at most `maxTargets`; empty lists for an untargeted loss. */
async function targetsOf(
  victim: Victim,
  { x, labels, keys }: Examples,
  maxTargets: number | null,
): Promise<number[][]> {
  if (maxTargets === null) return labels.map(() => []);
  const clean = await victim.logits(x, foldAll(keys, 0));
  checkLabels(labels, clean);
  return labels.map((label, i) => rivals(rowOf(clean, i), label, maxTargets));
}
