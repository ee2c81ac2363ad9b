// Reference pages name what exists, and nothing else. Their wording follows when scripts/options.ts is run.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { attackOptionsModule } from "../scripts/attack-options.ts";
import { attacksPage } from "../scripts/attacks-page.ts";
import { dataPage } from "../scripts/data-page.ts";
import { defenseOptionsModule } from "../scripts/defense-options.ts";
import { allCommands, defaultOf } from "../scripts/options-page.ts";
import { attacks } from "../src/attacks/table.ts";
import { fieldsOf } from "../src/cli/kit/flags.ts";
import { datasets } from "../src/data/table.ts";
import { defenseNames } from "../src/defenses/table.ts";
import { planSchemaText } from "../src/sweep/plan/schema.ts";
import { readPage, root } from "./fixtures/docs.ts";

/** The cells of a table's rows that begin with code, without the marks of code. */
const rowsOf = (text: string): string[][] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((part) => part.trim()),
    );

const plain = (text: string): string => text.replaceAll("`", "");

describe("docs/options.md", async () => {
  const sections = readPage("docs/options.md").split(/^## /m).slice(1);
  const commands = await allCommands();

  it("has a section for each command, in the order of help", () => {
    expect(sections.map((text) => text.split("\n")[0])).toEqual(commands.map(({ name }) => name));
  });

  it.each(commands)("lists the options of $name with their defaults", ({ name, command }) => {
    const section = sections.find((text) => text.split("\n")[0] === name) ?? "";
    const stated = rowsOf(section).map(([flag, value]) => [plain(flag), value]);
    expect(stated).toEqual(
      fieldsOf(command.options).map((field) => [field.flag, defaultOf(field)]),
    );
  });
});

it("docs/rows.md lists every field of a row", () => {
  const source = readFileSync(join(root, "src/evaluate/row.ts"), "utf8");
  const fields = [...source.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name);
  expect(fields.length).toBeGreaterThan(20);
  const [, ...tables] = readPage("docs/rows.md").split("| field |");
  const stated = tables
    .slice(0, 2)
    .flatMap((table) =>
      rowsOf(table.split("\n## ")[0]).flatMap(([names]) => plain(names).split(", ")),
    );
  expect(stated.toSorted()).toEqual([...fields, "crc"].toSorted());
});

it("docs/diagnostics.md has a row for each code", () => {
  const sources = readdirSync(join(root, "src/audit")).map((name) => join(root, "src/audit", name));
  const [, union = ""] =
    sources
      .filter((path) => path.endsWith(".ts"))
      .map((path) => /type DiagnosticCode =([^;]+);/.exec(readFileSync(path, "utf8")))
      .find((found) => found !== null) ?? [];
  const codes = [...union.matchAll(/"([a-z0-9-]+)"/g)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(10);
  const stated = rowsOf(readPage("docs/diagnostics.md"))
    .filter(({ length }) => length === 4)
    .map(([code]) => plain(code));
  expect(stated.toSorted()).toEqual(codes.toSorted());
});

it("src/library/attack-options.ts describes each option; run npx tsx scripts/attacks.ts", () => {
  const file = readPage("src/library/attack-options.ts");
  expect(file).toBe(attackOptionsModule());
  expect(file).toContain("/** Queries of Square per image (default: 5000). */");
});

it("src/library/defense-options.ts describes each option; run npx tsx scripts/attacks.ts", () => {
  const file = readPage("src/library/defense-options.ts");
  expect(file).toBe(defenseOptionsModule());
  expect(file).toContain('readonly matChoice?: "example" | "batch" | undefined;');
});

it("docs/attacks.md has each attack with its source and options; run npx tsx scripts/attacks.ts", () => {
  const page = readPage("docs/attacks.md");
  expect(attacksPage(page)).toBe(page);
  for (const { name, norms, pattern } of attacks.builtIn)
    expect(page, name).toContain(
      `\`${norms.length === 3 ? pattern : pattern.replace("*", norms[0])}\``,
    );
});

it("docs/data.md has each data set; run npx tsx scripts/attacks.ts", () => {
  const page = readPage("docs/data.md");
  expect(dataPage(page)).toBe(page);
  for (const { form } of datasets.builtIn) expect(page).toContain(`| \`${form}\` |`);
});

it("docs/train-and-defend.md has each defence", () => {
  const stated = rowsOf(readPage("docs/train-and-defend.md"))
    .flatMap(([names]) => names.split(","))
    .map((name) => plain(name).trim());
  expect(defenseNames.filter((name) => !stated.includes(name))).toEqual([]);
});

it("docs/sweep-plan.schema.json is the schema of plans; run npx tsx scripts/plan-schema.ts", () => {
  expect(JSON.parse(readPage("docs/sweep-plan.schema.json"))).toEqual(JSON.parse(planSchemaText()));
});
