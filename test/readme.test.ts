import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const read = (name: string) => readFileSync(join(root, name), "utf8");
const { files }: { readonly files: readonly string[] } = JSON.parse(read("package.json"));

/** Whether the package holds a file: it is listed, or is a page of docs. */
const isPacked = (path: string) =>
  files.includes(path) || (files.includes("docs/**/*.md") && /^docs\/.*\.md$/.test(path));

describe("README as the package brings it", () => {
  const links = [...read("README.md").matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, to]) => to);
  const local = links.filter((to) => !/^https?:/.test(to));

  it.each(local)("links to %s, a file that the package holds", (path) => {
    expect(existsSync(join(root, path))).toBe(true);
    expect(statSync(join(root, path)).isFile()).toBe(true);
    expect(isPacked(path)).toBe(true);
  });

  it("has no images but those of other sites", () => {
    expect(read("README.md")).not.toMatch(/!\[[^\]]*\]\((?!https:)/);
  });
});
