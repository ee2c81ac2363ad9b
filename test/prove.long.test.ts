// No proof of what others falsified: the known `sat` instances of VNN-COMP, with the attack switched off. SLOW=1 tries all of
// them for a minute each; otherwise three of the smallest network are tried for some seconds.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Crown } from "../src/engine/bounds/crown.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import { importModelInNode } from "../src/models/node.ts";
import { type ProofEvent, prove } from "../src/verify/prove.ts";
import { proverOf } from "../src/verify/prover.ts";
import { parseVnnlib } from "../src/verify/vnnlib.ts";

const place = join(process.env.RAMPART_DATA ?? "", "vnncomp");
const there = process.env.RAMPART_DATA !== undefined && existsSync(place);
if (!there) console.log(`skipped: no VNN-COMP files at ${place}`);

const folders = ["2021_mnistfc", "2021_cifar10_resnet", "2022_sri_resnet_a"];
const instances = there
  ? folders.flatMap((folder) =>
      readFileSync(join(place, folder, "verdicts.csv"), "utf8")
        .trim()
        .split("\n")
        .slice(1)
        .map((line) => line.split(","))
        .filter(([, , verdict]) => verdict === "sat")
        .map(([model, property]) => ({ folder, model, property })),
    )
  : [];

const isSlow = process.env.SLOW === "1";
const seconds = isSlow ? 60 : 5;
const tried = isSlow
  ? instances
  : instances.filter(({ model }) => model.includes("256x2")).slice(0, 3);

const present = (path: string): string => (existsSync(path) ? path : `${path}.gz`);
const provers = new Map<string, Promise<Crown>>();
const proverFor = (path: string): Promise<Crown> => {
  const made = provers.get(path) ?? openProver(path);
  provers.set(path, made);
  return made;
};
async function openProver(path: string): Promise<Crown> {
  const runtime = await nodeRuntime({ lowering: "plain" });
  const imported = await importModelInNode(path, { raw: true, layout: "nchw" }, runtime);
  return proverOf(imported, runtime.compile);
}

describe.skipIf(!there)("a known counterexample", () => {
  it("is known for 34 instances", () => expect(instances).toHaveLength(34));

  it.each(tried)(
    "is never contradicted: $model, $property",
    async ({ folder, model, property }) => {
      const prover = await proverFor(present(join(place, folder, model)));
      const path = present(join(place, folder, property));
      const bytes = readFileSync(path);
      const text = new TextDecoder().decode(path.endsWith(".gz") ? gunzipSync(bytes) : bytes);
      let last: ProofEvent | undefined;
      const now = () => performance.now() / 1000;
      for await (const event of prove(prover, parseVnnlib(text, path), { seconds, now }))
        last = event;
      expect(last?.event).toBe("unknown");
    },
    300_000,
  );
});
