// A store in a repository: a copy with packed files goes on, in the middle of a training too, and ends with the same bytes.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, expect, it } from "vitest";
import { packStore } from "../scripts/store-packing.ts";
import { committed, results, start, stopAll, until } from "./fixtures/sweeps.ts";

const work = mkdtempSync(join(tmpdir(), "rampart-packing-"));
const plan = join(work, "plan.json");
const [whole, stopped, packed] = ["whole", "stopped", "packed"].map((name) => join(work, name));

afterAll(() => {
  stopAll();
  rmSync(work, { recursive: true, force: true });
});

const training = {
  data: "shapes",
  recipe: "short",
  epochs: 12,
  examples: 256,
  batch: 16,
  steps: 4,
};
writeFileSync(
  plan,
  JSON.stringify({
    train: [
      { options: { ...training, epochs: 1, defense: "standard", model: "mlp-small" }, priority: 1 },
      { options: { ...training, defense: "at-linf", model: "mlp-small" } },
    ],
    evaluate: [{ options: { attacks: ["pgd-linf"], examples: 16 }, priority: 2 }],
  }),
);

const sweep = (store: string) => start(["sweep", plan, "--store", store, "--patience", "2"]);
const filesIn = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String) : [];

/** Bytes of results, packed or not, by name. */
function unpacked(store: string) {
  const { results: manifests, files } = results(store);
  const bytes = Object.entries(files).map(([name, base64]) => {
    const own = Buffer.from(base64, "base64");
    return name.endsWith(".gz")
      ? [name.slice(0, -3), gunzipSync(own).toString("base64")]
      : [name, base64];
  });
  return { manifests, files: Object.fromEntries(bytes) };
}

it("a training that was stopped goes on from the packed copy of its store", async () => {
  expect((await sweep(whole).ended).code).toBe(0);
  const { child, ended } = sweep(stopped);
  const isSaved = () =>
    committed(stopped) === 2 &&
    filesIn(join(stopped, "cells")).some((name) => /epoch-\d+\./.test(name));
  await until("a checkpoint of the second training", isSaved);
  child.kill("SIGINT");
  await ended;
  const { unfinished } = packStore(stopped, packed);
  const checkpoints = filesIn(packed).filter((name) => name.endsWith(".safetensors.gz"));
  expect(checkpoints).toHaveLength(1);
  expect(Object.keys(unfinished).some((name) => name.endsWith(".safetensors"))).toBe(true);
  const before = filesIn(join(packed, "results"));
  expect(before.length).toBeGreaterThan(0);
  const status = await start(["sweep", "--status", "--store", packed]).ended;
  expect(status.text).toContain(`${before.length} of 4 cells done`);

  const { text, code } = await sweep(packed).ended;
  expect(code, text).toBe(0);
  expect(text).toContain("train at-linf: ");
  expect(text).not.toContain("train at-linf: 1/"); // the first step is not taken again
  expect(unpacked(packed)).toEqual(unpacked(whole));
}, 500_000);

it("leaves out the state of a cell with a file above the limit, and keeps older results", () => {
  const small = join(work, "small");
  packStore(stopped, small, 100);
  expect(filesIn(join(small, "cells"))).toEqual([]);
  const before = filesIn(join(small, "files"));
  expect(packStore(stopped, small, 100).results).toBe(0);
  expect(filesIn(join(small, "files"))).toEqual(before);
});
