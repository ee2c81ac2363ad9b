// A queue of cells on Redis. The queue suggests the next cells, and may lose all jobs: only the store decides which
// cells are done.
import { randomUUID } from "node:crypto";
import type { Cell } from "../cell.ts";
import type { Store } from "../store/store.ts";
import type { BullQueue, RedisClient } from "./bull-types.ts";
import { checkRedis, queuePackages, shownUrl } from "./node-redis.ts";

/** The file of a store that names its queue, so that stores may share a Redis. */
const QUEUE_FILE = "control/queue";

/** The name of a store's queue, created at the first request. */
export async function queueName(store: Store): Promise<string> {
  await store.create(QUEUE_FILE, `rampart-${randomUUID()}`);
  return new TextDecoder().decode((await store.read(QUEUE_FILE)) ?? new Uint8Array());
}

/** The number of jobs that are added at once. */
const BULK = 500;

/** BullMQ's priorities go from 1, the most urgent, to 2²¹. A job without a priority would come before all others. */
const bullPriority = (priority: number): number =>
  Math.min(2 ** 21, Math.max(1, 2 ** 20 - priority));

/** The queue of a store. */
export class CellQueue {
  readonly url: string;
  readonly name: string;
  readonly #queue: BullQueue;
  readonly #client: RedisClient;

  private constructor(url: string, name: string, queue: BullQueue, client: RedisClient) {
    this.url = url;
    this.name = name;
    this.#queue = queue;
    this.#client = client;
  }

  /** Connects. Throws `UsageError` for a Redis that is unreachable, too old, or evicting. */
  static async open(url: string, store: Store, note: (text: string) => void): Promise<CellQueue> {
    const { bull, redis } = await queuePackages();
    await checkRedis(redis, url);
    const name = await queueName(store);
    const client = new redis.Redis(url, { maxRetriesPerRequest: null, retryStrategy: retryPause });
    let told = false;
    const problem = (error: Error) => {
      if (!told)
        note(`the queue at ${shownUrl(url)} is unavailable: ${error.message}; trying again`);
      told = true;
    };
    client.on("error", problem);
    client.on("ready", () => {
      if (told) note("the queue is back");
      told = false;
    });
    const queue = new bull.Queue(name, { connection: client });
    queue.on("error", problem);
    return new CellQueue(url, name, queue, client);
  }

  /** Adds ready cells. A cell that is already in the queue is not changed. */
  async add(cells: readonly Cell[]): Promise<void> {
    for (let from = 0; from < cells.length; from += BULK)
      await this.#queue.addBulk(
        cells.slice(from, from + BULK).map(({ key, priority }) => ({
          name: "cell",
          data: {},
          opts: {
            jobId: key,
            priority: bullPriority(priority),
            removeOnComplete: true,
            removeOnFail: true,
          },
        })),
      );
  }

  /** Whether no job waits for a worker. */
  async isEmpty(): Promise<boolean> {
    const counts = await this.#queue.getJobCounts("waiting", "prioritized", "delayed");
    return Object.values(counts).every((count) => count === 0);
  }

  async close(): Promise<void> {
    await this.#queue.close().catch(() => undefined);
    this.#client.disconnect();
  }
}

/** Milliseconds until the next attempt to connect. */
export const retryPause = (times: number): number => Math.min(2000, 200 * times);
