import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { leaseReproduction, writeProduct } from "./node.ts";

let out = "";
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), "rampart-product-"));
});
afterEach(() => rmSync(out, { recursive: true }));

const product = {
  name: "table9",
  data: [],
  text: "",
  files: { "table9.json": "[]\n", "table9.md": "nine" },
};

describe("the files of a reproduction", () => {
  it("are written under the lease of their folder, one after another", async () => {
    const lease = await leaseReproduction({ out });
    await expect(leaseReproduction({ out })).rejects.toMatchObject({ code: "in-use" });
    const paths = [];
    for await (const path of writeProduct(product, out, lease)) paths.push(path);
    await lease.release();
    expect(paths).toEqual([join(out, "table9.json"), join(out, "table9.md")]);
    expect(readFileSync(join(out, "table9.md"), "utf8")).toBe("nine");
    expect(readdirSync(out).sort()).toEqual(["table9.json", "table9.md"]);
  });

  it("end with the file before the one that another process has taken the folder over for", async () => {
    const lease = await leaseReproduction({ out });
    const paths = writeProduct(product, out, lease);
    await paths.next();
    writeFileSync(join(out, "lease.2"), "");
    await expect(paths.next()).rejects.toMatchObject({ code: "in-use" });
    expect(existsSync(join(out, "table9.md"))).toBe(false);
    await lease.release();
  });
});
