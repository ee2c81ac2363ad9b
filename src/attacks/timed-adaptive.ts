// The adaptive attack with a time limit.
import { rows, tensor } from "../math/tensor.ts";
import { SQUARES, timedRound } from "./adaptive-rounds.ts";
import { AdaptiveSearch, type AttackBall, type Progress } from "./adaptive-search.ts";
import { putRows } from "./examples.ts";
import { checkEpsilon, checkInputs } from "./preconditions.ts";
import { SQUARE_SHARE } from "./square.ts";
import type { BoundedAttack } from "./victim.ts";

/** The length of a timed attack, and the callback for its progress. */
export interface TimedOptions extends AttackBall {
  /** Images that are attacked at once. */
  readonly batch: number;
  /** Called before each step of a batch; true ends the attack. */
  readonly isOver: () => boolean;
  /** Called at the end of a call, with the progress of its images, [batch], and whether all rounds ended by themselves. */
  readonly onProgress: (progress: readonly Progress[], finished: boolean) => void | Promise<void>;
  /** Resolved options, for the record. */
  readonly options: BoundedAttack["options"];
}

/** The number of rounds after which the attack gives up on an image. */
const MAX_ROUNDS = 20;

/** Queries of the random search. */
const QUERIES = 500;

/**
 * The adaptive attack (in the manner of Liu et al. 2022, arXiv:2203.05154) in rounds over all images x [batch,
 * ...pixels], of which `batch` are attacked at once. Each round is longer than the one before. The attack ends when `isOver`
 * returns true, or when no image may still break. The order of the work depends on the images and keys only: a longer attack
 * begins with the steps of a shorter one. Needs all images in one call.
 */
export function timedAdaptive(given: TimedOptions): BoundedAttack {
  const { norm, epsilon, batch, onProgress, options } = given;
  const squares = { norm, epsilon, queries: QUERIES, share: SQUARE_SHARE, stopWhenBroken: true };
  return {
    name: `adaptive-${norm}`,
    norm,
    epsilon,
    asks: "losses",
    options,
    takesAll: true,
    async perturb(victim, x, labels, keys, onBroken) {
      checkInputs(x, labels, keys);
      checkEpsilon(norm, epsilon, x.shape.slice(1));
      let finished = true;
      const isOver = () => {
        const over = given.isOver();
        if (over) finished = false;
        return over;
      };
      const parts: { readonly from: number; readonly search: AdaptiveSearch }[] = [];
      for (let from = 0; from < labels.length; from += batch) {
        const to = Math.min(from + batch, labels.length);
        const images = {
          x: rows(x, from, to),
          labels: labels.slice(from, to),
          keys: keys.slice(from, to),
        };
        const told = (row: number, member: string) => onBroken?.(from + row, member);
        const search = await AdaptiveSearch.begin(victim, { norm, epsilon }, images, told);
        parts.push({ from, search });
      }
      for (let number = 0; number < MAX_ROUNDS && !isOver(); number++) {
        const round = timedRound(number, norm);
        for (const { search } of parts)
          if (round === SQUARES) await search.searchSquares(squares, isOver);
          else await search.climb(round, number, isOver);
      }
      const adversarial = tensor(x.shape, x.data.slice());
      for (const { from, search } of parts) {
        const own = search.adversarial;
        putRows(
          adversarial,
          own,
          Array.from({ length: own.shape[0] }, (_, i) => from + i),
        );
      }
      await onProgress(
        parts.flatMap(({ search }) => search.progress()),
        finished,
      );
      return adversarial;
    },
  };
}
