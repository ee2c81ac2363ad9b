// In which order a real Redis gives out cells.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Queue } from "bullmq";
import { describe, expect, it } from "vitest";
import { noQueue, TestRedis } from "../../../test/fixtures/redis.ts";
import type { Cell } from "../cell.ts";
import { memoryStore } from "../store/memory.ts";
import { CellQueue, queueName } from "./node.ts";

const cell = (key: string, priority: number): Cell => ({ key, priority }) as unknown as Cell;

describe.skipIf(noQueue !== undefined)(
  `a queue${noQueue === undefined ? "" : ` (skipped: ${noQueue})`}`,
  () => {
    it("gives out cells of a higher priority first, and those of one priority in their order", async () => {
      const folder = mkdtempSync(join(tmpdir(), "rampart-queue-"));
      const redis = await TestRedis.start(folder, false);
      const store = memoryStore();
      const queue = await CellQueue.open(redis.url, store, (text) => console.error(text));
      const connection = { host: "127.0.0.1", port: redis.port };
      const bull = new Queue(await queueName(store), { connection });
      try {
        const cells = [cell("a", 0), cell("b", -3), cell("c", 5), cell("d", 0), cell("e", 2 ** 30)];
        await queue.add(cells);
        await queue.add([cell("a", 9)]);
        const jobs = await bull.getPrioritized();
        expect(jobs.map(({ id }) => id)).toEqual(["e", "c", "a", "d", "b"]);
      } finally {
        await bull.close();
        await queue.close();
        await redis.stop();
        rmSync(folder, { recursive: true, force: true });
      }
    });
  },
);
