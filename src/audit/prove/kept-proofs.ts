import type { RegionProof, Robustness } from "../../verify/robustness.ts";
import type { Left } from "./findings.ts";

/** The largest number of interval bounds of open proofs: 256 MiB. */
const MAX_NUMBERS = 2 ** 25;

/** An image that bounds left undecided, and the proof to continue; null if there was no room to keep it. */
export interface Kept extends Left {
  readonly proof: RegionProof | null;
}

/** Proofs that the cheap methods left undecided, by name, until the costly methods continue them. */
export class KeptProofs {
  readonly #kept = new Map<string, Kept>();
  readonly #most: number;
  #numbers = 0;

  /** Keeps at most `most` interval bounds over all proofs. */
  constructor(most = MAX_NUMBERS) {
    this.#most = most;
  }

  /** Keeps a proof, reduced to its intervals. */
  keep(name: string, { margin, floatError }: Robustness, seconds: number, proof: RegionProof) {
    const hasRoom = this.#numbers + proof.size <= this.#most;
    if (hasRoom) {
      proof.rest();
      this.#numbers += proof.size;
    }
    this.#kept.set(name, { margin, floatError, seconds, proof: hasRoom ? proof : null });
  }

  /** Removes a proof and returns it. */
  take(name: string): Kept | undefined {
    const kept = this.#kept.get(name);
    this.#kept.delete(name);
    this.#numbers -= kept?.proof?.size ?? 0;
    return kept;
  }
}
