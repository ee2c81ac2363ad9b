import { balls } from "../attacks/balls.ts";
import { pgd } from "../attacks/pgd.ts";
import type { PaperNorm, Victim } from "../attacks/victim.ts";
import type { Dataset } from "../data/dataset.ts";
import { fold, keyOf, keysFor, nameToNumber } from "../math/random.ts";
import { argmaxRows, sub, type Tensor } from "../math/tensor.ts";
import type { PlanePoint } from "../report/marks.ts";
import type { AttackShares, DrawnAttack } from "./report/figure1-data.ts";

/** Effort of the attacks that judge the classifiers: stronger than those in training. */
export const JUDGE = { steps: 40, restarts: 3 } as const;

const NORMS = ["linf", "l2"] as const;
const otherNorm = (norm: PaperNorm): PaperNorm => (norm === "linf" ? "l2" : "linf");

/**
 * The points [examples, 2, 1, 1] that an attack returned for all test examples. `broken`, one per example: the point is
 * misclassified. `outside`, one per example: the point is outside of the other norm's ball.
 */
export interface Attacked {
  readonly adversarial: Tensor;
  readonly broken: readonly boolean[];
  readonly outside: readonly boolean[];
}

/** A classifier, its clean accuracy, and the results of both attacks on it. */
export interface Judged {
  readonly defense: string;
  readonly network: Victim;
  readonly clean: number;
  readonly attacked: { readonly [N in PaperNorm]: Attacked };
}

const share = (flags: readonly boolean[]): number => flags.filter(Boolean).length / flags.length;
/** Example i as a point of the plane. */
export const pointOf = ({ data }: Tensor, i: number): PlanePoint => [data[2 * i], data[2 * i + 1]];

/** Attacks all test examples in both norms, from the same random starts for every classifier. */
export async function judge(
  defense: string,
  network: Victim,
  { test }: Dataset,
  radii: { readonly [N in PaperNorm]: number },
  seed: number,
): Promise<Judged> {
  const indices = Array.from({ length: test.size }, (_, i) => i);
  const [x, labels] = [test.images(indices), indices.map((i) => test.labels[i])];
  const keys = (purpose: string) =>
    keysFor(fold(fold(keyOf(seed), nameToNumber("figure1")), nameToNumber(purpose)), indices);
  const wrong = async (at: Tensor, purpose: string) =>
    argmaxRows(await network.logits(at, keys(purpose))).map((one, i) => one !== labels[i]);
  const attacked = async (norm: PaperNorm): Promise<Attacked> => {
    const attack = pgd({ norm, epsilon: radii[norm], ...JUDGE, stopWhenBroken: false });
    const adversarial = await attack.perturb(network, x, labels, keys(norm));
    const other = otherNorm(norm);
    return {
      adversarial,
      broken: await wrong(adversarial, `judge-${norm}`),
      outside: balls[other].norm(sub(adversarial, x)).map((size) => size > radii[other]),
    };
  };
  const clean = 1 - share(await wrong(x, "clean"));
  return {
    defense,
    network,
    clean,
    attacked: { linf: await attacked("linf"), l2: await attacked("l2") },
  };
}

/**
 * The figure's claims about one example, and whether each holds: a classifier trained in a norm withstands the attack in
 * that norm, and falls to the attack in the other norm, which leaves the first norm's ball.
 */
export const claimsOf = (judged: readonly Judged[], i: number): Readonly<Record<string, boolean>> =>
  Object.fromEntries(
    NORMS.flatMap((norm) => {
      const trained = judged.find(({ defense }) => defense === `at-${norm}`)?.attacked;
      if (trained === undefined) return [];
      const other = otherNorm(norm);
      return [
        [`at-${norm} withstands pgd-${norm}`, !trained[norm].broken[i]],
        [`at-${norm} falls to pgd-${other}`, trained[other].broken[i]],
        [`pgd-${other} leaves the ${norm} ball of at-${norm}`, trained[other].outside[i]],
      ];
    }),
  );

/** The example for which most of the figure's claims hold; of several, the one nearest the centre of the plane. */
export function exampleToDraw(judged: readonly Judged[], { test }: Dataset): number {
  const cost = (i: number): number => {
    const missed = Object.values(claimsOf(judged, i)).filter((holds) => !holds).length;
    const [a, b] = pointOf(test.images([i]), 0);
    // The lower row comes first.
    return 1000 * missed + 100 * test.labels[i] + Math.hypot(a - 0.5, b - 0.5);
  };
  const all = Array.from({ length: test.size }, (_, i) => cost(i));
  return all.indexOf(Math.min(...all));
}

/** One attack's outcome over all examples. */
export const sharesOf = ({ broken, outside }: Attacked): AttackShares => ({
  broken: share(broken),
  outsideOther: share(outside),
  brokenOutsideOther: share(broken.map((one, i) => one && outside[i])),
});

/** One attack's outcome for example i. */
export const drawnOf = ({ adversarial, broken, outside }: Attacked, i: number): DrawnAttack => ({
  point: pointOf(adversarial, i),
  broken: broken[i],
  outsideOther: outside[i],
});
