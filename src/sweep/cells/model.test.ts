import { expect, it } from "vitest";
import { nodeOf, onnxFile as plainFile } from "../../../test/fixtures/model-fixture.ts";
import { nodeHost } from "../../files/host/node.ts";
import { onnxFile } from "../../models/opening/open-onnx.ts";
import type { Cell, CellWork } from "../cell.ts";
import type { CellContext } from "./context.ts";
import { modelOfCell, readingOf, requireData } from "./model.ts";

it("a model file that has changed since the plan was made is refused", async () => {
  const work = { model: { file: "m.onnx", sha256: "0".repeat(64), reading: {} } };
  const bytes = plainFile([nodeOf("Relu", ["x"], ["y"])], {
    inputs: { x: ["n", 3] },
    outputs: { y: ["n", 3] },
  });
  const readOnnx = async () => onnxFile("m.onnx", bytes, new Map());
  const context = { host: nodeHost, readOnnx };
  const opening = modelOfCell(work as unknown as CellWork, context as unknown as CellContext);
  await expect(opening).rejects.toMatchObject({ code: "misfit" });
});

it("data that differ from those of the plan are refused, and cells without data need none", () => {
  const work = { data: { name: "shapes", sha256: "a" } } as CellWork;
  expect(() => requireData(work, "a")).not.toThrow();
  expect(() => requireData(work, "b")).toThrow(/shapes on this machine differs/);
  expect(() => requireData({ data: null } as CellWork, "b")).not.toThrow();
});

it("a hardened file is read as the file that it was made from; a trained model states its own reading", () => {
  const reading = { mean: [0.5] };
  const hardened = { work: { model: { file: "m.onnx", sha256: "s", reading } } };
  const trained = { work: { model: null } };
  const cells: Readonly<Record<string, unknown>> = { hardened, trained };
  const context = { cell: (key: string) => cells[key] as Cell };
  const of = (key: string) => readingOf({ model: { cell: key } }, context);
  expect([of("hardened"), of("trained")]).toEqual([reading, {}]);
});
