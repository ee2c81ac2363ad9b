import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as fixture from "../../../test/fixtures/audit-fixture.ts";
import type { Runtime } from "../../engine/runtime/runtime.ts";
import * as core from "../../index.ts";
import * as node from "../../node.ts";

let device: Runtime;
let data: core.Dataset;
let model: Uint8Array;

beforeAll(async () => {
  device = await node.nodeRuntime({ threads: 1 });
  const images = core.tensor([fixture.count, 1, 4, 4], fixture.pixels);
  const classes = ["0", "1", "2", "3"];
  data = core.imageDataset({ images, labels: fixture.labels, classes, name: "made-up" });
  model = readFileSync(fixture.network("quarters"));
});

afterAll(fixture.removeFolder);

const common = { norms: ["linf", "l2"], epsilonLinf: 0.2, epsilonL2: 0.3, examples: 6 } as const;
const text = async (out: core.Storage, name: string) =>
  new TextDecoder().decode((await out.readIfThere(name)) ?? new Uint8Array());
const lines = (rows: string) => rows.split("\n").slice(0, -1);

/** A storage that stops the audit once it has so many rows. */
function stoppedAt(rows: number) {
  const [out, stop] = [core.memoryStorage("timed"), new AbortController()];
  let appended = 0;
  const stopping: core.Storage = Object.assign({}, out, {
    async append(name: string, added: string) {
      await out.append(name, added);
      if (name === "rows.jsonl") appended += lines(added).length;
      if (appended >= rows) stop.abort();
    },
  });
  return { out, stopping, signal: stop.signal };
}

it("an audit with --minutes that is stopped keeps the rows of its finished balls, and goes on", async () => {
  const asked = { ...common, data, device, name: "quarters.onnx", minutes: 0.1 };
  const { out, stopping, signal } = stoppedAt(6);
  await core.audit(model, { ...asked, out: stopping, signal }).catch(() => undefined);
  const before = await text(out, "rows.jsonl");
  expect(lines(before).map((line) => JSON.parse(line).norm)).toEqual(new Array(6).fill("linf"));
  expect(JSON.parse(await text(out, "rows.convergence.json")).balls).toHaveLength(1);

  const other = core.audit(model, { ...asked, examples: 5, out, resume: true });
  await expect(other).rejects.toThrow(/began with 6 and would go on with 5/);
  const slower = core.audit(model, { ...asked, minutes: 0.2, out, resume: true });
  await expect(slower).rejects.toThrow(/minutes/);

  const result = await core.audit(model, { ...asked, out, resume: true });
  expect((await text(out, "rows.jsonl")).startsWith(before)).toBe(true);
  expect(result.convergence?.map(({ norm }) => norm)).toEqual(["linf", "l2"]);
  expect(result.convergence?.every(({ right }) => right === result.convergence?.[0].right)).toBe(
    true,
  );
  expect(result.norms.map(({ norm }) => norm)).toEqual(["linf", "l2"]);
});

it("without time there are no attacks and no searches, and the result says so", async () => {
  const notes: string[] = [];
  const result = await core.audit(model, {
    ...common,
    data,
    device,
    minutes: 1e-6,
    note: (text) => void notes.push(text),
  });
  expect(result.union.mean).toBe(result.clean.mean);
  expect(result.convergence?.map(({ attacked, finished }) => [attacked, finished])).toEqual([
    [0, false],
    [0, false],
  ]);
  expect(result.smallest).toBeNull();
  const search = result.checks.find(({ code }) => code === "search-wins");
  expect(search?.outcome).toBe("not run");
  expect(result.notRun).toEqual([]);
  expect(notes.join("\n")).toMatch(/the audit took .* minutes instead of/);
});
