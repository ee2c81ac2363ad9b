import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { rowWith } from "../../../test/fixtures/rows-fixture.ts";
import { nodeHost } from "../../files/host/node.ts";
import { rowLine } from "../../files/row-lines.ts";
import type { Cell } from "../../sweep/cell.ts";
import { openNodeStore } from "../../sweep/node.ts";
import { addPlan } from "../../sweep/plans.ts";
import { commit } from "../../sweep/results.ts";
import { evaluationsOf } from "../cells.ts";
import { scales } from "../scales.ts";
import { sweptResults } from "./node.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-evidence-"));

afterAll(() => rmSync(folder, { recursive: true }));

const imagesAt = (...indices: readonly number[]) => indices.map((index) => rowWith({ index }));

const target = { engine: "e", device: "cpu", lowering: "plain", threads: 1 } as const;
const cellOf = (key: string, work: Partial<Cell["work"]>): Cell => ({
  key,
  label: key,
  labels: {},
  priority: 0,
  cost: 1,
  work: {
    kind: "evaluate",
    options: {},
    data: null,
    range: null,
    model: null,
    inputs: [],
    code: "0",
    target: target as unknown as Cell["work"]["target"],
    ...work,
  },
});

it("counts an evaluation once all its cells are committed, and not before", async () => {
  const [sound] = evaluationsOf("table4", "standard", scales.medium, { share: 1, seed: 0 });
  const range = (from: number) =>
    cellOf(`images-${from}`, {
      options: { ...sound.options },
      inputs: ["trained"],
      range: { from, to: from + 2 },
    });
  const trained = cellOf("trained", { kind: "train", options: { defense: "standard" } });
  const proofs = cellOf("proofs", { kind: "prove", inputs: ["trained"] });
  const store = await openNodeStore(folder, { create: true });
  const cells = [trained, range(0), range(2), proofs];
  await addPlan(
    store,
    {
      name: "p",
      code: "0",
      target: trained.work.target,
      retries: 0,
      backOff: 0,
      plugins: [],
      cells,
    },
    nodeHost,
  );
  const finish = async (key: string, rows: readonly object[], processor: number) => {
    const text = rows.map(rowLine).join("");
    const files = new Map([["rows.jsonl", new TextEncoder().encode(text)]]);
    const [started, ended] = ["1970-01-01", "1970-01-01"];
    const times = { owner: "o", attempt: 1, started, ended, seconds: 100, processor, removed: {} };
    await commit(store, key, { files, times, host: nodeHost });
  };
  await finish("trained", [], 7);
  await finish("images-0", imagesAt(0, 1), 2);
  const before = await sweptResults(folder, scales.medium);
  expect(before.results).toEqual({});
  expect(before.progress).toEqual({ done: 2, cells: 4, seconds: 9, trained: ["standard"] });
  await finish("images-2", imagesAt(2, 3), 3);
  const { results, progress } = await sweptResults(folder, scales.medium);
  expect(results.standard.rows.sound.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  expect(Object.keys(results.standard.rows)).toEqual(["sound"]);
  expect(progress.done).toBe(3);
  expect(results.standard.lower).toBeUndefined();

  const proof = (index: number, norm: string, status: string) => ({ index, norm, status });
  const found = [proof(0, "linf", "proven"), proof(1, "linf", "undecided")];
  await finish("proofs", [...found, proof(0, "l2", "broken"), proof(1, "l2", "broken")], 1);
  const { lower } = (await sweptResults(folder, scales.medium)).results.standard;
  expect(lower?.linf).toMatchObject({ mean: 0.5, examples: 2 });
  expect(lower?.l2?.mean).toBe(0);
});
