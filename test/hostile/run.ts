// tsx test/hostile/run.ts FROM TO: how many of these mutants ended in which way, the slowest ten, and what went wrong.

import type { Outcome } from "./outcome.ts";
import { watched } from "./watch.ts";

const [from, to] = process.argv.slice(2).map(Number);
const line = ({ index, name, seconds, cpuSeconds, bytes, end, message }: Outcome) =>
  `${String(index).padStart(6)} ${seconds.toFixed(2)} s (${cpuSeconds.toFixed(2)} CPU) ${(bytes / 2 ** 20).toFixed(0)} MiB  ${end}  ${name}  ${message.slice(0, 150)}`;
const all: Outcome[] = [];
for await (const one of watched(from, to)) {
  all.push(one);
  if (one.cpuSeconds > 1 || one.bytes > 2 ** 29) console.log(line(one));
  if ((one.end !== "logits" && one.end !== "refused") || one.outside.length > 0)
    console.log(
      `${one.index} ${one.end} ${one.name}\n   ${one.message.split("\n").slice(0, 6).join("\n   ")} ${one.outside}`,
    );
}
const count = (end: Outcome["end"]) => `${all.filter((one) => one.end === end).length} ${end}`;
console.log(
  (["logits", "refused", "bug", "crash", "hang", "flood"] as const).map(count).join(", "),
);
console.log("slowest:");
for (const one of all.toSorted((a, b) => b.cpuSeconds - a.cpuSeconds).slice(0, 10))
  console.log(line(one));
console.log("largest:");
for (const one of all.toSorted((a, b) => b.bytes - a.bytes).slice(0, 10)) console.log(line(one));
