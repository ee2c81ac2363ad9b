// The quickstart begins, and stops on Ctrl-C. quickstart.slow.test.ts runs the whole of it.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { typed } from "./fixtures/typed-fixture.ts";

const out = mkdtempSync(join(tmpdir(), "rampart-quickstart-"));
afterAll(() => rmSync(out, { recursive: true }));

it("the quickstart stops after a step, and says how to go on", { timeout: 300_000 }, async () => {
  const { code, err } = await typed(["quickstart", "--out", out], "1 of 6: training standard");
  expect(err).toContain("stopped; finished work is kept, and the same command continues it");
  expect(code).toBe(130);
  expect(existsSync(join(out, "standard", "config.json"))).toBe(true);
});
