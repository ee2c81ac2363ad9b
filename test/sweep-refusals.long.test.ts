// What a user of sweeps gets wrong: each ends with exit code 2 and a sentence that says what, before anything is computed.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noQueue, TestRedis } from "./fixtures/redis.ts";
import { typed } from "./fixtures/typed-fixture.ts";

const work = mkdtempSync(join(tmpdir(), "rampart-sweep-refusals-"));
const plan = join(work, "plan.json");
const options = { model: "mlp-small", data: "shapes", defense: "at-linf", recipe: "short" };

/** Writes a plan and returns its path. */
function planOf(name: string, contents: unknown): string {
  const path = join(work, name);
  writeFileSync(path, typeof contents === "string" ? contents : JSON.stringify(contents));
  return path;
}

/** A new store that holds the plan and no result. */
async function planned(name: string): Promise<string> {
  const store = join(work, name);
  expect((await typed(["sweep", plan, "--store", store, "--drain"])).code).toBe(0);
  const { code, err } = await typed(["sweep", plan, "--store", store, "--shard", "0/1"]);
  expect(code, err).toBe(0);
  return store;
}

/** Exit code and messages of a command. */
async function refused(...words: readonly string[]): Promise<string> {
  const { code, err } = await typed(words);
  expect(code, err).toBe(2);
  return err;
}

/** Changes the only file in a folder of a store. */
function change(folder: string, pattern: RegExp, text: string): void {
  const [name] = readdirSync(folder).filter((one) => one.endsWith(".json"));
  const path = join(folder, name);
  writeFileSync(path, readFileSync(path, "utf8").replaceAll(pattern, text));
}

beforeAll(() => {
  planOf("plan.json", { train: [{ options }] });
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe("a sweep is refused", { timeout: 120_000 }, () => {
  it.each<[string, unknown, RegExp]>([
    ["with an unknown option", { train: [{ options: { ...options, epoch: 3 } }] }, /epoch/],
    ["with an unknown option of its grid", { train: [{ options, grid: { lr: [1] } }] }, /\blr\b/],
    ["with an unknown step", { trains: [{ options }] }, /trains/],
    ["with an empty grid", { train: [{ options, grid: { seed: [] } }] }, /seed is an empty list/],
    ["without models", { evaluate: [{}] }, /has no models/],
    [
      "that hardens no file",
      { train: [{ options }], harden: [{ options: { defense: "at-linf" } }] },
      /.onnx files/,
    ],
    ["with an unknown defence", { train: [{ options: { ...options, defense: "x" } }] }, /defense/],
    [
      "with a step about no model",
      { train: [{ options }], evaluate: [{ where: { defense: ["standard"] } }] },
      /where fits no model/,
    ],
    ["with a file that is not there", { models: [{ file: "none.onnx" }] }, /none\.onnx/],
    ["that is not JSON", "{", /is not JSON/],
  ])("%s", async (_, contents, message) => {
    const path = planOf("bad.json", contents);
    expect(await refused("sweep", path, "--store", join(work, "bad"))).toMatch(message);
    expect(readdirSync(work)).not.toContain("bad");
  });

  it("without its plan, its store, or a number of its shard", async () => {
    expect(await refused("sweep", join(work, "no.json"), "--dry-run")).toContain("no.json");
    expect(await refused("sweep", plan)).toContain("--store is missing");
    const impatient = ["sweep", plan, "--store", join(work, "p"), "--patience", "0.5"];
    expect(await refused(...impatient)).toContain("--patience");
    expect(await refused("sweep", "--dry-run", "--store", work)).toContain("give its file");
    const queued = ["sweep", plan, "--store", join(work, "q"), "--queue", "redis://127.0.0.1:1"];
    expect(await refused(...queued, "--table", "t.csv")).toContain("no table yet");
    expect(await refused("sweep", "--status", "--store", join(work, "no"))).toContain(
      "is not a store",
    );
    const sharded = ["sweep", plan, "--store", join(work, "s"), "--shard"];
    for (const shard of ["3/3", "/0", "1", "-1/2"]) await refused(...sharded, shard);
    expect(await refused(...sharded, "auto")).toContain("JOB_COMPLETION_INDEX");
    process.env.JOB_COMPLETION_INDEX = "1";
    try {
      expect(await refused(...sharded, "auto")).toContain("--shard /n");
    } finally {
      delete process.env.JOB_COMPLETION_INDEX;
    }
  });

  it("into a store of another version, a folder with other files, and a file", async () => {
    const store = await planned("newer");
    change(store, /"format":1/g, '"format":2');
    const message = await refused("sweep", plan, "--store", store);
    expect(message).toMatch(/is a store of format 2, and this version of rampart uses format 1/);
    expect(await refused("sweep", "--status", "--store", store)).toContain("format 2");
    expect(await refused("sweep", plan, "--store", work)).toContain("holds other files");
    expect(await refused("sweep", plan, "--store", plan)).toContain("is a file");
  });
});

describe.skipIf(noQueue !== undefined)(
  `a queue is refused${noQueue === undefined ? "" : ` (skipped: ${noQueue})`}`,
  { timeout: 120_000 },
  () => {
    it("that nobody runs, and one whose address is none", async () => {
      const store = await planned("unreachable");
      const url = "redis://127.0.0.1:1";
      expect(await refused("sweep", plan, "--store", store, "--queue", url)).toContain(url);
      expect(await refused("worker", "--store", store, "--queue", url)).toContain("cannot be used");
      expect(await refused("worker", "--store", store, "--queue", "host")).toContain(
        "not a Redis URL",
      );
    });

    it("that evicts, and workers with other code, both versions named", async () => {
      const store = await planned("evicting");
      const folder = join(work, "redis");
      mkdirSync(folder);
      const redis = await TestRedis.start(folder, false, ["--maxmemory-policy", "allkeys-lru"]);
      const words = ["worker", "--store", store, "--until-done", "--queue"];
      try {
        expect(await refused(...words, redis.url)).toMatch(/allkeys-lru;\s+set it to noeviction/);
      } finally {
        await redis.stop();
      }
      const keeping = await TestRedis.start(folder, false);
      try {
        change(join(store, "plans"), /"code":"[^"]*"/g, '"code":"0.0.9-7"');
        expect(await refused(...words, keeping.url)).toMatch(/0\.0\.9-7.*\d+\.\d+\.\d+-\d+/);
      } finally {
        await keeping.stop();
      }
    });

    it("that is too old, both versions named", async () => {
      const info = "redis_version:5.0.7\r\nmaxmemory_policy:noeviction\r\n";
      const server: Server = createServer((socket) => {
        socket.on("error", () => undefined);
        socket.on("data", (data) => {
          // One answer for each command that arrives.
          for (const command of data
            .toString()
            .split(/^\*\d+\r\n/m)
            .slice(1))
            socket.write(/info/i.test(command) ? `$${info.length}\r\n${info}\r\n` : "+OK\r\n");
        });
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const address = server.address();
      const port = typeof address === "object" ? address?.port : 0;
      try {
        const words = ["sweep", plan, "--store", join(work, "old"), "--queue"];
        expect(await refused(...words, `redis://127.0.0.1:${port}`)).toMatch(/5\.0\.7.*6\.2/);
      } finally {
        server.close();
      }
    });
  },
);
