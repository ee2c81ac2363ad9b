// Caches the network's answers at clean images, so attacks do not query them again.

import { gather, rowOf } from "../attacks/examples.ts";
import type { LossAndGradient } from "../attacks/victim.ts";
import type { Key } from "../math/random.ts";
import type { Tensor } from "../math/tensor.ts";
import { ownerOf, type WatchedVictim } from "./watched.ts";

/** The network's answer at one clean image: its loss, and arrays [pixels], [classes] and [pixels]. */
interface CleanAnswer {
  readonly image: Float32Array;
  readonly label: number;
  readonly loss: number;
  readonly logits: Float32Array;
  readonly gradient: Float32Array;
}

/** A deterministic network that answers from the cache where the hint `clean` allows it. */
export interface RememberingVictim extends WatchedVictim {
  /**
   * Caches the margins of clean images x [batch, ...pixels] and their gradients, and drops the previous batch. Images whose
   * answer is not finite are not cached, so that every attack queries and records them.
   */
  remember(
    x: Tensor,
    labels: readonly number[],
    keys: readonly Key[],
    answer: LossAndGradient,
  ): void;
}

const areEqual = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((value, i) => value === b[i]);

/** The same network with a cache for the margins of clean images. Each key must state its example. */
export function rememberingClean(network: WatchedVictim): RememberingVictim {
  let known = new Map<number, CleanAnswer>();
  /** The cached answers to a call for the margins of these images; undefined unless all are cached. */
  function recalled(x: Tensor, labels: readonly number[], keys: readonly Key[]) {
    const found: CleanAnswer[] = [];
    for (const [i, key] of keys.entries()) {
      const answer = known.get(ownerOf(key));
      if (answer === undefined || answer.label !== labels[i]) return undefined;
      if (!areEqual(answer.image, rowOf(x, i))) return undefined;
      found.push(answer);
    }
    return found;
  }
  return {
    logits: (x, keys, hints) => network.logits(x, keys, hints),
    async lossAndGradient(x, loss, keys, hints) {
      const found =
        hints?.clean === true && loss.kind === "margin" && keys.length > 0
          ? recalled(x, loss.labels, keys)
          : undefined;
      if (found === undefined) return network.lossAndGradient(x, loss, keys, hints);
      return {
        losses: Float32Array.from(found, (answer) => answer.loss),
        logits: gather(
          found.map(({ logits }) => logits),
          [found.length, found[0].logits.length],
        ),
        gradient: gather(
          found.map(({ gradient }) => gradient),
          x.shape,
        ),
      };
    },
    of: network.of,
    take: network.take,
    remember(x, labels, keys, { losses, logits, gradient }) {
      known = new Map();
      for (const [i, key] of keys.entries())
        if (network.of(ownerOf(key)).notFinite === null)
          known.set(ownerOf(key), {
            image: rowOf(x, i),
            label: labels[i],
            loss: losses[i],
            logits: rowOf(logits, i),
            gradient: rowOf(gradient, i),
          });
    },
  };
}
