import type { BoundedAttack, Labels, LossAndGradient, Victim } from "../attacks/victim.ts";
import { ce } from "../losses/plain.ts";
import type { Key } from "../math/random.ts";
import { concatRows, rowSize, rows, type Tensor, takeRows, tensor } from "../math/tensor.ts";

/** One attack's question that waits for those of the others. */
interface Question {
  readonly x: Tensor;
  readonly labels: Labels;
  readonly keys: readonly Key[];
  answer(result: LossAndGradient): void;
  fail(reason: unknown): void;
}

/**
 * Attacks example i by `attacks[choice[i]]`. The attacks run in step: what they ask of the network meets it as one
 * batch, so that a network in training sees statistics of the whole batch, and one compiled size serves every step.
 */
export async function perturbInLockstep(
  attacks: readonly BoundedAttack[],
  choice: readonly number[],
  model: Victim,
  x: Tensor,
  labels: Labels,
  keys: readonly Key[],
): Promise<Tensor> {
  const parts = attacks
    .map((attack, a) => ({ attack, indices: choice.flatMap((one, i) => (one === a ? [i] : [])) }))
    .filter(({ indices }) => indices.length > 0);
  const waiting = new Map<number, Question>();
  let running = parts.length;

  /** Asks the network everything at once as soon as every running attack waits. */
  function askWhenAllWait(): void {
    if (waiting.size === 0 || waiting.size < running) return;
    const questions = parts.flatMap((_, part) => waiting.get(part) ?? []);
    waiting.clear();
    const together = {
      x: concatRows(questions.map((one) => one.x)),
      labels: questions.flatMap((one) => one.labels),
      keys: questions.flatMap((one) => one.keys),
    };
    model.lossAndGradient(together.x, ce(together.labels), together.keys).then(
      ({ losses, logits, gradient }) => {
        let from = 0;
        for (const { keys: own, answer } of questions) {
          const to = from + own.length;
          answer({
            losses: losses.slice(from, to),
            logits: rows(logits, from, to),
            gradient: rows(gradient, from, to),
          });
          from = to;
        }
      },
      (reason) => {
        for (const { fail } of questions) fail(reason);
      },
    );
  }

  const partOf = (part: number): Victim => ({
    logits: (images, own) => model.logits(images, own),
    lossAndGradient(images, loss, own) {
      if (loss.kind !== "ce") return model.lossAndGradient(images, loss, own);
      return new Promise((answer, fail) => {
        waiting.set(part, { x: images, labels: loss.labels, keys: own, answer, fail });
        askWhenAllWait();
      });
    },
  });

  const perturbed = await Promise.all(
    parts.map(async ({ attack, indices }, part) => {
      try {
        return await attack.perturb(
          partOf(part),
          takeRows(x, indices),
          indices.map((i) => labels[i]),
          indices.map((i) => keys[i]),
        );
      } finally {
        running--;
        askWhenAllWait();
      }
    }),
  );
  const row = rowSize(x);
  const adversarial = tensor(x.shape);
  parts.forEach(({ indices }, part) => {
    indices.forEach((index, i) => {
      adversarial.data.set(perturbed[part].data.subarray(i * row, (i + 1) * row), index * row);
    });
  });
  return adversarial;
}
