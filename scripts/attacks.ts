// Writes the tables of docs/attacks.md and docs/data.md, and the interfaces of the options of attacks and defences. Run it
// after an attack, a defence or a data set has changed: npx tsx scripts/attacks.ts

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attackOptionsModule } from "./attack-options.ts";
import { attacksPage } from "./attacks-page.ts";
import { dataPage } from "./data-page.ts";
import { defenseOptionsModule } from "./defense-options.ts";

const pages = { attacks: attacksPage, data: dataPage } as const;
for (const [name, write] of Object.entries(pages)) {
  const path = join(import.meta.dirname, `../docs/${name}.md`);
  writeFileSync(path, write(readFileSync(path, "utf8")));
}
const modules = { "attack-options": attackOptionsModule, "defense-options": defenseOptionsModule };
for (const [name, text] of Object.entries(modules))
  writeFileSync(join(import.meta.dirname, `../src/library/${name}.ts`), text());
console.log(`wrote docs: ${Object.keys(pages)}, and src/library: ${Object.keys(modules)}`);
