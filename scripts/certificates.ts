// Prints the tables of certified accuracy and of sequential tests from files of rows, and writes them to docs/certifying.md and
// docs/sequential.md if the rows are those of results/certify: npx tsx scripts/certificates.ts [FOLDER]

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  certificatesTable,
  certifyingPage,
  sequentialPage,
  sequentialTableOf,
} from "./certificates-table.ts";

const [, , given] = process.argv;
const folder = given ?? join(import.meta.dirname, "../results/certify");
console.log(`${certificatesTable(folder)}\n\n${sequentialTableOf(folder)}`);
if (given === undefined)
  for (const [name, written] of [
    ["certifying", certifyingPage],
    ["sequential", sequentialPage],
  ] as const) {
    const path = join(import.meta.dirname, `../docs/${name}.md`);
    writeFileSync(path, written(readFileSync(path, "utf8"), folder));
  }
