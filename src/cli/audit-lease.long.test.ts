import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { good, place, removeFolder, typed, words } from "../../test/fixtures/audit-fixture.ts";
import { leaseWork } from "../files/lease/node.ts";

afterAll(removeFolder);

describe("the folder of an audit", () => {
  it("belongs to one process at a time", async () => {
    const out = place();
    const other = await leaseWork({ prefix: join(out, "lease"), owned: out, remedy: "wait" });
    const { code, err } = await typed(words(good, out));
    expect(err).toContain(`${out} is in use by process ${process.pid}`);
    expect(code).toBe(2);
    await other.release();
    expect(readdirSync(out)).toEqual([]);
  });

  it("gets no summary from an audit that another process has taken over", async () => {
    const out = place();
    mkdirSync(out);
    const running = typed(words(good, out));
    while (!existsSync(join(out, "rows.jsonl"))) await sleep(1);
    writeFileSync(join(out, "lease.2"), "");
    const { code, err } = await running;
    expect(err).toContain(`another process has taken over ${out}`);
    expect(code).toBe(2);
    expect(readdirSync(out)).not.toContain("summary.json");
    expect(readdirSync(out)).not.toContain("report.html");
  });

  it("holds no lease after an audit", async () => {
    const out = place();
    expect((await typed(words(good, out))).code).toBe(0);
    expect(readdirSync(out).filter((name) => name.includes("lease"))).toEqual([]);
  });
});
