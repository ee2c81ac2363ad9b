// The interface of the built-in attacks' options, so that an editor shows each option's description.

import type { z } from "zod";
import { attackOptions, minimalAttackOptions } from "../src/attacks/table.ts";
import { fieldsOf } from "../src/cli/kit/flags.ts";
import { optionMember } from "./option-members.ts";

/** Options that `evaluate` states itself, or sets itself. */
const OTHERS = new Set([
  "epsilonLinf",
  "epsilonL2",
  "epsilonL1",
  "epsilonL0",
  "randomStart",
  "stopWhenBroken",
]);

/** The contents of `src/library/attack-options.ts`. */
export function attackOptionsModule(): string {
  const schemas: readonly z.ZodObject[] = [attackOptions(), minimalAttackOptions()];
  const fields = new Map(schemas.flatMap(fieldsOf).map((field) => [field.name, field]));
  const members = [...fields.values()].filter(({ name }) => !OTHERS.has(name)).map(optionMember);
  return [
    "// Written from the table of attacks by scripts/attacks.ts.",
    "",
    "/** The options of the built-in attacks. */",
    "export interface BuiltInAttackOptions {",
    ...members,
    "}",
    "",
  ].join("\n");
}
