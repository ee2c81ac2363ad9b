import type { Victim } from "../attacks/victim.ts";
import { withNoise } from "../defenses/with-noise.ts";
import type { Noise } from "../noise/noise.ts";
import type { NotFinite } from "./watched.ts";

/** A classifier to be evaluated. */
export interface EvaluatedModel {
  /** Its name in tables. */
  readonly model: string;
  readonly defense: string;
  /** The network itself, without noise. */
  readonly network: Victim;
  /** The noise that is added to the input at every prediction; null for a deterministic classifier. */
  readonly noise: Noise | null;
  /** The node of the network that produces a non-finite answer; null if it cannot be found. */
  readonly locate?: Locate | undefined;
}

/** Names the node that makes the logits at x, [1, ...pixels], or the gradient of a loss there, non-finite. */
export type Locate = (at: NotFinite) => Promise<string | null>;

/** The deployed classifier: the network with a draw of its noise, if it has any, at every call. */
export const deployed = ({ noise }: EvaluatedModel, network: Victim): Victim =>
  noise === null ? network : withNoise(network, noise);

/** The same victim, which throws the signal's reason at the first call after the signal aborts. */
export const stoppable = (victim: Victim, signal: AbortSignal | undefined): Victim => ({
  async logits(x, keys, hints) {
    signal?.throwIfAborted();
    return victim.logits(x, keys, hints);
  },
  async lossAndGradient(x, loss, keys, hints) {
    signal?.throwIfAborted();
    return victim.lossAndGradient(x, loss, keys, hints);
  },
});
