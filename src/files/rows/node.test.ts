import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { rowWith } from "../../../test/fixtures/rows-fixture.ts";
import { readRowsFile } from "../../report/node.ts";
import { rowLine } from "../row-lines.ts";
import { appendRows, readRowsText, truncateRows } from "./node.ts";
import { requireUnpacked } from "./rows-file.ts";

const rows = '{"index":0}\n{"index":1}\n';
const place = () => join(mkdtempSync(join(tmpdir(), "rows-")), "a.jsonl");

describe("rows packed by gzip", () => {
  it("are read under the packed name and under the plain one", async () => {
    const path = place();
    writeFileSync(`${path}.gz`, gzipSync(rows));
    expect(await readRowsText(path)).toBe(rows);
    expect(await readRowsText(`${path}.gz`)).toBe(rows);
  });

  it("give way to the plain file where both exist", async () => {
    const path = place();
    writeFileSync(`${path}.gz`, gzipSync(rows));
    writeFileSync(path, "later\n");
    expect(await readRowsText(path)).toBe("later\n");
    await appendRows(path, "last\n");
    expect(readFileSync(path, "utf8")).toBe("later\nlast\n");
  });

  it("are unpacked once, byte for byte, before a row is appended", async () => {
    const path = place();
    writeFileSync(`${path}.gz`, gzipSync(rows));
    await appendRows(path, "next\n");
    expect(readFileSync(path, "utf8")).toBe(`${rows}next\n`);
  });

  it("are unpacked before they are cut", async () => {
    const path = place();
    writeFileSync(`${path}.gz`, gzipSync(rows));
    await truncateRows(path, 12);
    expect(readFileSync(path, "utf8")).toBe(rows.slice(0, 12));
  });

  it("cannot take new rows", () => {
    expect(() => requireUnpacked("a.jsonl.gz")).toThrow("leave .gz out of the name");
    requireUnpacked("a.jsonl");
  });

  it("are missing where neither file exists", async () => {
    const path = place();
    expect(await readRowsText(path)).toBeNull();
    expect(existsSync(path)).toBe(false);
  });

  it("are refused where they are cut off", async () => {
    const path = place();
    writeFileSync(`${path}.gz`, gzipSync(rows).subarray(0, 20));
    await expect(readRowsText(path)).rejects.toMatchObject({ code: "bad-file" });
  });

  it("have their settings and images beside them under the plain name", async () => {
    const path = place();
    writeFileSync(`${path}.gz`, gzipSync(rowLine(rowWith({}))));
    writeFileSync(path.replace(".jsonl", ".settings.json"), "{}");
    expect((await readRowsFile(`${path}.gz`)).settings).toBe("{}");
    expect((await readRowsFile(path)).settings).toBe("{}");
  });
});
