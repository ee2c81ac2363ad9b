import { attacks, balls, keyOf, keysFor, type Tensor, tensor, type Victim } from "../../index.ts";
import type { Answer, AttackSettings, Frame, Picture, Sizes } from "../protocol.ts";
import { answer } from "./answers.ts";
import type { Network } from "./network.ts";
import { WatchedAttack } from "./watched-attack.ts";

/** Sizes of x − y in each norm. */
function sizesOf(x: Tensor, y: Tensor): Sizes {
  const delta = tensor(
    x.shape,
    x.data.map((value, i) => value - y.data[i]),
  );
  const [linf, l2, l1] = (["linf", "l2", "l1"] as const).map((norm) => balls[norm].norm(delta)[0]);
  return { linf, l2, l1 };
}

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
  readonly watched: WatchedAttack;
}

function begin(network: Network, settings: AttackSettings, picture: Picture): Begun {
  const x = network.imagesOf(picture);
  const run = attackOn(x, settings, network.facts.noise !== null);
  return { network, x, watched: new WatchedAttack(network.victim(settings.eot), run) };
}

/** A running attack, one frame per call. */
export class AttackRun {
  readonly #begin: () => Begun;
  #begun: Begun | undefined;
  #queries = 0;

  /** `network` gives the open model when the attack begins. */
  constructor(network: () => Network, settings: AttackSettings, picture: Picture) {
    this.#begin = () => begin(network(), settings, picture);
  }

  /** The attack's next question, or its result. The answer is a problem for settings or an image that do not fit. */
  next(): Promise<Answer<Frame>> {
    return answer(async () => {
      this.#begun ??= this.#begin();
      const { network, x, watched } = this.#begun;
      const asked = await watched.next();
      if (!asked.done) this.#queries++;
      const first = tensor(x.shape, asked.x.data.slice(0, x.data.length));
      return {
        queries: this.#queries,
        pixels: first.data,
        answer: await network.predict(first),
        sizes: sizesOf(first, x),
        done: asked.done,
      };
    });
  }

  stop(): void {
    this.#begun?.watched.stop();
  }
}
