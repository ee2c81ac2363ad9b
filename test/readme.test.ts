import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { linksOf } from "./fixtures/docs.ts";

const root = join(import.meta.dirname, "..");
const { files }: { readonly files: readonly string[] } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
);

/** Whether the package holds a file: it is listed, or is a page or an image of docs. */
const isPacked = (path: string) =>
  files.includes(path) ||
  (files.includes("docs/**/*.md") && /^docs\/.*\.md$/.test(path)) ||
  (files.includes("docs/img/*.png") && /^docs\/img\/[^/]+\.png$/.test(path));

describe("README as the package brings it", () => {
  const paths = linksOf("README.md").map(({ path }) => path);

  it.each(paths)("leads to %s, a file that the package holds", (path) => {
    expect(existsSync(join(root, path))).toBe(true);
    expect(statSync(join(root, path)).isFile()).toBe(true);
    expect(isPacked(path)).toBe(true);
  });
});
