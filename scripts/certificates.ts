// Prints the table of certified accuracy from files of rows, and writes it to docs/certifying.md if the rows are those of
// results/certify: npx tsx scripts/certificates.ts [FOLDER]

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { certificatesTable, certifyingPage } from "./certificates-table.ts";

const [, , given] = process.argv;
const folder = given ?? join(import.meta.dirname, "../results/certify");
console.log(certificatesTable(folder));
if (given === undefined) {
  const path = join(import.meta.dirname, "../docs/certifying.md");
  writeFileSync(path, certifyingPage(readFileSync(path, "utf8"), folder));
}
