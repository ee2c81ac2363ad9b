// The proven radius of one image: bisection over the radius, between what is proven and what an attack breaks.

import type { Crown } from "../../engine/bounds/crown.ts";
import { ballAround } from "../../engine/bounds/region.ts";
import { attacks, balls, keyOf, keysFor, tensor, UsageError } from "../../index.ts";
import { evaluationOf } from "../../verify/evaluation.ts";
import { classProverOf } from "../../verify/prover.ts";
import { RobustnessProver } from "../../verify/robustness.ts";
import type { Answer, Norm, Picture, ProofMoment, ProofSettings, ProofTrial } from "../protocol.ts";
import { answer } from "./answers.ts";
import type { Network } from "./network.ts";

/** Seconds for one radius. */
const SECONDS = 3;
/** The bisection ends once no proof was found this much above the proven radius, as a share of it. */
const PRECISION = 0.02;
/** Trials, at most. */
const MAX_TRIALS = 24;
/** The attack that looks for the smallest perturbation; it has all norms. */
const ATTACK = "fmn";
const PIXELS = [0, 1] as const;
/** A radius to begin with where the attack found nothing. */
const FIRST: Readonly<Record<Norm, number>> = { linf: 0.01, l2: 0.2, l1: 5 };

/** A proof that is looked for, one radius per call. */
export class ProofRun {
  readonly #opened: () => Network;
  readonly #settings: ProofSettings;
  readonly #picture: Picture;
  readonly #trials: ProofTrial[] = [];
  #crown: Crown | undefined;
  #prover: RobustnessProver | undefined;
  #upper: number | null = null;
  #isWrong = false;

  constructor(network: () => Network, settings: ProofSettings, picture: Picture) {
    this.#opened = network;
    this.#settings = settings;
    this.#picture = picture;
  }

  /**
   * First what an attack breaks, and then one radius per call. A problem for a network with noise, or one with an operator
   * without a bound.
   */
  next(): Promise<Answer<ProofMoment>> {
    return answer(async () => {
      if (this.#prover === undefined) {
        this.#prover = this.#open();
        await this.#attack();
      } else await this.#try(this.#prover, this.#radius());
      const moment = this.#moment();
      if (moment.done) await this.stop();
      return moment;
    });
  }

  #open(): RobustnessProver {
    const network = this.#opened();
    const { device, model } = network.parts;
    if (network.facts.noise !== null)
      throw new UsageError(
        `${network.facts.name} adds noise, and a proof is about a network without noise`,
        { code: "misfit", next: "certify it by sampling instead" },
      );
    const evaluation = evaluationOf(device.target);
    const { crown, least } = classProverOf(
      model.architecture,
      (outputs) => device.compile(outputs),
      model.parameters,
    );
    this.#crown = crown;
    return new RobustnessProver(crown, this.#settings.label, evaluation, least);
  }

  /** The smallest perturbation that an attack finds. */
  async #attack(): Promise<void> {
    const { norm, label, seed } = this.#settings;
    const network = this.#opened();
    const x = network.imagesOf(this.#picture);
    this.#isWrong = (await network.predict(x)).prediction !== label;
    if (this.#isWrong) return;
    const attack = attacks.named(ATTACK).from({ norm });
    if (!("minimize" in attack)) throw new Error(`${ATTACK} has no smallest perturbation`);
    const keys = keysFor(keyOf(seed), [0]);
    const { adversarial } = await attack.minimize(network.victim(1), x, [label], keys);
    if ((await network.predict(adversarial)).prediction === label) return;
    const delta = tensor(
      x.shape,
      adversarial.data.map((value, i) => value - x.data[i]),
    );
    this.#upper = balls[norm].norm(delta)[0];
  }

  async #try(prover: RobustnessProver, radius: number): Promise<void> {
    const started = performance.now();
    const elapsed = () => (performance.now() - started) / 1000;
    const { norm } = this.#settings;
    const region = ballAround(norm, this.#picture.pixels, radius, PIXELS);
    const found = await prover.open(region).thoroughly(() => elapsed() >= SECONDS);
    const { proven: isProven, method } = found;
    this.#trials.push({ radius, isProven, method, seconds: elapsed() });
  }

  get #lower(): number {
    return Math.max(0, ...this.#trials.filter((one) => one.isProven).map(({ radius }) => radius));
  }

  /** The smallest radius without a proof. */
  get #unproven(): number | null {
    const radii = this.#trials.filter((one) => !one.isProven).map(({ radius }) => radius);
    return radii.length === 0 ? null : Math.min(...radii);
  }

  /** The next radius: half of the last one until something is proven, twice it while nothing fails, and else in the middle. */
  #radius(): number {
    const [lower, unproven] = [this.#lower, this.#unproven];
    if (unproven === null) {
      if (lower === 0) return this.#upper === null ? FIRST[this.#settings.norm] : this.#upper / 4;
      return this.#upper === null ? 2 * lower : Math.min(2 * lower, (lower + this.#upper) / 2);
    }
    return lower === 0 ? unproven / 2 : (lower + unproven) / 2;
  }

  #moment(): ProofMoment {
    const [lower, open] = [this.#lower, this.#unproven];
    const limit = open ?? this.#upper ?? Number.POSITIVE_INFINITY;
    const isClose = lower > 0 && limit <= lower * (1 + PRECISION);
    return {
      lower,
      upper: this.#isWrong ? 0 : this.#upper,
      open,
      trials: [...this.#trials],
      done: this.#isWrong || isClose || this.#trials.length >= MAX_TRIALS,
    };
  }

  /** Frees the programs of the bounds. */
  async stop(): Promise<void> {
    const crown = this.#crown;
    this.#crown = undefined;
    await crown?.release();
  }
}
