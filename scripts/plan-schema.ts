// Writes docs/sweep-plan.schema.json. Run it after an option has changed: npx tsx scripts/plan-schema.ts

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { planSchemaText } from "../src/sweep/plan/schema.ts";

writeFileSync(join(import.meta.dirname, "../docs/sweep-plan.schema.json"), planSchemaText());
console.log("wrote docs/sweep-plan.schema.json");
