// The interface of the built-in defences' options, so that an editor shows each option's description.
import { fieldsOf } from "../src/cli/kit/flags.ts";
import { defenseOptions } from "../src/defenses/table.ts";
import { trainOptions } from "../src/train/options.ts";
import { optionMember } from "./option-members.ts";

/** The contents of `src/library/defense-options.ts`: the options of `train` that set an option of a defence. */
export function defenseOptionsModule(): string {
  const ofDefenses = Object.keys(defenseOptions().shape);
  const fields = fieldsOf(trainOptions()).filter(({ name }) => ofDefenses.includes(name));
  return [
    "// Written from the table of defences by scripts/attacks.ts.",
    "",
    "/** The options of the built-in defences. */",
    "export interface BuiltInDefenseOptions {",
    ...fields.map(optionMember),
    "}",
    "",
  ].join("\n");
}
