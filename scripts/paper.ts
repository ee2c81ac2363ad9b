// Writes the numbers of docs/paper.md and Table 4 from results/paper. Run it after rows or cells have changed:
// npx tsx scripts/paper.ts
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { paperPage, readPaperResults, shownTable } from "./paper-page.ts";

const root = join(import.meta.dirname, "..");
const found = await readPaperResults();
const page = join(root, "docs/paper.md");
writeFileSync(page, paperPage(readFileSync(page, "utf8"), found));
for (const [name, contents] of Object.entries(shownTable(found).files)) {
  const folder = name.endsWith(".json") ? "results/paper" : "docs/paper";
  writeFileSync(join(root, folder, name), contents);
}
console.log("wrote docs/paper.md and Table 4");
