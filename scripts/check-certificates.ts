// Tests certificates at the adversarial images of attacks on the same networks: inside a certified radius, 10,000 fresh draws
// must not reject that the certified class has probability ½ or more. npx tsx scripts/check-certificates.ts MODELS FOLDER
// MODELS has a folder with model.onnx for each network; FOLDER has NAME.jsonl of `rampart certify`, attacked-NAME.jsonl and
// attacked-NAME.examples.npz of `rampart evaluate`. Appends a line per image to checks-NAME.jsonl, and goes on from there.

import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkRow } from "../src/audit/prove/certificate-check.ts";
import { isInside } from "../src/audit/prove/certified-point.ts";
import { CheckRow, checkName } from "../src/audit/prove/check-row.ts";
import { refute } from "../src/certify/refute.ts";
import { parseCertificates } from "../src/certify/row.ts";
import { parseNpz } from "../src/data/npz.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import { imageName } from "../src/evaluate/kept-images.ts";
import type { Row } from "../src/evaluate/row.ts";
import { fold, keyOf, nameToNumber } from "../src/math/random.ts";
import { takeRows } from "../src/math/tensor.ts";
import { classifier } from "../src/models/classifier.ts";
import { openModelInNode } from "../src/models/opening/node.ts";
import { readImages } from "../src/report/read-images.ts";

const PREFIX = "attacked-";
const [, , models, folder] = process.argv;
const linesOf = (path: string): string[] =>
  existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").filter(Boolean) : [];

const names = readdirSync(folder)
  .filter((file) => file.startsWith(PREFIX) && file.endsWith(".jsonl"))
  .map((file) => file.slice(PREFIX.length, -".jsonl".length));
const runtime = await nodeRuntime({ threads: 1 });
for (const name of names) {
  const model = await openModelInNode(join(models, name, "model.onnx"), { runtime });
  const network = classifier(runtime, model.architecture, model.parameters);
  const path = join(folder, `${name}.jsonl`);
  const certificates = new Map(
    parseCertificates(path, readFileSync(path, "utf8")).rows.map((row) => [row.index, row]),
  );
  const rows = linesOf(join(folder, `${PREFIX}${name}.jsonl`)).map(
    (line) => JSON.parse(line) as Row,
  );
  const npz = readFileSync(join(folder, `${PREFIX}${name}.examples.npz`));
  const images = new Map(readImages(parseNpz(name, npz)).map((set) => [set.name, set]));
  const out = join(folder, `checks-${name}.jsonl`);
  const checks = linesOf(out).map((line) => CheckRow.parse(JSON.parse(line)));
  const checked = new Set(checks.map(checkName));
  for (const row of rows) {
    const { index, attack, epsilon } = row;
    const certificate = certificates.get(index);
    if (certificate === undefined || !isInside(row, certificate)) continue;
    const kept = images.get(imageName(row));
    const place = kept?.indices.indexOf(index) ?? -1;
    if (checked.has(checkName(row)) || kept === undefined || place < 0) continue;
    const point = takeRows(kept.adversarials, [place]);
    const smoothed = {
      network,
      shape: point.shape.slice(1),
      classes: model.architecture.classes,
      noise: certificate.noise,
      sampling: certificate.sampling,
      batch: 100,
    };
    const key = fold(fold(keyOf(0), nameToNumber(`${attack}@${epsilon}`)), index);
    const prediction = Number(certificate.prediction);
    const found = await refute(smoothed, point.data, key, { prediction });
    const check = checkRow(row, certificate, found);
    appendFileSync(out, `${JSON.stringify(check)}\n`);
    checks.push(check);
  }
  await network.release();
  const refuted = checks.filter((check) => check.refuted).length;
  console.log(`${name}: ${checks.length} points inside a certified radius, ${refuted} refuted`);
}
