// Checks that Redis fits a queue: it is reachable, new enough, and does not evict keys.
import { messageOf } from "../../math/message-of.ts";
import { UsageError } from "../../math/usage-error.ts";
import type { BullModule, RedisClient, RedisModule } from "./bull-types.ts";

/** The oldest version of Redis that BullMQ supports. */
const MIN_VERSION: readonly [number, number] = [6, 2];

/** The versions of the optional packages that this version of rampart is tested with. */
const PACKAGES = "bullmq@6.7.0 ioredis@6.0.0";

/** The optional packages. Throws `UsageError` (`unavailable`) if they are not installed. */
export async function queuePackages(): Promise<{
  readonly bull: BullModule;
  readonly redis: RedisModule;
}> {
  try {
    // The names are in variables because the types of an optional peer may be missing.
    const [bull, redis]: readonly string[] = ["bullmq", "ioredis"];
    return { bull: await import(bull), redis: await import(redis) };
  } catch (cause) {
    throw new UsageError("--queue needs two packages that are not installed", {
      code: "unavailable",
      cause,
      next: `npm install ${PACKAGES}, or use a store without a queue`,
    });
  }
}

/** A URL without its password. */
export function shownUrl(url: string): string {
  const parsed = new URL(url);
  if (parsed.password !== "") parsed.password = "…";
  return decodeURI(parsed.href);
}

/** Throws `UsageError` unless the text is a URL of Redis. */
export function requireRedisUrl(url: string): void {
  const { protocol } = URL.canParse(url) ? new URL(url) : { protocol: "" };
  if (protocol !== "redis:" && protocol !== "rediss:")
    throw new UsageError(`--queue is ${JSON.stringify(url)}, which is not a Redis URL`, {
      code: "bad-option",
      next: "for example: --queue redis://127.0.0.1:6379",
    });
}

/** The value of a line of INFO; empty if there is none. */
const infoOf = (info: string, name: string): string =>
  new RegExp(`^${name}:(.*)$`, "m").exec(info)?.[1].trim() ?? "";

/** Throws `UsageError` for a Redis that is too old, or that may drop jobs when memory is short. */
export function requireRedis(info: string, url: string): void {
  const version = infoOf(info, "redis_version");
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [needMajor, needMinor] = MIN_VERSION;
  if (major < needMajor || (major === needMajor && minor < needMinor))
    throw new UsageError(
      `Redis at ${shownUrl(url)} is version ${version}, and the queue needs ${needMajor}.${needMinor} or newer`,
      { code: "unavailable", next: "upgrade it, or use a store without a queue" },
    );
  const policy = infoOf(info, "maxmemory_policy");
  if (policy !== "noeviction")
    throw new UsageError(
      `Redis at ${shownUrl(url)} may drop jobs when its memory is full: its maxmemory-policy is ${policy}`,
      {
        code: "misfit",
        next: "set it to noeviction: redis-cli config set maxmemory-policy noeviction",
      },
    );
}

/** Seconds to wait for the first connection. */
const CONNECT_SECONDS = 5;

/** Connects once, and checks the server. Throws `UsageError`. */
export async function checkRedis({ Redis }: RedisModule, url: string): Promise<void> {
  requireRedisUrl(url);
  let failure: Error | undefined;
  const client: RedisClient = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 1000 * CONNECT_SECONDS,
    maxRetriesPerRequest: 1,
    retryStrategy: null,
  });
  client.on("error", (error) => {
    failure = error;
  });
  try {
    await client.connect();
    requireRedis(`${await client.info("server")}\n${await client.info("memory")}`, url);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      `Redis at ${shownUrl(url)} cannot be used: ${messageOf(failure ?? error)}`,
      { code: "unavailable", cause: error, next: "start it, or correct --queue" },
    );
  } finally {
    client.disconnect();
  }
}
