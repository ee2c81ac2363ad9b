import { expect, it } from "vitest";
import { linearVictim } from "../../test/fixtures/linear-victim.ts";
import { normal } from "../math/distributions.ts";
import { keyOf, keysFor } from "../math/random.ts";
import { argmaxRows, tensor } from "../math/tensor.ts";
import { runBounded } from "./harness.ts";
import { attackNamed } from "./table.ts";
import type { Victim } from "./victim.ts";

/** An image that nothing breaks, and how often each loss of it was asked for, towards which classes, and its logits. */
async function asked(name: string) {
  const weights = normal(
    keysFor(
      keyOf(1),
      Array.from({ length: 10 }, (_, j) => j),
    ),
    [10, 16],
  );
  const linear = linearVictim(weights, Array(10).fill(0));
  const visits = { ce: 0, dlr: 0, "dlr-targeted": 0, difference: 0, logits: 0 };
  const targets = { "dlr-targeted": new Set<number>(), difference: new Set<number>() };
  const victim: Victim = {
    logits(x, keys) {
      visits.logits++;
      return linear.logits(x, keys);
    },
    lossAndGradient(x, loss, keys) {
      if (loss.kind in visits) visits[loss.kind as keyof typeof visits]++;
      if (loss.kind === "dlr-targeted" || loss.kind === "difference")
        targets[loss.kind].add(loss.targets[0]);
      return linear.lossAndGradient(x, loss, keys);
    },
  };
  const x = tensor([1, 16], Array(16).fill(0.5));
  const keys = keysFor(keyOf(2), [0]);
  const labels = argmaxRows(await linear.logits(x, keys));
  const radii = { epsilonLinf: 1e-4, epsilonL2: 1e-4, epsilonL1: 1e-4 };
  const attack = attackNamed(name, { ...radii, squareQueries: 50 });
  const { members } = await runBounded(attack, victim, x, labels, keys);
  return { visits, members, aims: [targets["dlr-targeted"].size, targets.difference.size] };
}

// An ascent of 100 steps looks at its start, too; in ℓ1 it is three, of 30, 30 and 40 steps. FAB and Square ask for logits
// at each of their steps; clean logits and the judges' come on top.
it.each([
  { name: "autoattack-linf", starts: 1, aims: 9, looks: 101 },
  { name: "autoattack-l2", starts: 1, aims: 9, looks: 101 },
  { name: "autoattack-l1", starts: 5, aims: 5, looks: 103 },
])(
  "$name is the published one: $starts starts of APGD-CE, $aims targets of APGD-T, 9 of FAB-T",
  async ({ name, starts, aims, looks }) => {
    const found = await asked(name);
    expect(found.members).toEqual([null]);
    const { logits, ...visits } = found.visits;
    expect(visits).toEqual({
      ce: starts * looks,
      dlr: 0,
      "dlr-targeted": aims * looks,
      difference: 900,
    });
    expect(found.aims).toEqual([aims, 9]);
    expect(logits).toBeGreaterThanOrEqual(900 + 50);
    expect(logits).toBeLessThan(900 + 50 + 20);
  },
);

it.each(["autoattack-linf-rand", "autoattack-l2-rand", "autoattack-l1-rand"])(
  "%s is the published one: a start each of APGD-CE and APGD-DLR",
  async (name) => {
    const { visits } = await asked(name);
    const looks = name.includes("l1") ? 103 : 101;
    expect(visits).toMatchObject({ ce: looks, dlr: looks, "dlr-targeted": 0, difference: 0 });
  },
);
