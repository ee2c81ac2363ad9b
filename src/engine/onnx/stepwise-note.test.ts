import { describe, expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../../test/fixtures/model-fixture.ts";
import * as g from "../graph/expressions.ts";
import { importGraph } from "./import/import-graph.ts";
import { readModel } from "./model.ts";
import { stepwiseNote } from "./stepwise-note.ts";

describe("the note about step functions", () => {
  it("covers all of them at once and names --straight-through either way", () => {
    const nodes = [
      nodeOf("Round", ["x"], ["a"]),
      nodeOf("Floor", ["a"], ["b"]),
      nodeOf("Round", ["b"], ["c"]),
      nodeOf("Sign", ["c"], ["y"]),
    ];
    const file = onnxFile(nodes, { inputs: { x: [4] }, outputs: { y: [4] } });
    const notes = (straightThrough: boolean) =>
      importGraph(readModel(file), { x: g.input("x", [4]) }, { straightThrough }).notes;
    expect(notes(false).map(({ code }) => code)).toEqual(["zero-gradient"]);
    expect(notes(false)[0].text).toMatch(
      /^3 operators \(.*\) have zero gradient .* with --straight-through$/,
    );
    expect(notes(true).map(({ code }) => code)).toEqual(["straight-through"]);
    expect(notes(true)[0].text).toMatch(/^3 operators .* \(--straight-through\): their gradients/);
  });

  it("lists the first four of many operators", () => {
    expect(stepwiseNote(["A", "B", "C", "D", "E"], true).text).toContain(
      "5 operators (A, B, C, D, …)",
    );
    expect(stepwiseNote(["Round"], false).text).toMatch(/^Round has zero .* through it;/);
  });
});
