// What stands in for gradients that are not finite: attacks that ask for none.
import { rowOf } from "../attacks/examples.ts";
import { runBounded } from "../attacks/harness.ts";
import { square } from "../attacks/square.ts";
import type { BoundedAttack, Labels } from "../attacks/victim.ts";
import { marginsOf } from "../losses/margin.ts";
import { foldAll, type Key } from "../math/random.ts";
import { takeRows, tensor } from "../math/tensor.ts";
import type { Candidate } from "./candidates.ts";
import type { WatchedVictim } from "./watched.ts";

/** Images that the substitute asks about for each example. */
const QUERIES = 200;

/** What rows call what it found. */
const OBJECTIVE = "without-gradients";

const [ATTACK, JUDGE] = [0, 1];

/**
 * The candidate of a bounded attack on a deterministic network, with another try at each example whose gradient was not finite
 * on the way and that still stands: a random search of the ball (Square) of 200 queries. `owners` are what the victim knows
 * examples by; x and keys have one row and one key per example.
 */
export async function withoutGradients(
  { norm, epsilon, asks }: BoundedAttack,
  network: WatchedVictim,
  candidate: Candidate,
  {
    x,
    labels,
    owners,
  }: {
    readonly x: Candidate["adversarial"];
    readonly labels: Labels;
    readonly owners: readonly number[];
  },
  keys: readonly Key[],
): Promise<Candidate> {
  const blind = owners.flatMap((owner, i) =>
    asks !== "logits" && network.of(owner).notFinite?.value === "gradient" ? [i] : [],
  );
  if (blind.length === 0) return candidate;
  const own = blind.map((i) => keys[i]);
  const wrong = blind.map((i) => labels[i]);
  const reached = takeRows(candidate.adversarial, blind);
  const before = marginsOf(await network.logits(reached, foldAll(own, JUDGE)), wrong);
  const standing = blind.map((_, i) => i).filter((i) => !(before[i] > 0));
  if (standing.length === 0) return candidate;
  const search = await runBounded(
    square({ norm, epsilon, queries: QUERIES } as Parameters<typeof square>[0]),
    network,
    takeRows(
      x,
      standing.map((i) => blind[i]),
    ),
    standing.map((i) => wrong[i]),
    foldAll(
      standing.map((i) => own[i]),
      ATTACK,
    ),
  );
  const after = marginsOf(
    await network.logits(
      search.adversarial,
      foldAll(
        standing.map((i) => own[i]),
        JUDGE,
      ),
    ),
    standing.map((i) => wrong[i]),
  );
  const adversarial = tensor(x.shape, candidate.adversarial.data.slice());
  const members = labels.map((_, i) => candidate.members?.[i] ?? null);
  for (const [at, i] of standing.entries()) {
    if (!(after[at] > before[i])) continue;
    rowOf(adversarial, blind[i]).set(rowOf(search.adversarial, at));
    if (after[at] > 0) members[blind[i]] = OBJECTIVE;
  }
  return { objective: candidate.objective, adversarial, members };
}
