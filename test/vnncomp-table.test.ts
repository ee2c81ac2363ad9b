import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  type CampaignRow,
  campaignRows,
  campaignTable,
  withTable,
} from "../scripts/vnncomp-table.ts";

const root = join(import.meta.dirname, "..");
const row = (property: string, more: Partial<CampaignRow>): CampaignRow => ({
  benchmark: "b",
  model: "onnx/net.onnx",
  property,
  known: "unsat",
  attack: false,
  result: "unsat",
  method: "crown",
  seconds: 1,
  gap: null,
  limit: 60,
  clock: "cpu",
  load: 0,
  ...more,
});
const lines = (rows: readonly CampaignRow[]): string =>
  rows.map((one) => `${JSON.stringify(one)}\n`).join("");

describe("the table of proofs", () => {
  it("counts cumulatively, a line per network and one for all", () => {
    const table = campaignTable([
      row("1", { method: "crown-ibp" }),
      row("2", { seconds: 3 }),
      row("3", { method: "branching", seconds: 7 }),
      row("4", { result: "unknown", method: null, limit: 30 }),
      row("5", { known: "sat", result: "unknown", method: null }),
    ]);
    expect(table.split("\n")[2]).toBe(
      "| b | net | 4 | 1 | 2 | 2 | 2 | 3 | 3.0 | 7.0 | 30 | 0 of 1 |",
    );
    expect(table.split("\n")).toHaveLength(4);
  });

  it("shows a proof of what is false", () => {
    expect(campaignTable([row("1", { known: "sat" })])).toContain("| 1 of 1 |");
  });

  it("takes the last row of an instance, leaves out half a line, and rows with an attack", () => {
    const text = lines([
      row("1", { result: "unknown", method: null }),
      row("1", {}),
      row("1", { attack: true, method: "branching" }),
    ]);
    const rows = campaignRows(`${text}{"benchmark": "b"`);
    expect(rows).toHaveLength(2);
    expect(campaignTable(rows)).toContain("| b | net | 1 | 0 | 1 | 1 | 1 | 1 |");
  });

  it("of the guide is that of the committed rows, and nothing false was proven", () => {
    const packed = readFileSync(join(root, "results/verify/vnncomp.jsonl.gz"));
    const rows = campaignRows(new TextDecoder().decode(gunzipSync(packed)));
    const page = readFileSync(join(root, "docs/proving.md"), "utf8");
    expect(withTable(page, rows)).toBe(page);
    expect(rows.filter(({ known, result }) => known === "sat" && result === "unsat")).toEqual([]);
    expect(rows.filter(({ known, result }) => known === "unsat" && result === "sat")).toEqual([]);
  });
});
