import { afterAll, expect, it } from "vitest";
import { Crown } from "../../engine/bounds/crown.ts";
import { ballAround } from "../../engine/bounds/region.ts";
import * as g from "../../engine/graph/expressions.ts";
import { nodeRuntime } from "../../engine/runtime/node.ts";
import { tensor } from "../../math/tensor.ts";
import { RobustnessProver } from "../../verify/robustness.ts";
import { KeptProofs } from "./kept-proofs.ts";

const runtime = nodeRuntime({ threads: 1, lowering: "plain" });
const x = g.input("x", [1, 2]);
const y = g.matmul(x, g.constant(tensor([2, 2], [1, 2, 3, 4])));
const crown = new Crown(async (outputs) => (await runtime).compile(outputs), x, y);
afterAll(() => crown.release());

it("keeps proofs while there is room, gives each back once, and what was found in any case", async () => {
  const prover = new RobustnessProver(crown, 0);
  const open = async () => {
    const proof = prover.open(ballAround("linf", [0.5, 0.5], 0.1, [0, 1]));
    return { proof, found: await proof.cheaply(() => false) };
  };
  const [first, second] = [await open(), await open()];
  const kept = new KeptProofs(first.proof.size);
  kept.keep("a", first.found, 0.25, first.proof);
  kept.keep("b", second.found, 0.5, second.proof);
  const { margin } = first.found;
  expect(kept.take("a")).toMatchObject({ margin, seconds: 0.25, proof: first.proof });
  expect(kept.take("a")).toBeUndefined();
  expect(kept.take("b")).toMatchObject({ margin, seconds: 0.5, proof: null });
  // The room of the first one is free again.
  kept.keep("b", second.found, 0.5, second.proof);
  expect(kept.take("b")?.proof).toBe(second.proof);
});
