import { describe, expect, it } from "vitest";
import { z } from "zod";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { type Tensor, tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import { defineAttack } from "./define-attack.ts";
import { runBounded } from "./harness.ts";
import { pgd } from "./pgd.ts";
import { attackNames, attacks, minimalAttackNames } from "./table.ts";
import type { BoundedAttack, MinimalAttack, Victim } from "./victim.ts";

const x = tensor([2, 2], [0.5, 0.5, 0.2, 0.8]);
const labels = [0, 1];
const keys = keysFor(keyOf(1), [0, 1]);
const victim = linearVictim(tensor([2, 2], [1, 0, 0, 1]), [0, 0]);
const words = { summary: "a test", source: "this test", asks: "logits" } as const;
const nothing = z.strictObject({});

const returning = (perturb: BoundedAttack["perturb"], norm: "linf" | "l2" | "l1" = "linf") =>
  defineAttack({
    ...words,
    name: "mine",
    norms: [norm],
    options: nothing,
    make: () => ({ perturb }),
  })({ norm, epsilon: 0.1 });

const shifted = (by: number) => async (_: Victim, given: Tensor) =>
  tensor(
    given.shape,
    given.data.map((pixel) => pixel + by),
  );

describe("the result of an attack that is not built in", () => {
  it.each<[string, BoundedAttack["perturb"], string]>([
    ["nothing", async () => undefined as never, "returned undefined from perturb"],
    ["another shape", async () => tensor([1, 2]), "returned float32 [1, 2] from perturb"],
    ["NaN", shifted(Number.NaN), "returned NaN from perturb"],
    ["an infinite pixel", shifted(Infinity), "returned the pixel Infinity"],
    ["a pixel above 1", shifted(0.25), "pixels must be in [0, 1]"],
    ["a point outside of the ball", shifted(0.15), "linf norm 0.15"],
    [
      "an exception",
      async () => {
        throw new TypeError("x is undefined");
      },
      "threw in perturb: x is undefined",
    ],
  ])("is an error if it is %s", async (_, perturb, message) => {
    const call = returning(perturb).perturb(victim, x, labels, keys);
    await expect(call).rejects.toMatchObject({
      code: "bad-plugin",
      message: expect.stringContaining(message),
    });
    await expect(call).rejects.toThrow("attack mine");
  });

  it.each([
    ["l2", 0.08, 0.06],
    ["l1", 0.06, 0.04],
  ] as const)("is measured in its own norm: %s", async (norm, outside, inside) => {
    const attack = (by: number) => returning(shifted(by), norm);
    await expect(attack(outside).perturb(victim, x, labels, keys)).rejects.toThrow(`${norm} norm`);
    expect(await attack(inside).perturb(victim, x, labels, keys)).toEqual(
      await shifted(inside)(victim, x),
    );
  });

  it("is counted in pixels in ℓ0, and a pixel that only rounding moved has not changed", async () => {
    const images = tensor([1, 2, 2, 2], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]);
    const moving = (count: number) =>
      defineAttack({
        ...words,
        name: "mine",
        norms: ["l0"],
        options: nothing,
        make: ({ epsilon }) => ({
          async perturb(_, given) {
            expect(epsilon).toBe(2);
            const moved = (i: number) => (i % 4 < count ? 0 : 1e-7);
            return tensor(
              given.shape,
              given.data.map((v, i) => (moved(i) === 0 ? 1 : v + moved(i))),
            );
          },
        }),
      })({ norm: "l0", epsilon: 2 });
    const { l0, adversarial } = await runBounded(moving(2), victim, images, [0], [keys[0]]);
    expect(l0).toEqual([2]);
    expect([...adversarial.data.subarray(2, 4)]).toEqual([...images.data.subarray(2, 4)]);
    await expect(moving(3).perturb(victim, images, [0], [keys[0]])).rejects.toThrow("l0 norm 3");
  });

  it("may be outside by the rounding of float32", async () => {
    const onEdge = returning(shifted(0.1 + 1e-7));
    await expect(onEdge.perturb(victim, x, labels, keys)).resolves.toBeDefined();
  });

  it("is not blamed for errors of the victim", async () => {
    const reason = new Error("the device is gone");
    const broken: Victim = { ...victim, logits: () => Promise.reject(reason) };
    const attack = returning(async (asked, given) => {
      await asked.logits(given, keys);
      return given;
    });
    await expect(attack.perturb(broken, x, labels, keys)).rejects.toBe(reason);
  });

  it.each<[string, (given: Tensor) => unknown, string]>([
    ["no images", () => ({ found: [true, true] }), "returned undefined from minimize"],
    ["too few claims", (given) => ({ adversarial: given, found: [true] }), "found for 1 examples"],
    ["no claims", (given) => ({ adversarial: given }), "found for no examples"],
  ])("is an error of a minimum-norm attack if it is %s", async (_, result, message) => {
    const attack = defineAttack({
      ...words,
      kind: "minimum-norm",
      name: "mine",
      norms: ["l2"],
      options: nothing,
      make: () => ({ minimize: (async (__, given) => result(given)) as MinimalAttack["minimize"] }),
    })();
    await expect(attack.minimize(victim, x, labels, keys)).rejects.toMatchObject({
      code: "bad-plugin",
      message: expect.stringContaining(message),
    });
  });
});

