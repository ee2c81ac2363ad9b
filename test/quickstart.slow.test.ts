// The quickstart gives the table that docs/first-run.md shows.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readPage, root } from "./fixtures/docs.ts";

/** A cell of the table, in percent. */
interface Cell {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

const models = ["standard", "at-linf", "rat-linf-uniform"] as const;
const columns = ["clean", "pgd-linf", "pgd-l2", "union"] as const;

/** The row of a model: `| \`at-linf\` | 92.5 % [88.0–95.4] | …`. */
function statedRow(model: string): Cell[] {
  const line = readPage("docs/first-run.md")
    .split("\n")
    .find((text) => text.startsWith(`| \`${model}\` |`));
  const cells = [...(line ?? "").matchAll(/([\d.]+) % \[([\d.]+)–([\d.]+)\]/g)];
  return cells.map(([, ...numbers]) => {
    const [mean, low, high] = numbers.map(Number);
    return { mean, low, high };
  });
}

const out = mkdtempSync(join(tmpdir(), "rampart-quickstart-"));
afterAll(() => rmSync(out, { recursive: true }));

const rampart = (...words: readonly string[]) =>
  spawnSync(process.execPath, [join(root, "bin/rampart.js"), ...words], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });

describe("rampart quickstart", () => {
  beforeAll(() => {
    const { status, stderr } = rampart("quickstart", "--out", out);
    expect(status, stderr.slice(-2000)).toBe(0);
  }, 1_200_000);

  it("writes a report", () => {
    expect(statSync(join(out, "report.html")).size).toBeGreaterThan(50_000);
  });

  // Other processors round differently, which may change single images; the intervals are several images wide.
  it.each(models)(
    "leaves %s the accuracies that the page shows, within their intervals",
    (model) => {
      const { stdout } = rampart("report", join(out, `${model}.jsonl`), "--format", "json");
      const { accuracies }: { readonly accuracies: readonly Accuracy[] } = JSON.parse(stdout);
      const found = columns.map((column) => {
        const one = accuracies.find(({ kind, attack }) => kind === column || attack === column);
        return 100 * (one?.accuracy ?? Number.NaN);
      });
      const stated = statedRow(model);
      expect(stated).toHaveLength(columns.length);
      for (const [i, { low, high }] of stated.entries()) {
        expect(found[i], columns[i]).toBeGreaterThanOrEqual(low);
        expect(found[i], columns[i]).toBeLessThanOrEqual(high);
      }
    },
  );
});

/** One record of `report --format json`, as far as it is read here. */
interface Accuracy {
  readonly kind: string;
  readonly attack: string | null;
  readonly accuracy: number;
}
