// Writes docs/audit-summary.schema.json: the JSON Schema of summary.json. npx tsx scripts/summary-schema.ts
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { summaryJsonSchema } from "../src/audit/formats/summary-schema.ts";

const path = join(import.meta.dirname, "../docs/audit-summary.schema.json");
writeFileSync(path, `${JSON.stringify(summaryJsonSchema(), null, 2)}\n`);
console.log(`wrote ${path}`);
