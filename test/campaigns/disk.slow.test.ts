// A disk that is full says so, leaves nothing that is in the way, and lets the command go on once there is space.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { canMount, mount, rampart, remounted } from "./kill.ts";
import { modelTraining, worksOn } from "./works.ts";

const bin = join(import.meta.dirname, "..", "..", "bin", "rampart.js");
const base = mkdtempSync(join(tmpdir(), "rampart-disk-"));
const model = join(base, "model");
const disk = join(base, "disk");
const works = worksOn(model);
const workOf = (name: string) => {
  const found = works.find((work) => work.name === name);
  if (found === undefined) throw new Error(`there is no work ${name}`);
  return found;
};

/** Kibibytes of the disk, and how many of them are taken already. SLOW=1 tries all of them. */
const disks = [
  { size: 4, taken: 4 },
  { size: 12, taken: 0 },
  { size: 4, taken: 0 },
  { size: 32, taken: 0 },
].slice(0, process.env.SLOW === "1" ? 4 : 2);

const reason = canMount() ? "" : " (skipped: only root may mount a small disk)";

describe.runIf(canMount())(`a full disk${reason}`, () => {
  const truths = new Map<string, string>();
  beforeAll(async () => {
    expect((await rampart(bin, modelTraining(model))).code).toBe(0);
    for (const name of ["train", "evaluate"]) {
      const folder = join(base, name);
      mkdirSync(folder);
      expect((await rampart(bin, workOf(name).words(folder))).code).toBe(0);
      truths.set(name, workOf(name).results(folder));
    }
    mkdirSync(disk);
  }, 300_000);
  afterAll(() => rmSync(base, { recursive: true }));
  afterEach(() => void spawnSync("umount", [disk]));

  describe.each(disks)("of $size KiB, $taken of them taken", ({ size, taken }) => {
    beforeEach(() => {
      expect(mount("-t", "tmpfs", "-o", `size=${size}k`, "tmpfs", disk)).toBe(true);
      writeFileSync(join(disk, "filler"), new Uint8Array(1024 * taken));
    });

    it.each(["train", "evaluate"])(
      "ends %s with code 2, and with the same bits afterwards",
      {
        timeout: 300_000,
      },
      async (name) => {
        const first = await rampart(bin, workOf(name).words(disk));
        expect(first.said).toContain("no space left on the device; free some");
        expect(first.code).toBe(2);
        const left = readdirSync(disk, { recursive: true, encoding: "utf8" });
        expect(left.filter((path) => /lease|partial/.test(path))).toEqual([]);

        expect(remounted(disk, "rw,size=64m")).toBe(true);
        const second = await rampart(bin, workOf(name).again(disk));
        expect(second.said).not.toContain("in use");
        expect(second.code).toBe(0);
        expect(workOf(name).results(disk)).toBe(truths.get(name));
      },
    );
  });
});
