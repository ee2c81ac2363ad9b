// Writes the tables of docs/attacks.md and the interface of attack options. Run it after an attack has changed: npx tsx scripts/attacks.ts

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attackOptionsModule } from "./attack-options.ts";
import { attacksPage } from "./attacks-page.ts";

const path = join(import.meta.dirname, "../docs/attacks.md");
writeFileSync(path, attacksPage(readFileSync(path, "utf8")));
writeFileSync(join(import.meta.dirname, "../src/library/attack-options.ts"), attackOptionsModule());
console.log("wrote docs/attacks.md and src/library/attack-options.ts");
