import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const read = (...path: string[]) => readFileSync(join(import.meta.dirname, ...path), "utf8");

it("docs/errors.md has a row with meaning and remedy for each code, in the order of the source", () => {
  const [, union] = read("usage-error.ts").split("export type UsageCode =");
  const codes = [...union.split(";\n")[0].matchAll(/^ {2}\| "([a-z-]+)"/gm)].map(
    ([, code]) => code,
  );
  const rows = [...read("../../docs/errors.md").matchAll(/^\| `([a-z-]+)` \| .+\. \| .+\. \|$/gm)];
  expect(codes.length).toBeGreaterThan(5);
  expect(rows.map(([, code]) => code)).toEqual(codes);
});
