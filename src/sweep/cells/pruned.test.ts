import { expect, it } from "vitest";
import { rowLine } from "../../files/row-lines.ts";
import type { CellWork } from "../cell.ts";
import { PRUNED, prunedTraining, prunedWith, ruleOf } from "./pruned.ts";

const metrics = (...accuracies: number[]) =>
  new TextEncoder().encode(
    accuracies.map((testAccuracy, i) => rowLine({ epoch: i + 1, testAccuracy })).join(""),
  );
const rule = { epoch: 2, accuracy: 0.2 };

it("a training is given up at the epoch of the rule, if it is below its accuracy", () => {
  expect(prunedTraining(rule, metrics(0.1))).toBeNull();
  expect(prunedTraining(rule, metrics(0.1, 0.2))).toBeNull();
  const found = prunedTraining(rule, metrics(0.3, 0.19, 0.5));
  const text = new TextDecoder().decode(found?.files.get(PRUNED));
  expect(JSON.parse(text)).toEqual({ epoch: 2, testAccuracy: 0.19, rule });
  expect(prunedTraining(null, metrics(0, 0))).toBeNull();
  expect(prunedTraining(rule, null)).toBeNull();
});

it("the rule is not an option of the training", () => {
  const { options, rule: found } = ruleOf({ options: { epochs: 3, prune: rule } });
  expect(options).toEqual({ epochs: 3 });
  expect(found).toEqual(rule);
  expect(ruleOf({ options: { epochs: 3 } }).rule).toBeNull();
});

it("nothing is computed about the model of a training that was given up", async () => {
  const work = { model: { cell: "t" } } as unknown as CellWork;
  const input = async (key: string, name: string) => {
    if (name !== PRUNED) throw new Error("missing");
    return new TextEncoder().encode(key);
  };
  expect((await prunedWith(work, { input }))?.files.has(PRUNED)).toBe(true);
  const missing = () => Promise.reject(new Error("missing"));
  expect(await prunedWith(work, { input: missing })).toBeNull();
  expect(await prunedWith({ model: null } as CellWork, { input })).toBeNull();
});
