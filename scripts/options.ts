// Writes docs/options.md: every command's options. Run it after an option has changed: npx tsx scripts/options.ts

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { optionsPage } from "./options-page.ts";

writeFileSync(join(import.meta.dirname, "../docs/options.md"), await optionsPage());
console.log("wrote docs/options.md");
