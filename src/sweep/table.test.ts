import { expect, it } from "vitest";
import { nodeHost } from "../files/host/node.ts";
import { rowLine } from "../files/row-lines.ts";
import type { Cell } from "./cell.ts";
import { PRUNED } from "./cells/pruned.ts";
import { ask, askedOf } from "./control.ts";
import { commit } from "./results.ts";
import { openStore } from "./store/format.ts";
import { memoryStore } from "./store/memory.ts";
import { resultTable, tableCsv } from "./table.ts";

const target = { device: "cpu", threads: 1, lowering: "plain", engine: "ort 1" };
const training = (key: string, defense: string): Cell =>
  ({
    key,
    labels: { defense },
    work: { kind: "train", options: { defense }, model: null, code: "1", target, inputs: [] },
  }) as unknown as Cell;

it("the table has a line for each training that is committed, also for one that was given up", async () => {
  const store = memoryStore();
  await openStore(store, { create: true });
  const times = { owner: "", attempt: 1, started: "", ended: "", seconds: 7, removed: {} };
  const put = (key: string, name: string, text: string) =>
    commit(store, key, {
      files: new Map([[name, new TextEncoder().encode(text)]]),
      times,
      host: nodeHost,
    });
  await put("a", "metrics.jsonl", rowLine({ epoch: 1, testAccuracy: 0.4, testExamples: 10 }));
  await put("b", PRUNED, "{}\n");
  const cells = [training("a", "at-linf"), training("b", "=evil"), training("c", "standard")];
  const rows = await resultTable(store, cells, nodeHost);
  expect(tableCsv(rows)).toBe(
    [
      "step,defense,cellSeconds,kind,accuracy,examples",
      "train,at-linf,7,clean,0.4,10",
      "train,'=evil,7,pruned,,",
      "",
    ].join("\n"),
  );
});

it("workers of a store are asked to pause, to drain and to go on, by whoever asks last", async () => {
  const store = memoryStore();
  await openStore(store, { create: true });
  expect(await askedOf(store)).toBe("run");
  await ask(store, "pause");
  expect(await askedOf(store)).toBe("pause");
  await ask(store, "drain");
  expect(await askedOf(store)).toBe("drain");
  await ask(store, "pause");
  expect(await askedOf(store)).toBe("pause");
  await ask(store, "run");
  expect(await askedOf(store)).toBe("run");
});
