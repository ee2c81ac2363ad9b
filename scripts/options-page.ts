// The text of docs/options.md, which follows from the schemas of the commands.

import type { Command } from "../src/cli/kit/command.ts";
import { choicesOf, type Field, fieldsOf } from "../src/cli/kit/flags.ts";
import { rampart } from "../src/cli/main.ts";

/** Text that stays in its cell of a table. */
const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** Text as code in Markdown. */
export const code = (text: string): string => `\`${text}\``;

/** A command by the words that call it: `data fetch`. */
export interface NamedCommand {
  readonly name: string;
  readonly command: Command;
}

/** Every command, in the order of the program's help. */
export async function allCommands(): Promise<NamedCommand[]> {
  const commands: NamedCommand[] = [];
  for (const [name, load] of Object.entries(rampart.commands)) {
    const loaded = await load();
    if (!("commands" in loaded)) commands.push({ name, command: loaded });
    else
      for (const [word, command] of Object.entries(loaded.commands))
        commands.push({ name: `${name} ${word}`, command });
  }
  return commands;
}

/** What the page states as the default of an option: `required`, a value, or nothing. */
export function defaultOf({ schema, required }: Field): string {
  if (required) return "required";
  const { default: value } = schema;
  if (value === undefined) return "";
  return code(Array.isArray(value) ? value.join(",") : String(value));
}

function meaningOf({ schema }: Field): string {
  const choices = choicesOf(schema).map(code).join(", ");
  const description = schema.description ?? "";
  return choices === "" ? description : `${description}: ${choices}`;
}

function sectionOf({ name, command }: NamedCommand): string {
  const words = command.positionals.map((word) => word.replace("...", "…").toUpperCase());
  const usage = ["rampart", name, ...words].join(" ");
  const rows = fieldsOf(command.options).map(
    (field) => `| \`${field.flag}\` | ${defaultOf(field)} | ${cell(meaningOf(field))} |`,
  );
  const table =
    rows.length === 0
      ? "No options of its own."
      : ["| option | default | meaning |", "| --- | --- | --- |", ...rows].join("\n");
  const given = command.positionals.map((word) => {
    const plain = word.replace(/\.\.\.$|\?$/, "");
    return `- ${code(plain.toUpperCase())}: ${command.argumentsHelp[plain]}\n`;
  });
  const list = given.length === 0 ? "" : `\n${given.join("")}`;
  return `## ${name}\n\n${code(usage)}\n\n${command.summary}\n${list}\n${table}\n`;
}

/** docs/options.md. */
export async function optionsPage(): Promise<string> {
  const sections = (await allCommands()).map(sectionOf);
  return `# Options

\`\`\`sh
npx rampart audit --help
\`\`\`

This page lists the options of every command. \`npx tsx scripts/options.ts\` writes it.

- Every command also has \`--json\` (one JSON object per line on stdout), \`--config FILE\` (options as
  JSON; flags override the file; \`plugin\` in it names modules as \`--plugin\` does), \`--plugin FILE\`
  (a module with [your own definitions](extending.md); repeatable) and \`--help\`.
- A switch without a value has an opposite: \`--resume\`, \`--no-resume\`.
- In the library and in a \`--config\` file, options are in camelCase: \`--epsilon-linf\` is
  \`epsilonLinf\`.
- Numbers may be fractions: \`8/255\`. Lists are separated by commas.

${sections.join("\n")}`;
}