describe("a definition", () => {
  const given = {
    ...words,
    name: "mine",
    norms: ["linf"],
    options: nothing,
    make: () => ({ perturb: shifted(0) }),
  };
  const define = (changed: object) => () => defineAttack({ ...given, ...changed } as never);
  it.each([
    [{ name: "Mine" }, "lower-case letters"],
    [{ norms: [] }, "needs norms"],
    [{ norms: ["l3"] }, "needs norms"],
    [{ source: "" }, "needs a summary, and a source"],
    [{ asks: "gradients" }, "needs asks"],
    [{ options: {} }, "needs options"],
    [{ options: z.strictObject({ a: z.number().default(1) }) }, "option a without a description"],
    [
      { options: z.strictObject({ a: z.number().describe("a") }) },
      "option a without a valid default",
    ],
    [
      { options: z.strictObject({ epsilon: z.number().default(1).describe("e") }) },
      "has an option epsilon",
    ],
  ])("%o breaks the rules", (changed, message) => {
    expect(define(changed)).toThrow(
      expect.objectContaining({ code: "bad-plugin", message: expect.stringContaining(message) }),
    );
  });

  it("is refused by the table if its option is called as that of another attack", () => {
    const options = z.strictObject({ steps: z.int().default(5).describe("steps") });
    // `steps` of an attack `fab` would be fabSteps, an option of fab-t.
    expect(() => attacks.add(define({ name: "fab", options })())).toThrow(
      expect.objectContaining({ code: "bad-plugin", message: expect.stringContaining("steps") }),
    );
    expect(() => attacks.add(define({ name: "pgd" })())).toThrow("attack named pgd already");
  });

  it("shares the option of another attack if it says so", () => {
    const options = z.strictObject({ effort: z.int().default(5).describe("steps") });
    const sharing = define({ name: "sharing", options, sharedOptions: { effort: "steps" } })();
    attacks.add(sharing);
    expect(sharing.sharedOptions).toEqual({ effort: "steps" });
    attacks.remove("sharing");
  });

  it("that makes nothing is an error at its first call", () => {
    const empty = define({ make: () => ({}) })();
    expect(() => empty.from({ norm: "linf", epsilon: 0.1 })).toThrow("must return { perturb }");
  });
});

it("built-in attacks state their sources, and all names belong to one definition", () => {
  for (const { source, summary } of attacks.builtIn) {
    expect(source).toMatch(/arXiv:\d{4}\.\d{4,5}/);
    expect(summary).not.toBe("");
  }
  expect(new Set([...attackNames, ...minimalAttackNames]).size).toBe(
    attackNames.length + minimalAttackNames.length,
  );
  expect(() => pgd({ norm: "linf", epsilon: 8 })).toThrow(UsageError);
});
