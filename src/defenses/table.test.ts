import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { balls } from "../attacks/balls.ts";
import type { Victim } from "../attacks/victim.ts";
import { normal, uniform } from "../math/distributions.ts";
import { foldAll, keyOf, keysFor } from "../math/random.ts";
import { sub, type Tensor, takeRows } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { underDraw } from "../noise/noise.ts";
import { replacesExamples, requireExamples } from "./objective.ts";
import { type DefenseOptions, defenseNamed, defenseNames } from "./table.ts";

const indices = [0, 1, 2, 3, 4, 5];
const keys = keysFor(keyOf(1), indices);
const labels = [0, 1, 2, 0, 1, 2];
const x = uniform(keysFor(keyOf(2), indices), [6, 40], 0.3, 0.7);
const network = linearVictim(normal(keysFor(keyOf(3), [0, 1, 2]), [3, 40]), [0, 0, 0]);

/** The network, which records every batch and key that it is asked about. */
function watched() {
  const batches: Tensor[] = [];
  const used: string[] = [];
  const victim: Victim = {
    logits(batch, own) {
      used.push(...own.map(String));
      return network.logits(batch, own);
    },
    lossAndGradient(batch, loss, own) {
      batches.push(batch);
      used.push(...own.map(String));
      return network.lossAndGradient(batch, loss, own);
    },
  };
  return { victim, batches, used };
}

const small = { epsilonLinf: 0.01, epsilonL2: 0.05 };
const run = async (name: string, options: z.input<typeof DefenseOptions> = {}) => {
  const { victim, batches, used } = watched();
  const defense = defenseNamed(name, { ...small, ...options });
  const examples = await requireExamples(defense.objective).examples(victim, x, labels, keys);
  const [attack = null] = defense.attacks;
  return { ...defense, attack, examples, batches, used, delta: sub(examples, x) };
};

const named = (prefix: string) => defenseNames.filter((name) => name.startsWith(prefix));

it("standard trains on the clean batch", async () => {
  const { examples, batches, noise, attack } = await run("standard");
  expect(examples.data).toEqual(x.data);
  expect([batches.length, noise, attack]).toEqual([0, null, null]);
});

it.each(named("at-"))("%s trains on attacked examples of its ball, without noise", async (name) => {
  const { attack, delta, batches, noise } = await run(name);
  expect(noise).toBeNull();
  expect(batches.length).toBe(10);
  if (attack === null) throw new Error("no attack");
  expect(name).toBe(`at-${attack.norm}`);
  if (attack.norm === "l0") throw new Error("no defence trains in ℓ0");
  for (const length of balls[attack.norm].norm(delta)) {
    expect(length).toBeLessThanOrEqual(attack.epsilon + 1e-6);
    expect(length).toBeGreaterThan(0.9 * attack.epsilon);
  }
});

it.each([...named("ni-"), ...named("mni-")])(
  "%s trains under a draw of its noise and asks the network nothing",
  async (name) => {
    const { attack, noise, examples, batches } = await run(name);
    expect([attack, batches.length]).toEqual([null, 0]);
    if (noise === null) throw new Error("no noise");
    const expected = underDraw(noise, x, noise.sample(keys, x.shape)).data;
    for (const [i, pixel] of examples.data.entries()) expect(pixel).toBeCloseTo(expected[i], 5);
  },
);

describe.each(named("rat-"))("%s", (name) => {
  it("attacks the noisy network: each step sees another draw, far outside the ball", async () => {
    const { batches, attack, noise } = await run(name);
    expect(name).toBe(`rat-${attack?.norm}-${noise?.name.split(":")[0]}`);
    expect(batches.length).toBe(10);
    for (const [step, batch] of batches.entries()) {
      expect(Math.min(...balls.linf.norm(sub(batch, x)))).toBeGreaterThan(0.1);
      for (const other of batches.slice(0, step))
        expect(Math.min(...balls.linf.norm(sub(batch, other)))).toBeGreaterThan(0.1);
    }
  });

  it("trains on the attacked example under a draw that the attack never saw", async () => {
    const { examples, batches } = await run(name);
    for (const batch of batches)
      expect(Math.min(...balls.linf.norm(sub(batch, examples)))).toBeGreaterThan(0.1);
    // An attacked example lies in its ball around x, and the noise alone explains the rest of the distance.
    expect(Math.min(...balls.linf.norm(sub(examples, x)))).toBeGreaterThan(0.1);
  });
});

