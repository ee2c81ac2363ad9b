import type { Victim } from "../attacks/victim.ts";
import { withNoise } from "../defenses/with-noise.ts";
import type { Noise } from "../noise/noise.ts";

/** A classifier to be evaluated. */
export interface Subject {
  /** What tables call it. */
  readonly model: string;
  readonly defense: string;
  /** The network itself, without noise. */
  readonly network: Victim;
  /** What is added to its inputs at every prediction; null for a deterministic classifier. */
  readonly noise: Noise | null;
}

/** The classifier as it is deployed: with a draw of its noise, if it has any, at every call. */
export const deployed = ({ noise }: Subject, network: Victim): Victim =>
  noise === null ? network : withNoise(network, noise);
