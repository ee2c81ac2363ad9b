// Writes the tables of docs/attacks.md and docs/data.md, and the interface of attack options. Run it after an attack or a data
// set has changed: npx tsx scripts/attacks.ts

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attackOptionsModule } from "./attack-options.ts";
import { attacksPage } from "./attacks-page.ts";
import { dataPage } from "./data-page.ts";

const pages = { attacks: attacksPage, data: dataPage } as const;
for (const [name, write] of Object.entries(pages)) {
  const path = join(import.meta.dirname, `../docs/${name}.md`);
  writeFileSync(path, write(readFileSync(path, "utf8")));
}
writeFileSync(join(import.meta.dirname, "../src/library/attack-options.ts"), attackOptionsModule());
console.log("wrote docs/attacks.md, docs/data.md and src/library/attack-options.ts");
