import { afterAll, describe, expect, it } from "vitest";
import { tensor } from "../../math/tensor.ts";
import * as g from "../graph/expressions.ts";
import type { Value } from "../graph/value.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { Crown } from "./crown.ts";
import { importantNeurons, ofElements } from "./important-neurons.ts";
import { boxAround } from "./region.ts";

const runtime = nodeRuntime({ threads: 1, lowering: "plain" });
const opened: Crown[] = [];
afterAll(async () => {
  for (const one of opened) await one.release();
});

const x = g.input("x", [1, 1]);
const z = g.add(
  g.matmul(x, g.constant(tensor([1, 4], [1, 1, 1, 1]))),
  g.constant(tensor([1, 4], [0, 0, 0, 5])),
);
/** −10, −1, −0.01 and −10 times functions of x, x, x and x + 5, for x in [−1, 1]. */
const wantedIn = async (h: Value): Promise<boolean[]> => {
  const y = g.matmul(h, g.constant(tensor([4, 1], [-10, -1, -0.01, -10])));
  const crown = new Crown(async (outputs) => (await runtime).compile(outputs), x, y);
  opened.push(crown);
  const state = await crown.analyse(boxAround([0], 1, [-9, 9]));
  const goal = { row: [[0, 1]] as const, limit: 1e6 };
  const isWanted = await importantNeurons(crown, state, [goal], () => false);
  const [node] = crown.plan.order.filter((one) => crown.plan.readers(one).length > 0);
  return [0, 1, 2, 3].map((element) => isWanted(node, element));
};

describe("the neurons that matter for a goal", () => {
  it("are the unstable ones whose relaxation costs 97 % of what all cost", async () => {
    // The triangles cost 5, 0.5 and 0.005; the last neuron is stable.
    expect(await wantedIn(g.relu(z))).toEqual([true, true, false, false]);
  });

  it("are all inputs of operators other than ReLU", async () => {
    expect(await wantedIn(g.sigmoid(z))).toEqual([true, true, true, true]);
  });

  it("include an input that both a ReLU and another operator read", async () => {
    expect(await wantedIn(g.add(g.relu(z), g.sigmoid(z)))).toEqual([true, true, true, true]);
  });

  it("alone are bounded, and nothing is claimed about the others", async () => {
    const bounds = ofElements(
      (_, element) => element === 2,
      async (_state, _node, rows) => Float64Array.from(rows, ([[, coefficient]]) => coefficient),
    );
    const rows = [[[1, 1]], [[1, -1]], [[2, 1]], [[2, -1]]] as const;
    const state = await opened[0].analyse(boxAround([0], 1, [-9, 9]));
    const unknown = Number.NEGATIVE_INFINITY;
    expect(Array.from(await bounds(state, z, rows))).toEqual([unknown, unknown, 1, -1]);
  });
});
