import { describe, expect, it } from "vitest";
import { openDatasetInNode } from "../../data/node.ts";
import { nodeHost } from "../../files/host/node.ts";
import { architecture } from "../../models/architectures.ts";
import type { OpenModel } from "../../models/opening/open-model.ts";
import type { PlanContext } from "./cell-list.ts";
import { cellsOf } from "./expand.ts";
import { parsePlan } from "./grid.ts";

const shapes = await openDatasetInNode("shapes", {});
const network = architecture("mlp-small", { ...shapes, classes: shapes.classes.length });

const context: PlanContext = {
  target: { device: "cpu", threads: 1, lowering: "plain", engine: "none" },
  host: nodeHost,
  openData: (name) => openDatasetInNode(name, {}),
  async openFile(file) {
    const noise = file.includes("noisy") ? "normal:0.25" : null;
    const model = { name: file, data: "shapes", noise, architecture: network } as OpenModel;
    return { path: file, sha256: file, model };
  },
};

const expanded = (plan: object) =>
  cellsOf(parsePlan("p.json", JSON.stringify(plan)), "p.json", context);

const training = { options: { model: "mlp-small", data: "shapes", recipe: "short" } };
const train = [{ ...training, grid: { defense: ["standard", "at-linf"], seed: [0, 1] } }];
const attacks = { attacks: ["none"], examples: 4, batch: 4 };

describe("a step of a plan", () => {
  it.each([
    [{}, 4],
    [{ defense: ["at-linf"] }, 2],
    [{ defense: ["at-linf"], seed: [1] }, 1],
    [{ defense: ["standard", "at-linf"], seed: [1] }, 2],
  ])("where %j is about the models whose training has these values", async (where, models) => {
    const cells = await expanded({ train, evaluate: [{ options: attacks, where }] });
    const trained = cells.filter(({ work }) => work.kind === "train");
    const wanted = trained.filter(({ work }) =>
      Object.entries(where).every(([name, values]) =>
        (values as readonly unknown[]).includes(work.options[name]),
      ),
    );
    expect(wanted).toHaveLength(models);
    const evaluations = cells.filter(({ work }) => work.kind === "evaluate");
    expect(evaluations.map(({ work }) => work.inputs)).toEqual(wanted.map(({ key }) => [key]));
  });

  it("gives its priority to all its cells, and to no others", async () => {
    const [first, ...others] = train;
    const cells = await expanded({
      train: [{ ...first, priority: -2 }, ...others],
      evaluate: [{ options: attacks, priority: 7 }, { options: { ...attacks, seed: 3 } }],
    });
    const found = cells.map(
      ({ work, priority }) => `${work.kind} ${work.options.seed} ${priority}`,
    );
    expect(new Set(found)).toEqual(
      new Set(["train 0 -2", "train 1 -2", "evaluate 0 7", "evaluate 3 0"]),
    );
  });

  it("proves in ranges, and proves nothing about a model that adds noise", async () => {
    const prove = [{ options: { norms: ["linf"], examples: 20 } }];
    const plan = { images: 8, models: [{ file: "plain.onnx" }], prove };
    const cells = await expanded(plan);
    expect(cells.map(({ work, label }) => [work.kind, work.range, label])).toEqual([
      ["prove", { from: 0, to: 8 }, "prove plain.onnx, images 0–7"],
      ["prove", { from: 8, to: 16 }, "prove plain.onnx, images 8–15"],
      ["prove", { from: 16, to: 20 }, "prove plain.onnx, images 16–19"],
    ]);
    expect(cells[0].cost).toBeGreaterThan(cells[2].cost);
    const noisy = { ...plan, models: [{ file: "noisy.onnx" }] };
    await expect(expanded(noisy)).rejects.toThrow(/adds noise normal:0.25.*use certify/);
  });

  it("certifies no model without noise", async () => {
    const plan = { models: [{ file: "plain.onnx" }], certify: [{ options: { n: 10 } }] };
    await expect(expanded(plan)).rejects.toMatchObject({ code: "missing-option" });
  });
});
