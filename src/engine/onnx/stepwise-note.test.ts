import { describe, expect, it } from "vitest";
import { nodeOf, onnxFile } from "../../../test/fixtures/model-fixture.ts";
import * as g from "../graph/expressions.ts";
import { importGraph } from "./import/import-graph.ts";
import { readModel } from "./model.ts";
import { stepwiseNote } from "./stepwise-note.ts";

describe("the note about operators without a gradient", () => {
  it("stands once for all of them, and names --straight-through either way", () => {
    const nodes = [
      nodeOf("Round", ["x"], ["a"]),
      nodeOf("Floor", ["a"], ["b"]),
      nodeOf("Round", ["b"], ["c"]),
      nodeOf("Sign", ["c"], ["y"]),
    ];
    const file = onnxFile(nodes, { inputs: { x: [4] }, outputs: { y: [4] } });
    const notes = (straightThrough: boolean) =>
      importGraph(readModel(file), { x: g.input("x", [4]) }, { straightThrough }).notes;
    expect(notes(false)).toHaveLength(1);
    expect(notes(false)[0]).toMatch(
      /^3 operators \(.*\) have zero gradient .* with --straight-through$/,
    );
    expect(notes(true)).toHaveLength(1);
    expect(notes(true)[0]).toMatch(/^3 operators .* \(--straight-through\): their gradients/);
  });

  it("lists four of many", () => {
    expect(stepwiseNote(["A", "B", "C", "D", "E"], true)).toContain("5 operators (A, B, C, D, …)");
    expect(stepwiseNote(["Round"], false)).toMatch(/^Round has zero .* before it;/);
  });
});
