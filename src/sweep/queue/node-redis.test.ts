import { describe, expect, it } from "vitest";
import { memoryStore } from "../store/memory.ts";
import { CellQueue } from "./node.ts";
import { requireRedis, requireRedisUrl, shownUrl } from "./node-redis.ts";

const info = (version: string, policy: string) =>
  `# Server\r\nredis_version:${version}\r\nredis_mode:standalone\r\n# Memory\r\nmaxmemory_policy:${policy}\r\n`;

const problem = (action: () => void): unknown => {
  try {
    action();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return undefined;
};

const url = "redis://:secret@10.0.0.1:6379";

describe("Redis", () => {
  it.each(["6.2.0", "6.2.14", "7.0.15", "8.0.0", "10.1.2"])("%s is new enough", (version) => {
    expect(problem(() => requireRedis(info(version, "noeviction"), url))).toBeUndefined();
  });

  it.each(["5.0.14", "6.0.16", "6.1.9", "3.2.0"])("%s is refused as too old", (version) => {
    expect(problem(() => requireRedis(info(version, "noeviction"), url))).toBe("unavailable");
  });

  it.each(["allkeys-lru", "volatile-ttl"])("that evicts by %s is refused", (policy) => {
    expect(problem(() => requireRedis(info("7.0.0", policy), url))).toBe("misfit");
  });

  it("is named in messages without its password", () => {
    expect(shownUrl(url)).not.toContain("secret");
    expect(() => requireRedis(info("5.0.0", "noeviction"), url)).toThrow(/^(?!.*secret).*5\.0\.0/);
  });

  it.each(["localhost:6379", "http://a", "", "redis"])("has no URL like %j", (text) => {
    expect(problem(() => requireRedisUrl(text))).toBe("bad-option");
  });

  it("that nobody runs is refused after a few seconds at most", async () => {
    const opening = CellQueue.open("redis://127.0.0.1:1", memoryStore(), () => undefined);
    await expect(opening).rejects.toMatchObject({ code: "unavailable" });
  });
});