describe("the authors' variants:", () => {
  it("RAT on one fixed noisy image attacks one draw, and trains on that draw", async () => {
    const { batches, examples, noise } = await run("rat-linf-uniform", { ratNoise: "fixed" });
    const eta = noise?.sample(foldAll(keys, 1), x.shape) as Tensor;
    for (const batch of [...batches, examples])
      for (const distance of balls.linf.norm(sub(sub(batch, eta), x)))
        expect(distance).toBeLessThanOrEqual(0.01 + 1e-6);
    expect(batches.length).toBe(10);
  });

  it("say so in the name of their objective", async () => {
    const objective = async (name: string, options: object) => (await run(name, options)).objective;
    expect((await objective("mat-max", { matChoice: "batch" })).name).toContain("per batch");
    expect((await objective("mat-rand", { matChoice: "batch" })).name).toContain("per batch");
    expect((await objective("rat-l2-normal", { ratNoise: "fixed" })).name).toContain("fixed");
    expect((await objective("mat-max", {})).name).not.toContain("batch");
  });
});

/** Keys that come twice: two candidates are judged under the same noise, once per batch or once per step. */
const keysTwice: Readonly<Record<string, number>> = {
  "mat-max": keys.length,
  max: keys.length,
  msd: 10 * keys.length,
};

const replacing = defenseNames.filter((name) => replacesExamples(defenseNamed(name).objective));

describe.each(replacing)("%s", (name) => {
  it("uses no key twice", async () => {
    const { used } = await run(name);
    expect(new Set(used).size).toBe(used.length - (keysTwice[name] ?? 0));
  });

  it("gives an example the same bits in another batch", async () => {
    const { examples } = await run(name);
    const some = [4, 1];
    const alone = await requireExamples(defenseNamed(name, small).objective).examples(
      network,
      takeRows(x, some),
      some.map((i) => labels[i]),
      some.map((i) => keys[i]),
    );
    expect(alone.data).toEqual(takeRows(examples, some).data);
  });
});

it("takes the paper's settings by default, with 10 steps inside training", () => {
  const linf = defenseNamed("rat-linf-uniform");
  const settings = { epsilon: 0.031, options: { steps: 10, stepSize: 0.0062 } };
  expect(linf.attacks).toMatchObject([settings]);
  expect(defenseNamed("mat-max").attacks).toMatchObject([settings, { epsilon: 0.83 }]);
  expect(linf.noise?.name).toBe("uniform:0.2");
  expect(defenseNamed("rat-l2-normal").attacks).toMatchObject([{ epsilon: 0.83 }]);
  expect(defenseNamed("mni-conv").noise?.name).toBe("conv:0.25:0.2");
  expect(defenseNamed("mni-mix").noise?.name).toBe("mix:0.25:0.2");
  expect(defenseNamed("mni-mix", { noise: "mix-image" }).noise?.name).toBe("mix-image:0.25:0.2");
  expect(defenseNamed("ni-normal").noise?.name).toBe("normal:0.25");
  expect(defenseNamed("ni-normal", { noise: "normal:0.1" }).noise?.name).toBe("normal:0.1");
});

it.each<[string, z.input<typeof DefenseOptions>, string]>([
  ["rat-linf-unifrom", {}, "unknown defense rat-linf-unifrom; did you mean rat-linf-uniform?"],
  ["ni-normal", { noise: "uniform:0.2" }, "ni-normal injects normal noise, got uniform:0.2"],
  ["at-linf", { noise: "normal" }, "at-linf injects no noise, got normal"],
  ["standard", { noise: "normal" }, "standard injects no noise, got normal"],
  ["mat-max", { noise: "normal" }, "mat-max injects no noise, got normal"],
  ["mni-mix", { noise: "normal" }, "mni-mix injects mix or mix-image noise, got normal"],
  ["at-linf", { matChoice: "batch" }, "leave it out, or use mat-max or mat-rand"],
  ["ni-normal", { ratNoise: "fixed" }, "leave it out, or use rat-*"],
  ["at-linf", { epsilonLinf: 8 }, "did you mean 8/255?"],
  ["standard", { epsilonLinf: 8 }, "did you mean 8/255?"],
])("%s with %o is the user's to fix", (name, options, message) => {
  expect(() => defenseNamed(name, options)).toThrow(UsageError);
  expect(() => defenseNamed(name, options)).toThrow(message);
});
