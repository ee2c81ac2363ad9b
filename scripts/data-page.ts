// The table of docs/data.md, which follows from the table of data sets.

import { fieldsOf, flagOf } from "../src/cli/kit/flags.ts";
import type { DatasetDefinition } from "../src/data/define-dataset.ts";
import { datasets } from "../src/data/table.ts";
import { sharedOptionName } from "../src/math/own-options.ts";
import { code, defaultOf } from "./options-page.ts";

/** The flags of a data set's own options with their defaults: `--stripes-count 600`. */
function flagsOf({ name, options }: DatasetDefinition): string {
  return fieldsOf(options)
    .map((field) => {
      const value = defaultOf(field).replaceAll("`", "");
      const flag = flagOf(sharedOptionName(name, field.name));
      return code(value === "" ? flag : `${flag} ${value}`);
    })
    .join(", ");
}

/** The table of these data sets. A column of options is there if one of them has any. */
export function dataTable(definitions: readonly DatasetDefinition[]): string {
  const withOptions = definitions.some(({ options }) => Object.keys(options.shape).length > 0);
  const row = (cells: readonly string[]) =>
    `| ${(withOptions ? cells : cells.slice(0, 3)).join(" | ")} |`;
  return [
    row(["`--data`", "images", "source", "options"]),
    row(["---", "---", "---", "---"]),
    ...definitions.map((one) => row([code(one.form), one.text, one.source, flagsOf(one)])),
  ].join("\n");
}

/** The page with its table written anew, between `<!-- data sets -->` and `<!-- end -->`. */
export const dataPage = (page: string): string =>
  page.replace(
    /(<!-- data sets -->\n\n)[\s\S]*?(\n\n<!-- end -->)/,
    (_, start: string, end: string) => `${start}${dataTable(datasets.builtIn)}${end}`,
  );
