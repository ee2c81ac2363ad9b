// Sweeps lose nothing: workers are killed and stopped, and their queue is restarted without persistence, and with it under SLOW=1.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noQueue, TestRedis } from "./fixtures/redis.ts";
import { isSlow } from "./fixtures/slow.ts";
import { childrenOf, ownerOf, results, start, stopAll, until } from "./fixtures/sweeps.ts";

const work = mkdtempSync(join(tmpdir(), "rampart-sweep-"));
const plan = join(work, "plan.json");

afterAll(() => {
  stopAll();
  rmSync(work, { recursive: true, force: true });
});

writeFileSync(
  plan,
  JSON.stringify({
    name: "killing",
    images: 8,
    report: true,
    train: [
      {
        options: {
          model: "mlp-small",
          data: "shapes",
          recipe: "short",
          epochs: 4,
          examples: 256,
          batch: 16,
          steps: 3,
        },
        grid: { defense: ["at-linf", "ni-normal"] },
      },
    ],
    evaluate: [
      { options: { attacks: ["none", "pgd-linf"], steps: 2, examples: 16, batch: 2, eot: [2] } },
    ],
  }),
);

const single = join(work, "single");

beforeAll(async () => {
  const { code, text } = await start(["sweep", plan, "--store", single]).ended;
  expect(code, text).toBe(0);
}, 300_000);

describe("a sweep", { timeout: 300_000 }, () => {
  it("with two workers gives the same bytes, even if the process of a cell is killed", async () => {
    const store = join(work, "two");
    const sweep = start(["sweep", plan, "--store", store, "--workers", "2"]);
    const pid = await ownerOf(store, []);
    await until("a process of a cell", () => childrenOf(pid).length > 0);
    process.kill(childrenOf(pid)[0], "SIGKILL");
    const { code, text } = await sweep.ended;
    expect(code, text).toBe(0);
    expect(text).toContain("it will be tried again: its process was killed by SIGKILL");
    expect(results(store)).toEqual(results(single));
    expect(readdirSync(join(store, "cells"))).toEqual([]);
  });
});

describe.skipIf(noQueue !== undefined)(
  `a sweep by way of a queue${noQueue === undefined ? "" : ` (skipped: ${noQueue})`}`,
  { timeout: 300_000 },
  () => {
    it.each(isSlow ? [true, false] : [false])(
      "survives workers that are killed and stopped, and a restart of Redis with persistence: %s",
      async (persistent) => {
        const name = persistent ? "persistent" : "forgetful";
        const [store, folder] = [join(work, name), join(work, `${name}-redis`)];
        mkdirSync(folder);
        const redis = await TestRedis.start(folder, persistent);
        try {
          const queued = await start(["sweep", plan, "--store", store, "--queue", redis.url]).ended;
          expect(queued.code, queued.text).toBe(0);
          const words = ["worker", "--store", store, "--queue", redis.url, "--until-done"];
          const workers = Array.from({ length: 3 }, () =>
            start([...words, "--patience", "3", "--rescan", "1"]),
          );
          // Each worker has three: of its queue, of its jobs, and one that waits for them.
          await until("three workers", () => redis.clients() >= 9);
          const killed = await ownerOf(store, []);
          process.kill(killed, "SIGKILL");
          const stopped = await ownerOf(store, [killed]);
          process.kill(stopped, "SIGSTOP");
          await redis.stop();
          await sleep(200);
          await redis.start();
          await sleep(4000);
          process.kill(stopped, "SIGCONT");
          for (const { child, ended } of workers) {
            const { code, text } = await ended;
            if (child.pid !== killed) expect(code, text).toBe(0);
          }
          expect(results(store)).toEqual(results(single));
        } finally {
          await redis.stop();
        }
      },
    );
  },
);
