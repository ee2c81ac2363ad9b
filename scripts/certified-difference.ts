// Prints the certified accuracies of two classifiers under noise on the same images, and their paired difference:
// npx tsx scripts/certified-difference.ts A.jsonl.gz B.jsonl.gz --radius 0.5

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { mcnemar, pairedDifference } from "../src/math/paired.ts";
import { keyOf } from "../src/math/random.ts";

/** A row of `rampart certify`. */
interface Row {
  readonly index: number;
  readonly image: string;
  readonly label: number;
  readonly prediction: number | null;
  readonly radius: { readonly l2: number } | null;
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { radius: { type: "string", default: "0.5" } },
});
const radius = Number(values.radius);

function rowsOf(path: string): Row[] {
  const bytes = readFileSync(path);
  const text = (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** 1 for an image that is right and certified in the ball; 0 for others. */
const certified = ({ prediction, label, radius: found }: Row): number =>
  prediction === label && found !== null && found.l2 >= radius ? 1 : 0;

const [first, second] = positionals.map(rowsOf);
const others = new Map(second.map((row) => [row.index, row]));
const differences = first.map((row) => {
  const other = others.get(row.index);
  if (other?.image !== row.image)
    throw new Error(`image ${row.index} is not the same in both files`);
  return certified(row) - certified(other);
});
if (first.length !== second.length) throw new Error("the files have different images");
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const shareOf = (rows: readonly Row[]) =>
  rows.reduce((sum, row) => sum + certified(row), 0) / rows.length;
const { mean, low, high } = pairedDifference(differences, keyOf(0));
const [gained, lost] = [1, -1].map((sign) => differences.filter((one) => one === sign).length);
console.log(
  `certified at l2 ${radius}: ${percent(shareOf(first))} and ${percent(shareOf(second))} of ${first.length} images\n` +
    `difference ${percent(mean)}, 95 % interval ${percent(low)} to ${percent(high)}\n` +
    `${gained} images only in the first, ${lost} only in the second, p = ${mcnemar(lost, gained).toFixed(3)}`,
);
