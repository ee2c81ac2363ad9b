import type { BoundedAttack, Labels, LossAndGradient, Victim } from "../attacks/victim.ts";
import { ce } from "../losses/ce.ts";
import type { Key } from "../math/random.ts";
import { concatRows, rowSize, rows, type Tensor, takeRows, tensor } from "../math/tensor.ts";

/** A call of one attack that waits until the other attacks have called too. */
interface WaitingCall {
  readonly x: Tensor;
  readonly labels: Labels;
  readonly keys: readonly Key[];
  resolve(result: LossAndGradient): void;
  reject(reason: unknown): void;
}

/** Gathers the calls of several attacks, and asks the model about all of them in one batch. */
class LockstepModel {
  private readonly model: Victim;
  private readonly waiting = new Map<number, WaitingCall>();
  /** Attacks that have not ended. */
  private running: number;

  constructor(model: Victim, attacks: number) {
    this.model = model;
    this.running = attacks;
  }

  /** The model as attack number `attack` sees it. Only cross-entropy waits; other calls are passed on. */
  viewOf(attack: number): Victim {
    return {
      logits: (x, keys) => this.model.logits(x, keys),
      lossAndGradient: (x, loss, keys) => {
        if (loss.kind !== "ce") return this.model.lossAndGradient(x, loss, keys);
        return new Promise((resolve, reject) => {
          this.waiting.set(attack, { x, labels: loss.labels, keys, resolve, reject });
          this.callIfAllWait();
        });
      },
    };
  }

  /** An attack has ended, so the others no longer wait for it. */
  end(): void {
    this.running--;
    this.callIfAllWait();
  }

  private callIfAllWait(): void {
    if (this.waiting.size === 0 || this.waiting.size < this.running) return;
    // Rows are joined in the order of attacks, whichever called first.
    const calls = [...this.waiting].sort(([a], [b]) => a - b).map(([, call]) => call);
    this.waiting.clear();
    this.call(calls).catch((reason) => {
      for (const { reject } of calls) reject(reason);
    });
  }

  private async call(calls: readonly WaitingCall[]): Promise<void> {
    const joined = await this.model.lossAndGradient(
      concatRows(calls.map(({ x }) => x)),
      ce(calls.flatMap(({ labels }) => labels)),
      calls.flatMap(({ keys }) => keys),
    );
    let from = 0;
    for (const { keys, resolve } of calls) {
      const to = from + keys.length;
      resolve({
        losses: joined.losses.slice(from, to),
        logits: rows(joined.logits, from, to),
        gradient: rows(joined.gradient, from, to),
      });
      from = to;
    }
  }
}

/**
 * Attacks example i of x [batch, ...pixels] by `attacks[choice[i]]`; `choice`, `labels` and `keys` are [batch], the result
 * has the shape of x. The attacks run in lockstep: the gradients that they ask for at one step are one batch of the model,
 * so a network in training sees statistics of the whole batch, and one compiled batch size serves every step.
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
    .map((attack, a) => ({
      attack,
      indices: choice.flatMap((chosen, i) => (chosen === a ? [i] : [])),
    }))
    .filter(({ indices }) => indices.length > 0);
  const lockstep = new LockstepModel(model, parts.length);
  const perturbed = await Promise.all(
    parts.map(async ({ attack, indices }, part) => {
      try {
        return await attack.perturb(
          lockstep.viewOf(part),
          takeRows(x, indices),
          indices.map((i) => labels[i]),
          indices.map((i) => keys[i]),
        );
      } finally {
        lockstep.end();
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
