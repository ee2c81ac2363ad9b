// No proof of what others falsified: the known `sat` instances of VNN-COMP, with the attack switched off. SLOW=1 tries all of
// them for a minute each; otherwise three of the smallest network are tried for some seconds.
import { describe, expect, it } from "vitest";
import { type ProofEvent, prove } from "../src/verify/prove.ts";
import { isSlow } from "./fixtures/slow.ts";
import { hasVnncomp, instancesWith, openInstance, propertyOf } from "./fixtures/vnncomp.ts";

const instances = hasVnncomp ? instancesWith("sat") : [];
const seconds = isSlow ? 60 : 5;
const tried = isSlow
  ? instances
  : instances.filter(({ model }) => model.includes("256x2")).slice(0, 3);

describe.skipIf(!hasVnncomp)("a known counterexample", () => {
  it("is known for 34 instances", () => expect(instances).toHaveLength(34));

  it.each(tried)(
    "is never contradicted: $model, $property",
    async (instance) => {
      const { prover } = await openInstance(instance);
      let last: ProofEvent | undefined;
      const now = () => performance.now() / 1000;
      for await (const event of prove(prover, propertyOf(instance), { seconds, now })) last = event;
      expect(last?.event).toBe("unknown");
    },
    300_000,
  );
});
