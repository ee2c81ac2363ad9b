// Writes the tables of docs/attacks.md. Run it after an attack has changed: npx tsx scripts/attacks.ts

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { attacksPage } from "./attacks-page.ts";

const path = join(import.meta.dirname, "../docs/attacks.md");
writeFileSync(path, attacksPage(readFileSync(path, "utf8")));
console.log("wrote docs/attacks.md");
