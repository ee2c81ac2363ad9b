// Records each example's queries to the network, and where answers were not finite. The key of a row states its example.

import { rowsNotFinite, rowsWithNaN, withFiniteValues } from "../attacks/finite.ts";
import type { Loss, Victim } from "../attacks/victim.ts";
import { takeLoss } from "../losses/plain.ts";
import type { RowLoss } from "../losses/table.ts";
import type { Key } from "../math/random.ts";
import { rows, type Tensor, tensor } from "../math/tensor.ts";

/** An answer with a number that is not finite. */
export interface NotFinite {
  /** Logits that are NaN, or a gradient that is not finite. */
  readonly value: "logits" | "gradient";
  /** The queried image, [1, ...pixels], with noise if there is any. */
  readonly x: Tensor;
  /** The loss of this row whose gradient was queried; null for a query of the logits. */
  readonly loss: RowLoss | null;
}

/** The queries of one example. */
export interface Asked {
  /** Forward plus gradient passes. */
  queries: number;
  /** The first answer that was not finite. */
  notFinite: NotFinite | null;
}

/** A victim that records queries by example. */
export interface WatchedVictim extends Victim {
  /** The queries of example `owner` since the last call of `take`. */
  of(owner: number): Readonly<Asked>;
  /** Returns all records and clears them. */
  take(): ReadonlyMap<number, Readonly<Asked>>;
}

/** The example that a key states. */
export function ownerOf([, , owner]: Key): number {
  if (owner === undefined) throw new Error("internal: a key without an example");
  return owner;
}

/** The loss of row i of a call; draws of an example share theirs. */
const rowOfLoss = (loss: Loss, i: number): RowLoss =>
  loss.kind === "of-mean" ? takeLoss(loss.loss, [Math.floor(i / loss.draws)]) : takeLoss(loss, [i]);

const nothing: Readonly<Asked> = { queries: 0, notFinite: null };

/**
 * The same victim, which counts passes by example, independent of the batch, and returns finite gradients: an attack does not
 * move a pixel whose gradient is not finite. Each key must state its example.
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
