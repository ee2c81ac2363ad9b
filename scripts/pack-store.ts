// Copies the store of a sweep into a repository: npx tsx scripts/pack-store.ts FROM TO [LIMIT in bytes per unfinished file]
import { packStore } from "./store-packing.ts";

const [from, to, limit] = process.argv.slice(2);
if (from === undefined || to === undefined)
  throw new Error("usage: npx tsx scripts/pack-store.ts FROM TO [LIMIT]");
const { results, unfinished } = packStore(
  from,
  to,
  limit === undefined ? undefined : Number(limit),
);
console.log(`packed ${results.toLocaleString("en")} bytes of new results`);
for (const [path, bytes] of Object.entries(unfinished))
  console.log(`unfinished: ${path}, ${bytes.toLocaleString("en")} bytes packed`);
