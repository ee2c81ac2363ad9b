// The certificate of one image, draw by draw. The library certifies; its network is watched here, so that the page sees the
// bound tighten.

import { certificateOf } from "../../certify/certificates.ts";
import { certify } from "../../certify/certify.ts";
import { onGrid } from "../../certify/grid-noise.ts";
import type { Sampling } from "../../certify/noisy-images.ts";
import { noisyImages } from "../../certify/noisy-images.ts";
import { type BaseClassifier, isVote, voteOf } from "../../certify/votes.ts";
import { keyOf, lowerBound, UsageError } from "../../index.ts";
import { fold, nameToNumber } from "../../math/random.ts";
import { argmax } from "../../math/tensor.ts";
import type {
  Answer,
  CertificateMoment,
  CertificateSettings,
  Picture,
  Sizes,
} from "../protocol.ts";
import { answer } from "./answers.ts";
import type { Network } from "./network.ts";
import { Watched } from "./watched.ts";

/** Images per call of the network, as in `rampart certify`. */
const BATCH = 100;

const none: Sizes = { linf: 0, l2: 0, l1: 0 };

/** Draws that have the same purpose. */
interface Phase {
  readonly phase: "class" | "bound";
  readonly draws: number;
  /** The component of the noise; 0 for draws that choose the class. */
  readonly component: number;
}

/** The draws of a certificate in the order in which `certify` makes them. */
function phasesOf({ noise, n0, n }: CertificateSettings): Phase[] {
  const { draws, components } = certificateOf(noise);
  if (draws !== null) return [{ phase: "bound", draws, component: 0 }];
  const bounding = components.map((_, component) => ({
    phase: "bound" as const,
    draws: n,
    component,
  }));
  return [{ phase: "class", draws: n0, component: 0 }, ...bounding];
}

/** Grid noise for 8-bit images where there is any, and otherwise noise in float32. */
function samplingOf({ noise }: CertificateSettings, { pixels, shape }: Picture): Sampling {
  if ("offGrid" in onGrid(pixels)) return "naive";
  const { draws, components } = certificateOf(noise);
  if (draws !== null) return "sound";
  try {
    for (const one of components) noisyImages(one, shape, "sound");
    return "sound";
  } catch (error) {
    if (error instanceof UsageError) return "naive";
    throw error;
  }
}

/** Counts the votes of a certificate while it is made. */
class Tally {
  readonly #phases: readonly Phase[];
  readonly #settings: CertificateSettings;
  readonly #picture: Picture;
  readonly #sampling: Sampling;
  readonly #bounds: number[] = [];
  #at = 0;
  #draws = 0;
  #counts: number[];
  #prediction: number | null = null;

  constructor(
    settings: CertificateSettings,
    picture: Picture,
    { classes, sampling }: { readonly classes: number; readonly sampling: Sampling },
  ) {
    this.#phases = phasesOf(settings);
    this.#settings = settings;
    this.#picture = picture;
    this.#sampling = sampling;
    this.#counts = Array.from({ length: classes }, () => 0);
  }

  /** Takes the logits [batch, classes] of one call. Rows beyond the draws of a phase do not count. */
  take(
    logits: ArrayLike<number> & { subarray(from: number, to: number): ArrayLike<number> },
  ): void {
    if (this.#draws === this.#phases[this.#at].draws) this.#begin();
    const { draws } = this.#phases[this.#at];
    const classes = this.#counts.length;
    const count = Math.min(BATCH, draws - this.#draws);
    for (let i = 0; i < count; i++) {
      const vote = voteOf(logits.subarray(i * classes, (i + 1) * classes));
      if (isVote(vote)) this.#counts[vote]++;
    }
    this.#draws += count;
  }

  /** Begins the next phase. */
  #begin(): void {
    const { phase } = this.#phases[this.#at];
    if (phase === "class") this.#prediction = argmax(this.#counts);
    else this.#bounds.push(this.#bound());
    this.#at++;
    this.#draws = 0;
    this.#counts = this.#counts.map(() => 0);
  }

  /** The Clopper–Pearson bound of the present component. */
  #bound(): number {
    const { noise, alpha } = this.#settings;
    const { draws, components } = certificateOf(noise);
    const chosen = this.#prediction ?? argmax(this.#counts);
    if (draws !== null) return this.#counts[chosen] / draws;
    const { component } = this.#phases[this.#at];
    const { error } = noisyImages(components[component], this.#picture.shape, this.#sampling);
    const found = lowerBound(this.#counts[chosen], this.#draws, alpha / components.length);
    return Math.max(0, found - error);
  }

  /** The progress of the certificate. */
  moment(): CertificateMoment {
    const { phase, draws } = this.#phases[this.#at];
    const { components, radii } = certificateOf(this.#settings.noise);
    const pLower = phase === "class" ? 0 : this.#bound();
    const known = [...this.#bounds, pLower];
    const isWhole = phase === "bound" && known.length === components.length;
    return {
      phase,
      draws: this.#draws,
      of: draws,
      counts: [...this.#counts],
      prediction: this.#prediction,
      pLower,
      radius: isWhole ? radii(known, this.#picture.pixels.length) : none,
      sampling: this.#sampling,
    };
  }
}

function certificate(
  network: Network,
  settings: CertificateSettings,
  picture: Picture,
): Watched<CertificateMoment> {
  const { shape, data } = network.imagesOf(picture);
  const classes = network.facts.classes.length;
  const { noise, n0, n, alpha, seed, index } = settings;
  const sampling = samplingOf(settings, picture);
  const tally = new Tally(settings, picture, { classes, sampling });
  return new Watched(async (show) => {
    const watched: BaseClassifier = {
      async logits(x, keys) {
        const logits = await network.base.logits(x, keys);
        tally.take(logits.data);
        await show(tally.moment());
        return logits;
      },
    };
    const one = { network: watched, shape: shape.slice(1), classes, noise, sampling, batch: BATCH };
    const key = fold(fold(keyOf(seed), nameToNumber("certify")), index);
    const { prediction, radius, components } = await certify(one, data, key, { n0, n, alpha });
    const [{ pLower }] = components;
    return Object.assign(tally.moment(), { phase: "done" as const, prediction, radius, pLower });
  });
}

/** A certificate that is made, one batch of draws per call. */
export class CertificateRun {
  readonly #begin: () => Watched<CertificateMoment>;
  #watched: Watched<CertificateMoment> | undefined;

  constructor(network: () => Network, settings: CertificateSettings, picture: Picture) {
    this.#begin = () => certificate(network(), settings, picture);
  }

  /** After the next batch, or at the end the certificate. A problem for a noise without a certificate, or settings that do not fit. */
  next(): Promise<Answer<CertificateMoment>> {
    return answer(async () => {
      this.#watched ??= this.#begin();
      return (await this.#watched.next()).value;
    });
  }

  stop(): void {
    this.#watched?.stop();
  }
}
