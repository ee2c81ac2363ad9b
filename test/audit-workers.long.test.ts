// Audits whose attacks run in several processes: the same rows, images and results as in one. SLOW=1 adds a failure.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noQueue, TestRedis } from "./fixtures/redis.ts";
import { start, stopAll } from "./fixtures/sweeps.ts";
import { typed } from "./fixtures/typed-fixture.ts";

const work = mkdtempSync(join(tmpdir(), "rampart-audit-workers-"));
const model = join(work, "run", "model.onnx");
const single = join(work, "single");

/** Radii at which some images are proven and some are broken. */
const words = (out: string) =>
  `audit ${model} --data shapes --examples 10 --batch 2 --budget quick --norms linf --epsilon-linf 0.0002,0.3 --threads 1 --out ${out} --prove --prove-seconds 30 --save-examples 3`.split(
    " ",
  );

/** The rows without seconds and checksums, which depend on them. */
const rowsIn = (out: string) =>
  readFileSync(join(out, "rows.jsonl"), "utf8").replaceAll(/"seconds":[^,]*,"crc":"\w+"/g, "");
const imagesIn = (out: string) => readFileSync(join(out, "rows.examples.npz")).toString("base64");
/** The summary without seconds, and without proofs, which a time limit ends. */
function summaryIn(out: string) {
  const summary = JSON.parse(readFileSync(join(out, "summary.json"), "utf8"), (name, value) =>
    name === "seconds" ? 0 : value,
  );
  return { ...summary, proofs: null };
}
function expectSame(out: string) {
  expect(rowsIn(out).split("\n").length).toBe(rowsIn(single).split("\n").length);
  expect(rowsIn(out) === rowsIn(single)).toBe(true);
  expect(imagesIn(out) === imagesIn(single)).toBe(true);
  expect(summaryIn(out)).toEqual(summaryIn(single));
}

beforeAll(async () => {
  const training = ["--defense", "standard", "--model", "mlp-small", "--data", "shapes"];
  const size = ["--recipe", "short", "--epochs", "3", "--examples", "512"];
  const trained = await typed(["train", ...training, ...size, "--out", join(work, "run")]);
  expect(trained.code, trained.err).toBe(0);
  const { code, text } = await start(words(single)).ended;
  expect(code, text).toBe(0);
  expect(/"objective":"proven"/.test(rowsIn(single))).toBe(true);
}, 120_000);

afterAll(() => {
  stopAll();
  rmSync(work, { recursive: true, force: true });
});

describe("an audit", { timeout: 120_000 }, () => {
  it("by two workers gives the bytes of one process, also from where that was killed", async () => {
    const out = join(work, "resumed");
    mkdirSync(out);
    for (const file of ["rows.settings.json", "rows.examples.npz"])
      cpSync(join(single, file), join(out, file));
    const lines = readFileSync(join(single, "rows.jsonl"), "utf8").split("\n");
    writeFileSync(join(out, "rows.jsonl"), `${lines.slice(0, 25).join("\n")}\n`);
    const { code, text } = await start([...words(out), "--workers", "2", "--resume"]).ended;
    expect(code, text).toBe(0);
    expectSame(out);
    expect(existsSync(join(out, "parts"))).toBe(false);
  });

  it.skipIf(process.env.SLOW !== "1")(
    "ends with the reason for which a worker cannot go on",
    async () => {
      const out = join(work, "refused");
      const [first, ...others] = words(out);
      const changed = [first, ...others, "--workers", "2"];
      // The workers find another model in the place of the one that the audit has opened.
      const { code, err } = await new Promise<{ code: number; err: string }>((resolve) => {
        const running = typed(changed, undefined, (chunk) => {
          if (chunk.includes("proving"))
            writeFileSync(model, readFileSync(join(work, "other.onnx")));
        });
        cpSync(model, join(work, "kept.onnx"));
        const bytes = readFileSync(model);
        bytes[bytes.length - 5] ^= 1;
        writeFileSync(join(work, "other.onnx"), bytes);
        resolve(running);
      });
      cpSync(join(work, "kept.onnx"), model);
      expect(err).toContain("differs from the model of the audit");
      expect(code).toBe(2);
    },
  );
});

describe.skipIf(noQueue !== undefined)(
  `an audit by way of a queue${noQueue === undefined ? "" : ` (skipped: ${noQueue})`}`,
  { timeout: 120_000 },
  () => {
    it("waits for workers, and gives the bytes of one process", async () => {
      const folder = join(work, "redis");
      mkdirSync(folder);
      const redis = await TestRedis.start(folder, false);
      try {
        const out = join(work, "queued");
        const audit = start([...words(out), "--queue", redis.url]);
        while (!existsSync(join(out, "parts", "control", "queue"))) await sleep(50);
        const store = ["--store", join(out, "parts"), "--queue", redis.url];
        const worker = start(["worker", ...store, "--until-done"]);
        const { code, text } = await audit.ended;
        expect(code, text).toBe(0);
        expect(text).toContain(`rampart worker --store ${join(out, "parts")}`);
        expectSame(out);
        // The worker looks for new cells once a minute, and does not wait for that once all are done.
        const ended = await Promise.race([worker.ended, sleep(40_000, null)]);
        expect(ended?.code).toBe(0);
      } finally {
        await redis.stop();
      }
    });
  },
);
