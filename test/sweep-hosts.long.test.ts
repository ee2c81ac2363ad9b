// One store on two hosts and two ranks of MPI, and a store that is full for a while. Runs with SLOW=1.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { childrenOf, ownerOf, results, start, stopAll, until } from "./fixtures/sweeps.ts";

const work = mkdtempSync(join(tmpdir(), "rampart-hosts-"));
const plan = join(work, "plan.json");
const single = join(work, "single");
const mount = join(work, "mount");

const has = (program: string) => spawnSync(program, ["--version"]).error === undefined;
const isRoot = process.getuid?.() === 0;

/** Why a second host cannot be imitated; undefined if it can. */
function noHosts(): string | undefined {
  if (!isRoot) return "needs root";
  if (!has("unshare") || !has("faketime")) return "unshare and faketime are not installed";
  const tried = spawnSync("unshare", ["--uts", "--pid", "--fork", "--mount-proc", "true"]);
  return tried.status === 0 ? undefined : "unshare is not permitted here";
}

/** Why no disk can be filled; undefined if one can. */
function noMount(): string | undefined {
  if (!isRoot) return "needs root";
  mkdirSync(mount);
  const tried = spawnSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", mount]);
  return tried.status === 0 ? undefined : "mount is not permitted here";
}

const skipped = (why: string | undefined) => (why === undefined ? "" : ` (skipped: ${why})`);
const [hosts, disk, mpi] = [noHosts(), noMount(), has("mpirun") ? undefined : "no mpirun"];

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
          epochs: 3,
          examples: 128,
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
  if (disk === undefined) spawnSync("umount", ["-l", mount]);
  rmSync(work, { recursive: true, force: true });
});

describe.skipIf(process.env.SLOW !== "1")("a store", { timeout: 300_000 }, () => {
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
      const other = ["--uts", "--pid", "--fork", "--mount-proc", "sh", "-c"];
      const command = 'hostname other-host; exec faketime -f +10m "$@"';
      const there = start(words, ["unshare", ...other, command, "sh", process.execPath]);
      // The other host cannot see whether this one's process lives. It leaves the cell alone, whose counter goes on counting.
      const done = () => Object.keys(results(store).results).length;
      await until("the cells that do not need this one", () => done() >= 3);
      await sleep(4000);
      expect(done()).toBe(3);
      process.kill(killed, "SIGKILL");
      process.kill(computing, "SIGKILL");
      const { code, text } = await there.ended;
      expect(code, text).toBe(0);
      await here.ended;
      expect(results(store)).toEqual(results(single));
    },
  );

  it.skipIf(disk !== undefined)(
    `that is full for a while loses nothing, and messages say what happened${skipped(disk)}`,
    async () => {
      const [store, filler] = [join(mount, "store"), join(mount, "filler")];
      const sweep = start(["sweep", plan, "--store", store]);
      await ownerOf(store, []);
      spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=64k"]);
      await until("a message", () => sweep.text().includes("no space left on the device"));
      rmSync(filler);
      const { code, text } = await sweep.ended;
      expect(code, text).toBe(0);
      expect(text).toContain("the store is back");
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
