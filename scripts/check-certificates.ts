// Tests certificates at the adversarial images of attacks on the same networks: inside a certified radius, 10,000 fresh draws
// must not reject that the certified class has probability ½ or more. npx tsx scripts/check-certificates.ts MODELS FOLDER
// MODELS has a folder with model.onnx for each network; FOLDER has NAME.jsonl of `rampart certify`, attacked-NAME.jsonl and
// attacked-NAME.examples.npz of `rampart evaluate`. Appends a line per image to checks-NAME.jsonl, and goes on from there.

import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isInside } from "../src/audit/prove/certified-point.ts";
import { REFUTING_DRAWS, REFUTING_LEVEL, refute } from "../src/certify/refute.ts";
import { parseCertificates } from "../src/certify/row.ts";
import { parseNpz } from "../src/data/npz.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import { imageName } from "../src/evaluate/kept-images.ts";
import type { Row } from "../src/evaluate/row.ts";
import { fold, keyOf, nameToNumber } from "../src/math/random.ts";
import { classifier } from "../src/models/classifier.ts";
import { openModelInNode } from "../src/models/opening/node.ts";

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
  const images = parseNpz(name, readFileSync(join(folder, `${PREFIX}${name}.examples.npz`)));
  const out = join(folder, `checks-${name}.jsonl`);
  const checked = new Set(
    linesOf(out).map((line) => {
      const { index, attack, epsilon } = JSON.parse(line);
      return `${index} ${attack} ${epsilon}`;
    }),
  );
  let refuted = linesOf(out).filter((line) => JSON.parse(line).refuted).length;
  for (const row of rows) {
    const { index, attack, norm, epsilon, linf, l2, l1 } = row;
    const certificate = certificates.get(index);
    if (certificate === undefined || !isInside(row, certificate)) continue;
    if (checked.has(`${index} ${attack} ${epsilon}`)) continue;
    const place = images.get(`${imageName(row)}/index`)?.data.indexOf(index as never) ?? -1;
    const kept = images.get(`${imageName(row)}/adversarial`);
    if (place < 0 || kept === undefined || !(kept.data instanceof Float32Array)) continue;
    const size = kept.data.length / kept.shape[0];
    const smoothed = {
      network,
      shape: kept.shape.slice(1),
      classes: model.architecture.classes,
      noise: certificate.noise,
      sampling: certificate.sampling,
      batch: 100,
    };
    const key = fold(fold(keyOf(0), nameToNumber(`${attack}@${epsilon}`)), index);
    const prediction = Number(certificate.prediction);
    const point = kept.data.slice(place * size, (place + 1) * size);
    const found = await refute(smoothed, point, key, { prediction });
    if (found.refuted) refuted++;
    const said = { index, attack, norm, epsilon, linf, l2, l1, prediction };
    const judged = { of: REFUTING_DRAWS, level: REFUTING_LEVEL };
    appendFileSync(out, `${JSON.stringify(Object.assign(said, judged, found))}\n`);
  }
  await network.release();
  console.log(
    `${name}: ${linesOf(out).length} points inside a certified radius, ${refuted} refuted`,
  );
}
