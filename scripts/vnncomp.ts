// Runs the proofs of `rampart verify` over the instances of VNN-COMP whose answer is known, a row per instance. A run can be
// resumed: it skips instances that are decided, or that were given as much time already.
//
//   npx tsx scripts/vnncomp.ts --data …/vnncomp --out rows.jsonl [--seconds 60] [--attack] [--only 256x2] [--property prop_3] [--known unsat]
//   npx tsx scripts/vnncomp.ts --table rows.jsonl
//
// `--table` writes the table of docs/proving.md; the rows behind it are results/verify/vnncomp.jsonl.gz.
//
// `--cpu` counts the seconds of processor time of the process instead of the time that passes, so that the result does not
// depend on what else the machine does. Use `--threads 1` with it: threads that wait for each other count too.

import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import type { Crown } from "../src/engine/bounds/crown.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import { keyOf as randomKey } from "../src/math/random.ts";
import { importModelInNode, openNetworkInNode } from "../src/models/node.ts";
import { type FalsifyEvent, falsify } from "../src/verify/falsify.ts";
import { flatNetwork } from "../src/verify/flat-network.ts";
import type { Property } from "../src/verify/property.ts";
import { type ProofEvent, prove } from "../src/verify/prove.ts";
import { proverOf } from "../src/verify/prover.ts";
import { parseVnnlib } from "../src/verify/vnnlib.ts";
import { type CampaignRow, campaignRows, keyOf, withTable } from "./vnncomp-table.ts";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    out: { type: "string" },
    table: { type: "string" },
    seconds: { type: "string", default: "60" },
    threads: { type: "string" },
    only: { type: "string", default: "" },
    property: { type: "string", default: "" },
    known: { type: "string", default: "all" },
    attack: { type: "boolean", default: false },
    cpu: { type: "boolean", default: false },
  },
});
const folders = ["2021_cifar10_resnet", "2021_mnistfc", "2022_sri_resnet_a"];
const threads = values.threads === undefined ? undefined : Number(values.threads);
/** A clock in seconds. */
function now(): number {
  if (!values.cpu) return performance.now() / 1000;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
const present = (path: string): string => (existsSync(path) ? path : `${path}.gz`);

const textOf = (path: string): string => {
  const bytes = readFileSync(path);
  return new TextDecoder().decode(path.endsWith(".gz") ? gunzipSync(bytes) : bytes);
};

interface Instance {
  readonly benchmark: string;
  readonly model: string;
  readonly property: string;
  readonly known: "sat" | "unsat";
}

const instancesOf = (data: string): Instance[] =>
  folders.flatMap((benchmark) =>
    readFileSync(join(data, benchmark, "verdicts.csv"), "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((row) => row.split(","))
      .filter(([, , known]) => known === "sat" || known === "unsat")
      .map(([model, property, known]) => ({
        benchmark,
        model,
        property,
        known: known as "sat" | "unsat",
      })),
  );

async function openProver(path: string): Promise<Crown> {
  const runtime = await nodeRuntime({ threads, lowering: "plain" });
  const imported = await importModelInNode(path, { raw: true, layout: "nchw" }, runtime);
  return proverOf(imported, runtime.compile);
}

/** Whether an attack of some seconds finds a counterexample. */
async function isFalsified(path: string, property: Property, seconds: number): Promise<boolean> {
  const network = await openNetworkInNode(path, { threads, layout: "nchw", note: () => {} });
  try {
    const flat = await flatNetwork(network, property);
    let last: FalsifyEvent | undefined;
    for await (const event of falsify(flat, property, { seconds, key: randomKey(0), now }))
      last = event;
    return last?.event === "sat";
  } finally {
    await network.release();
  }
}

/** Decides one instance as `rampart verify` does. */
async function rowOf(data: string, instance: Instance, prover: Crown): Promise<CampaignRow> {
  const { benchmark, model, property: name } = instance;
  const limit = Number(values.seconds);
  const started = now();
  const path = present(join(data, benchmark, name));
  const property = parseVnnlib(textOf(path), path);
  const row = (result: CampaignRow["result"], last?: ProofEvent): CampaignRow => ({
    benchmark,
    model,
    property: name,
    known: instance.known,
    attack: values.attack,
    result,
    method: last?.event === "unsat" ? last.stage : null,
    seconds: Number((now() - started).toFixed(3)),
    gap: last?.event === "unknown" && Number.isFinite(last.gap) ? last.gap : null,
    limit,
    clock: values.cpu ? "cpu" : "wall",
    load: Number(loadavg()[0].toFixed(2)),
  });
  const file = present(join(data, benchmark, model));
  if (values.attack && (await isFalsified(file, property, Math.min(10, 0.1 * limit))))
    return row("sat");
  let last: ProofEvent | undefined;
  const seconds = limit - (now() - started);
  for await (const event of prove(prover, property, { seconds, now })) last = event;
  return row(last?.event === "unsat" ? "unsat" : "unknown", last);
}

async function campaign(data: string, out: string): Promise<void> {
  const done = new Set(
    campaignRows(existsSync(out) ? readFileSync(out, "utf8") : "")
      .filter(({ result, limit }) => result !== "unknown" || limit >= Number(values.seconds))
      .map(keyOf),
  );
  const left = instancesOf(data)
    .filter(({ model }) => model.includes(values.only))
    .filter(({ property }) => property.includes(values.property))
    .filter(({ known }) => values.known === "all" || known === values.known)
    .filter((instance) => !done.has(keyOf({ ...instance, attack: values.attack })));
  let open: { readonly model: string; readonly prover: Crown } | undefined;
  for (const instance of left) {
    const path = present(join(data, instance.benchmark, instance.model));
    if (open?.model !== path) {
      await open?.prover.release();
      open = { model: path, prover: await openProver(path) };
    }
    const row = await rowOf(data, instance, open.prover);
    appendFileSync(out, `${JSON.stringify(row)}\n`);
    console.log(row.result, row.method ?? row.gap, row.seconds, row.known, row.model, row.property);
  }
  await open?.prover.release();
}

if (values.table !== undefined) {
  const page = join(import.meta.dirname, "../docs/proving.md");
  const rows = campaignRows(textOf(values.table));
  writeFileSync(page, withTable(readFileSync(page, "utf8"), rows));
} else if (values.data === undefined || values.out === undefined)
  throw new Error("give --data and --out, or --table");
else await campaign(values.data, values.out);
