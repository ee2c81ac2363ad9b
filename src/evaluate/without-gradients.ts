// The fallback for gradients that are not finite: an attack that needs none.
import { rowOf } from "../attacks/examples.ts";
import { runBounded } from "../attacks/harness.ts";
import { sparseRs } from "../attacks/sparse-rs.ts";
import { square } from "../attacks/square.ts";
import type { BoundedAttack, Labels } from "../attacks/victim.ts";
import { marginsOf } from "../losses/margin.ts";
import { fold, type Key } from "../math/random.ts";
import { type Tensor, takeRows, tensor } from "../math/tensor.ts";
import type { Candidate } from "./candidate.ts";
import type { WatchedVictim } from "./watched.ts";

/** Queries of the random search per example. */
const QUERIES = 200;

/** The objective of rows that the random search broke. */
const OBJECTIVE = "without-gradients";

const [ATTACK, JUDGE] = [0, 1];

/** The attacked examples. */
export interface AttackedExamples {
  /** [batch, ...pixels] in [0, 1]. */
  readonly x: Tensor;
  readonly labels: Labels;
  /** The owners of the examples' keys, [batch], under which the network recorded the examples. */
  readonly owners: readonly number[];
}

/**
 * Retries the survivors of a bounded attack on a deterministic network [batch, ...pixels] whose gradient was not finite
 * during the attack: a random search of the ball (Square, and Sparse-RS in ℓ0) with 200 queries each. This fallback is not
 * from a publication. `keys` is [batch].
 */
export async function withoutGradients(
  { norm, epsilon, asks }: BoundedAttack,
  network: WatchedVictim,
  candidate: Candidate,
  { x, labels, owners }: AttackedExamples,
  keys: readonly Key[],
): Promise<Candidate> {
  if (asks === "logits") return candidate;
  const blind = owners.flatMap((owner, i) =>
    network.of(owner).notFinite?.value === "gradient" ? [i] : [],
  );
  if (blind.length === 0) return candidate;
  const before = marginsOf(
    await network.logits(
      takeRows(candidate.adversarial, blind),
      blind.map((i) => fold(keys[i], JUDGE)),
    ),
    blind.map((i) => labels[i]),
  );
  const marginBefore = new Map(blind.map((i, at) => [i, before[at]]));
  const survivors = blind.filter((_, at) => !(before[at] > 0));
  if (survivors.length === 0) return candidate;
  const survivorLabels = survivors.map((i) => labels[i]);
  const search = await runBounded(
    norm === "l0"
      ? sparseRs({ norm, epsilon, queries: QUERIES })
      : square({ norm, epsilon, queries: QUERIES }),
    network,
    takeRows(x, survivors),
    survivorLabels,
    survivors.map((i) => fold(keys[i], ATTACK)),
  );
  const after = marginsOf(
    await network.logits(
      search.adversarial,
      survivors.map((i) => fold(keys[i], JUDGE)),
    ),
    survivorLabels,
  );
  const adversarial = tensor(x.shape, candidate.adversarial.data.slice());
  const members = labels.map((_, i) => candidate.members?.[i] ?? null);
  for (const [at, i] of survivors.entries()) {
    if (!(after[at] > (marginBefore.get(i) ?? 0))) continue;
    rowOf(adversarial, i).set(rowOf(search.adversarial, at));
    if (after[at] > 0) members[i] = OBJECTIVE;
  }
  return { objective: candidate.objective, adversarial, members };
}
