// Records what each example asked of the network, and where the answer was not finite. The key of a row states its
// example.

import { rowsNotFinite, rowsWithNaN, withFiniteValues } from "../attacks/finite.ts";
import type { Loss, Victim } from "../attacks/victim.ts";
import { takeLoss } from "../losses/plain.ts";
import type { RowLoss } from "../losses/table.ts";
import type { Key } from "../math/random.ts";
import { rows, type Tensor, tensor } from "../math/tensor.ts";

/** An answer that holds a number which is not finite. */
export interface NotFinite {
  /** Logits that are NaN, or a gradient that is not finite. */
  readonly value: "logits" | "gradient";
  /** What was asked about, [1, ...pixels], with noise if there is any. */
  readonly x: Tensor;
  /** The loss of this row whose gradient was asked for; null where the logits were. */
  readonly loss: RowLoss | null;
}

/** What one example asked for. */
export interface Asked {
  /** Forward plus gradient passes. */
  queries: number;
  /** The first answer that was not finite. */
  notFinite: NotFinite | null;
}

/** A victim that remembers by example. */
export interface WatchedVictim extends Victim {
  /** What example `owner` has asked for since it was last taken. */
  of(owner: number): Readonly<Asked>;
  /** Forgets everything, and returns it. */
  take(): ReadonlyMap<number, Readonly<Asked>>;
}

/** The example that a key states. */
export function ownerOf([, , owner]: Key): number {
  if (owner === undefined) throw new Error("internal: a key that does not say whose it is");
  return owner;
}

/** The loss of row i of a call; draws of an example share theirs. */
const rowOfLoss = (loss: Loss, i: number): RowLoss =>
  loss.kind === "of-mean" ? takeLoss(loss.loss, [Math.floor(i / loss.draws)]) : takeLoss(loss, [i]);

const nothing: Readonly<Asked> = { queries: 0, notFinite: null };

/**
 * The same victim, counting passes by example, whatever else is in the batch, and with finite gradients: an attack
 * stands still along a pixel whose slope is not finite. Each key must state its example.
 */
export function watched(victim: Victim): WatchedVictim {
  let asked = new Map<number, Asked>();
  function recordOf(key: Key): Asked {
    const owner = ownerOf(key);
    const record = asked.get(owner) ?? { queries: 0, notFinite: null };
    asked.set(owner, record);
    return record;
  }
  function note(
    value: NotFinite["value"],
    found: readonly number[],
    x: Tensor,
    keys: readonly Key[],
    loss: Loss | null,
  ): void {
    for (const i of found) {
      const record = recordOf(keys[i]);
      const row = rows(x, i, i + 1);
      record.notFinite ??= {
        value,
        x: tensor(row.shape, row.data.slice()),
        loss: loss === null ? null : rowOfLoss(loss, i),
      };
    }
  }
  return {
    async logits(x, keys, hints) {
      for (const key of keys) recordOf(key).queries++;
      const logits = await victim.logits(x, keys, hints);
      note("logits", rowsWithNaN(logits), x, keys, null);
      return logits;
    },
    async lossAndGradient(x, loss, keys, hints) {
      for (const key of keys) recordOf(key).queries += 2;
      const answer = await victim.lossAndGradient(x, loss, keys, hints);
      note("logits", rowsWithNaN(answer.logits), x, keys, loss);
      note("gradient", rowsNotFinite(answer.gradient), x, keys, loss);
      return withFiniteValues(answer);
    },
    of: (owner) => asked.get(owner) ?? nothing,
    take() {
      const before = asked;
      asked = new Map();
      return before;
    },
  };
}
