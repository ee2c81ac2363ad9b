// Audits public ONNX classifiers with one setting, and writes docs/results/zoo.md from the results.
//
//   npx tsx scripts/zoo.ts --files FOLDER [--only TEXT,TEXT]
//   npx tsx scripts/zoo.ts --page
//
// results/zoo/models.json names the files. Each is expected in FOLDER/REPOSITORY/PATH and checked by its SHA-256. Data sets come
// from $RAMPART_DATA. A result is stored in results/zoo/audits.json as soon as its audit ends; a file with a result there is not
// audited again, unless it had other seconds for proofs. Audits run one at a time on one thread; their own folders are in FOLDER/audits.
// Seconds are those of the processor.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { run } from "../src/cli/kit/program.ts";
import { rampart } from "../src/cli/main.ts";
import { NOTHING_PROVEN } from "../src/engine/bounds/unsupported.ts";
import { version } from "../src/files/version.ts";
import { writeWhole } from "../src/files/write/node.ts";
import {
  factsOf,
  flagsOf,
  idOf,
  proveSecondsOf,
  type ZooAudit,
  ZooAudits,
  type ZooModel,
  ZooModels,
} from "./zoo-audit.ts";
import { zooFigure } from "./zoo-figure.ts";
import { numbered, zooPage } from "./zoo-page.ts";

const { values } = parseArgs({
  options: {
    files: { type: "string" },
    only: { type: "string", default: "" },
    page: { type: "boolean", default: false },
  },
});

// The limits of proofs count processor time, so that the result does not depend on what else the machine does.
performance.now = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const modelsFile = "results/zoo/models.json";
const auditsFile = "results/zoo/audits.json";

const models = ZooModels.parse(JSON.parse(readFileSync(modelsFile, "utf8")));
const audits = existsSync(auditsFile)
  ? ZooAudits.parse(JSON.parse(readFileSync(auditsFile, "utf8")))
  : [];

/** The error message of a refused audit, after its lines of progress and without the folder of the files. */
function messageOf(stderr: string, folder: string): string {
  const lines = stderr.trimEnd().split("\n");
  const first = lines.findLastIndex((line) => !line.startsWith(" "));
  const words = lines.slice(first).map((line) => line.trim());
  return words.join(" ").replaceAll(`${folder}/`, "");
}

/** Runs `rampart audit` in this process: its exit code, and what it says on stderr, which is stored too. */
async function runAudit(file: string, flags: readonly string[], out: string) {
  mkdirSync(out, { recursive: true });
  const isBegun = readdirSync(out).some((name) => name.endsWith(".jsonl"));
  const resume = isBegun ? ["--resume"] : [];
  let err = "";
  const code = await run(rampart, ["audit", file, ...flags, "--out", out, ...resume], {
    stdout: { write: () => true },
    stderr: {
      write(text) {
        err += text;
      },
    },
  });
  writeFileSync(join(out, "stderr.txt"), err);
  return { code, err };
}

/**
 * Audits one file, without proofs if it has an operator without a bound. Throws if the file is not the one that the list
 * names, or if Rampart fails.
 */
async function audited(model: ZooModel, folder: string): Promise<ZooAudit> {
  const id = idOf(model);
  const file = join(folder, model.repository, model.path);
  const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
  if (sha256 !== model.sha256)
    throw new Error(`${file} has SHA-256 ${sha256}, not ${model.sha256}`);
  const about = { id, sha256, rampart: version, proveSeconds: proveSecondsOf(model) };
  const out = join(folder, "audits", id.replaceAll("/", "+"));
  let unproven: string | null = null;
  let { code, err } = await runAudit(file, flagsOf(model, true), out);
  if (code === 2 && err.includes(NOTHING_PROVEN)) {
    unproven = messageOf(err, folder);
    ({ code, err } = await runAudit(file, flagsOf(model, false), out));
  }
  if (code === 2) return { ...about, facts: null, refused: messageOf(err, folder), unproven: null };
  if (code !== 0) throw new Error(`the audit of ${id} ended with ${code}:\n${err}`);
  const [summary, settings] = ["summary.json", "rows.settings.json"].map((name) =>
    readFileSync(join(out, name), "utf8"),
  );
  return { ...about, facts: factsOf(summary, settings), refused: null, unproven };
}

async function auditAll(folder: string): Promise<void> {
  const chosen = values.only
    .split(",")
    .flatMap((text) => models.filter((model) => idOf(model).includes(text)));
  for (const model of new Set(chosen)) {
    const id = idOf(model);
    const isKnown = audits.some(
      (one) =>
        one.id === id && one.sha256 === model.sha256 && one.proveSeconds === proveSecondsOf(model),
    );
    if (isKnown) continue;
    const began = performance.now();
    try {
      const audit = await audited(model, folder);
      const at = audits.findIndex((one) => one.id === id);
      audits.splice(at < 0 ? audits.length : at, 1, audit);
      await writeWhole(auditsFile, `${JSON.stringify(audits, null, 1)}\n`);
    } catch (error) {
      process.exitCode = 1;
      console.error(String(error));
    }
    console.log(`${id}: ${Math.round((performance.now() - began) / 1000)} s`);
  }
}

if (values.files !== undefined) await auditAll(values.files);
if (values.page) {
  const shown = numbered(models, audits);
  await writeWhole("docs/results/zoo.svg", zooFigure(shown));
  await writeWhole("docs/results/zoo.md", zooPage(shown));
}
