import { expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { uniform } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { sub, type Tensor, tensor } from "../math/tensor.ts";
import { autoattack } from "./autoattack.ts";
import { balls } from "./balls.ts";
import { ensemble } from "./ensemble.ts";
import { runBounded } from "./harness.ts";
import type { Attack, BoundedAttack, MinimalAttack } from "./victim.ts";

// Bright images are class 1: of four grey levels the first one is misclassified from the start.
const weights = tensor([2, 4], [0, 0, 0, 0, 1, 1, 1, 1]);
const victim = linearVictim(weights, [2, 0]);
const x = tensor(
  [4, 4],
  [0.6, 0.49, 0.45, 0.4].flatMap((v) => Array(4).fill(v)),
);
const labels = [0, 0, 0, 0];
const keys = keysFor(keyOf(1), [0, 1, 2, 3]);

const brighter = ({ shape, data }: Tensor, by: number) =>
  tensor(
    shape,
    data.map((v) => v + by),
  );

/** A member that makes images brighter by `by`, and the images that it was given. */
function bounded(name: string, by: number) {
  const given: Tensor[] = [];
  const attack: BoundedAttack = {
    name,
    norm: "linf",
    epsilon: 0.12,
    asks: "losses",
    options: {},
    async perturb(_, images) {
      given.push(images);
      return brighter(images, by);
    },
  };
  return { attack, given };
}

const minimal = (name: string, by: number): MinimalAttack => ({
  name,
  norm: "linf",
  epsilon: null,
  options: {},
  minimize: async (_, images, own) => ({
    adversarial: brighter(images, by),
    found: own.map(() => true),
  }),
});

const of = (members: readonly Attack[], stopWhenBroken = true) =>
  ensemble({
    name: "all",
    norm: "linf",
    epsilon: 0.12,
    members,
    stopWhenBroken,
    options: {},
  });

it("each member attacks what the ones before it left standing, and is named for what it breaks", async () => {
  const [weak, strong, last] = [bounded("weak", 0.02), bounded("strong", 0.07), bounded("last", 0)];
  const attack = of([weak, strong, last].map((member) => member.attack));
  const { members, adversarial } = await runBounded(attack, victim, x, labels, keys);
  expect(members).toEqual(["clean", "weak", "strong", null]);
  expect([weak, strong, last].map(({ given }) => given[0].shape[0])).toEqual([3, 2, 1]);
  expect([0, 4, 8].map((at) => Number(adversarial.data[at].toFixed(2)))).toEqual([0.6, 0.51, 0.52]);
  // What nobody breaks keeps the candidate that comes closest to it.
  expect(adversarial.data[12]).toBeCloseTo(0.47, 6);
});

it("a minimum-norm attack counts within epsilon, and what leaves the ball is brought back", async () => {
  const far = await runBounded(of([minimal("far", 0.2)]), victim, x, labels, keys);
  expect(far.members).toEqual(["clean", null, null, null]);
  expect(far.adversarial.data.slice(4)).toEqual(x.data.slice(4));
  const near = await runBounded(of([minimal("near", 0.11)]), victim, x, labels, keys);
  expect(near.members).toEqual(["clean", "near", "near", "near"]);
  const outside = await runBounded(of([bounded("outside", 0.5).attack]), victim, x, labels, keys);
  expect(outside.moved).toEqual([false, false, false, false]);
  expect(balls.linf.norm(sub(outside.adversarial, x)).every((v) => v < 0.12 + 1e-6)).toBe(true);
});

it("without stopping every member attacks every example, and the largest margin is kept", async () => {
  const [strong, weak] = [bounded("strong", 0.1), bounded("weak", 0.05)];
  const attack = of([strong.attack, weak.attack], false);
  const { members, adversarial } = await runBounded(attack, victim, x, labels, keys);
  expect([strong, weak].map(({ given }) => given[0].shape[0])).toEqual([4, 4]);
  expect(members.slice(1, 3)).toEqual(["strong", "strong"]);
  expect(adversarial.data[4]).toBeCloseTo(0.59, 6);
});

it("AutoAttack sends no more queries about broken examples, and all of its queries about the others", async () => {
  const images = uniform(keys, [4, 2, 3, 3], 0.4, 0.6);
  const easy = linearVictim(tensor([2, 18], Array(36).fill(0)), [0, 1]);
  const broken = await runBounded(
    autoattack({ norm: "linf", epsilon: 0.03, apgdSteps: 10, fabSteps: 5, squareQueries: 30 }),
    easy,
    images,
    labels,
    keys,
  );
  expect([broken.queries.forwards, broken.queries.gradients]).toEqual([4, 0]);
  const firm = linearVictim(tensor([2, 18], Array(36).fill(0)), [1, 0]);
  const unbroken = await runBounded(
    autoattack({ norm: "linf", epsilon: 0.03, apgdSteps: 10, fabSteps: 5, squareQueries: 30 }),
    firm,
    images,
    labels,
    keys,
  );
  // One target of two classes: APGD-CE and APGD-T take 11 gradients each, FAB 5; Square asks 30 times.
  expect(unbroken.queries.gradients).toBe(4 * (11 + 11 + 5));
  expect(unbroken.queries.forwards - unbroken.queries.gradients).toBe(4 * (1 + 4 + 4 + 5 + 30));
});
