// The tables of docs/attacks.md, which follow from the table of attacks.

import type { AttackDefinition } from "../src/attacks/attack-definition.ts";
import { attacks } from "../src/attacks/table.ts";
import { fieldsOf } from "../src/cli/kit/flags.ts";
import { EvaluateOptions } from "../src/evaluate/options.ts";
import { code, defaultOf } from "./options-page.ts";

const ALL_NORMS = 3;

/** The names of an attack: `square-*` if it exists in all norms, else one per norm. */
const namesOf = ({ norms, pattern }: AttackDefinition): string =>
  norms.length === ALL_NORMS
    ? code(pattern)
    : norms.map((norm) => code(pattern.replace("*", norm))).join(", ");

/** The flags of an attack with their defaults: `--square-queries 5000`. */
function flagsOf({ sharedOptions }: AttackDefinition): string {
  const names = Object.values(sharedOptions);
  return fieldsOf(EvaluateOptions)
    .filter(({ name }) => names.includes(name))
    .map((field) => {
      const value = defaultOf(field).replaceAll("`", "");
      return code(value === "" ? field.flag : `${field.flag} ${value}`);
    })
    .join(", ");
}

function table(kind: AttackDefinition["kind"]): string {
  const rows = attacks.builtIn
    .filter((definition) => definition.kind === kind)
    .map(
      (definition) =>
        `| ${namesOf(definition)} | ${definition.summary} (${definition.source}) | ${flagsOf(definition)} |`,
    );
  return ["| attack | method | options |", "| --- | --- | --- |", ...rows].join("\n");
}

/** The page with its tables written anew: each stands between `<!-- KIND attacks -->` and `<!-- end -->`. */
export function attacksPage(page: string): string {
  let text = page;
  for (const kind of ["bounded", "minimum-norm"] as const)
    text = text.replace(
      new RegExp(`(<!-- ${kind} attacks -->\n\n)[^]*?(\n\n<!-- end -->)`),
      (_, start: string, end: string) => `${start}${table(kind)}${end}`,
    );
  return text;
}
