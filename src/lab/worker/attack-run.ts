import { attacks, keyOf, keysFor, type Tensor, tensor, type Victim } from "../../index.ts";
import type { Answer, AttackSettings, Frame, Picture } from "../protocol.ts";
import { answer } from "./answers.ts";
import { type Network, predictionOf } from "./network.ts";
import { sizesOf } from "./sizes.ts";
import type { Shown, Watched } from "./watched.ts";
import { type Question, watchedAttack } from "./watched-attack.ts";

/** The options of an attack that the lab sets; the others keep their defaults. */
function ownOptions({ attack, epsilon, steps }: AttackSettings, isRandom: boolean) {
  const { shape } = attacks.named(attack).options;
  const own: Record<string, unknown> = {};
  if ("steps" in shape) own.steps = steps;
  if ("stopWhenBroken" in shape) own.stopWhenBroken = !isRandom;
  if (attack !== "pgd") return own;
  // Short steps from the clean image to the end, so that one sees the perturbation grow.
  return Object.assign(own, {
    stepSize: (2 * epsilon) / steps,
    randomStart: false,
    stopWhenBroken: false,
  });
}

/** The attack on images x [1, ...pixels] as a function of the victim. */
function attackOn(x: Tensor, settings: AttackSettings, isRandom: boolean) {
  const { norm, epsilon, seed, label } = settings;
  const keys = keysFor(keyOf(seed), [0]);
  const definition = attacks.named(settings.attack);
  const own = ownOptions(settings, isRandom);
  const radius = definition.kind === "bounded" ? { epsilon } : {};
  const attack = definition.from({ norm, ...radius, ...own });
  return async (victim: Victim): Promise<Tensor> => {
    if ("perturb" in attack) return attack.perturb(victim, x, [label], keys);
    return (await attack.minimize(victim, x, [label], keys)).adversarial;
  };
}

/** An attack with the network and the image that it runs on. */
interface Begun {
  readonly network: Network;
  readonly x: Tensor;
  readonly watched: Watched<Question>;
}

function begin(network: Network, settings: AttackSettings, picture: Picture): Begun {
  const x = network.imagesOf(picture);
  const run = attackOn(x, settings, network.facts.noise !== null);
  return { network, x, watched: watchedAttack(network.victim(settings.eot), run) };
}

/** The first of some rows. */
const firstRow = ({ shape: [, classes], data }: Tensor): Tensor =>
  tensor([1, classes], data.slice(0, classes));

/** A running attack, one frame per call. */
export class AttackRun {
  readonly #begin: () => Begun;
  #begun: Begun | undefined;

  /** `network` gives the open model when the attack begins. */
  constructor(network: () => Network, settings: AttackSettings, picture: Picture) {
    this.#begin = () => begin(network(), settings, picture);
  }

  /** A question as the page shows it: its first image, with what the network answered. */
  async #frameOf({ value, done }: Shown<Question>, { network, x }: Begun): Promise<Frame> {
    const first = tensor(x.shape, value.x.data.slice(0, x.data.length));
    // The network's answer is known already, but that of a randomised one is the mean over draws that the attack saw.
    return {
      queries: value.queries,
      pixels: first.data,
      answer:
        value.logits !== null && network.facts.noise === null
          ? predictionOf(firstRow(value.logits))
          : await network.predict(first),
      sizes: sizesOf(first, x),
      done,
    };
  }

  /** The attack's next question, or its result. The answer is a problem for settings or an image that do not fit. */
  next(): Promise<Answer<Frame>> {
    return answer(async () => {
      this.#begun ??= this.#begin();
      return this.#frameOf(await this.#begun.watched.next(), this.#begun);
    });
  }

  /** The attack's result, without the questions before it. */
  finish(): Promise<Answer<Frame>> {
    return answer(async () => {
      this.#begun ??= this.#begin();
      return this.#frameOf(await this.#begun.watched.finish(), this.#begun);
    });
  }

  stop(): void {
    this.#begun?.watched.stop();
  }
}
