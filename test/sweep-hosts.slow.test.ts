// One store on two hosts and two ranks of MPI, and a store that is full or read-only for a while: a minute with SLOW=1, else seconds.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  childrenOf,
  committed,
  ownerOf,
  results,
  start,
  stopAll,
  until,
} from "./fixtures/sweeps.ts";

const work = mkdtempSync(join(tmpdir(), "rampart-hosts-"));
const plan = join(work, "plan.json");
const single = join(work, "single");
const mounts: string[] = [];

/** Milliseconds for which a store is away. */
const AWAY = process.env.SLOW === "1" ? 60_000 : 2000;

const runs = (program: string, ...words: string[]) => spawnSync(program, words).status === 0;
const isRoot = process.getuid?.() === 0;
const namespaces = ["--uts", "--pid", "--fork", "--mount-proc"];

/** Why a second host cannot be imitated; undefined if it can. */
function noHosts(): string | undefined {
  if (!isRoot) return "needs root";
  if (!runs("faketime", "-f", "+10m", "true")) return "faketime is not installed";
  return runs("unshare", ...namespaces, "true") ? undefined : "unshare is not permitted here";
}

/** Why no disk can be filled or made read-only; undefined if one can. */
function noMounts(): string | undefined {
  if (!isRoot) return "needs root";
  const tried = join(work, "tried");
  mkdirSync(tried);
  if (!runs("mount", "-t", "tmpfs", "tmpfs", tried)) return "mount is not permitted here";
  spawnSync("umount", ["-l", tried]);
  return undefined;
}

const skipped = (why: string | undefined) => (why === undefined ? "" : ` (skipped: ${why})`);
const mpi = runs("mpirun", "--version") ? undefined : "mpirun is not installed";
const [hosts, disks] = [noHosts(), noMounts()];

/** Mounts something on a folder until the tests end. */
function mount(folder: string, ...words: string[]): void {
  const { status, stderr } = spawnSync("mount", [...words, folder]);
  expect(status, stderr.toString()).toBe(0);
  mounts.push(folder);
}

writeFileSync(
  plan,
  JSON.stringify({
    images: 8,
    train: [
      {
        options: {
          model: "mlp-small",
          data: "shapes",
          recipe: "short",
          epochs: 2,
          examples: 64,
          steps: 2,
        },
        grid: { defense: ["at-linf", "standard"] },
      },
    ],
    evaluate: [{ options: { attacks: ["pgd-linf"], steps: 2, examples: 16, batch: 2 } }],
  }),
);

afterAll(() => {
  stopAll();
  for (const folder of mounts.reverse()) spawnSync("umount", ["-l", folder]);
  rmSync(work, { recursive: true, force: true });
});

describe("a store", { timeout: 300_000 }, () => {
  beforeAll(async () => {
    const { code, text } = await start(["sweep", plan, "--store", single]).ended;
    expect(code, text).toBe(0);
  }, 300_000);

  it.skipIf(hosts !== undefined)(
    `is shared by hosts whose clocks are ten minutes apart, one of which dies${skipped(hosts)}`,
    async () => {
      const store = join(work, "hosts");
      const words = ["sweep", plan, "--store", store, "--patience", "3"];
      const here = start(words);
      const killed = await ownerOf(store, []);
      // A child that has not begun yet still has the command line of its parent.
      const isCell = (pid: number) =>
        readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("node-main");
      await until("the process of a cell", () => childrenOf(killed).some(isCell));
      const computing = childrenOf(killed).find(isCell) ?? 0;
      process.kill(computing, "SIGSTOP");
      // The clock is set outside: faketime needs a process number that no other namespace has.
      const other = ["-f", "+10m", "unshare", ...namespaces, "sh", "-c"];
      const command = 'hostname other-host; exec "$@"';
      const there = start(words, ["faketime", ...other, command, "sh", process.execPath]);
      // The other host cannot see whether this one's process lives. It leaves the cell alone, whose counter goes on counting.
      const done = () => {
        if (there.child.exitCode !== null) throw new Error(there.text());
        return committed(store);
      };
      await until("the cells that do not need this one", () => done() >= 3);
      await sleep(4000);
      expect(done()).toBe(3);
      process.kill(killed, "SIGKILL");
      process.kill(computing, "SIGKILL");
      const { code, text } = await there.ended;
      expect(code, text).toBe(0);
      expect(text).toContain(`process ${killed} on`);
      expect(text).toContain("was killed, or made no progress for too long");
      await here.ended;
      expect(results(store)).toEqual(results(single));
    },
  );

  it.skipIf(disks !== undefined)(
    `that is full and then read-only for a while loses nothing, and messages say what happened${skipped(disks)}`,
    async () => {
      const disk = join(work, "disk");
      mkdirSync(disk);
      mount(disk, "-t", "tmpfs", "-o", "size=32m", "tmpfs");
      const [store, filler] = [join(disk, "store"), join(disk, "filler")];
      const sweep = start(["sweep", plan, "--store", store]);
      const told = (words: string) => {
        if (sweep.child.exitCode !== null) throw new Error(sweep.text());
        return sweep.text().includes(words);
      };
      await ownerOf(store, []);
      spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=64k"]);
      await until("a message", () => told("no space left on the device"));
      await sleep(AWAY);
      rmSync(filler);
      await until("the store", () => told("the store is back"));
      // A file system with open files cannot be made read-only, but its folder can be mounted again over itself.
      mount(store, "--bind", store);
      mount(store, "-o", "remount,bind,ro");
      await until("a message", () => told("the file system is read-only"));
      await sleep(AWAY);
      spawnSync("umount", ["-l", store]);
      const { code, text } = await sweep.ended;
      expect(code, text).toBe(0);
      expect(text.split("the store is back")).toHaveLength(3);
      expect(results(store)).toEqual(results(single));
    },
  );

  it.skipIf(mpi !== undefined)(`is filled by two ranks of MPI${skipped(mpi)}`, async () => {
    const store = join(work, "mpi");
    const ranks = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2", process.execPath];
    const words = ["sweep", plan, "--store", store, "--shard", "auto"];
    const { code, text } = await start(words, ranks).ended;
    expect(code, text).toBe(0);
    expect(results(store)).toEqual(results(single));
  });
});
