import { Worker } from "node:worker_threads";
import { afterAll, expect, it } from "vitest";
import { type Key, keyOf, keysFor } from "../math/random.ts";
import { inThreads, ROLE } from "./node.ts";
import { drawn } from "./noise.ts";
import { withPrefetch } from "./prefetch.ts";
import { noiseNamed, noiseNames } from "./table.ts";

const started: Worker[] = [];
afterAll(() => Promise.all(started.map((worker) => worker.terminate())));

/** A thread of sources, which Node 20 reads through tsx alone. */
function fromSource() {
  const tsx = import.meta.resolve("tsx/esm/api");
  const url = new URL("node.ts", import.meta.url);
  const code = `import(${JSON.stringify(tsx)}).then(({ register }) => { register(); return import(${JSON.stringify(url)}); })`;
  const worker = new Worker(code, { eval: true, workerData: ROLE });
  started.push(worker);
  return worker;
}

const keys = keysFor(keyOf(1), [0, 1, 2, 3, 4]);
const threads = inThreads(2, fromSource);

it.each(noiseNames)("threads draw %s with its bits, in parts", async (name) => {
  const noise = noiseNamed(name);
  for (const shape of [
    [5, 3, 4, 4],
    [5, 30_000],
  ])
    expect(await threads(noise.name, keys, shape)).toEqual(noise.sample(keys, shape).data);
});

it("starts a second thread for many numbers alone", () => {
  expect(started).toHaveLength(2);
});

it("answers in any order of asking", async () => {
  const { name, sample } = noiseNamed("laplace");
  const asked = keys.map((key): Key[] => [key]);
  const all = await Promise.all(asked.map((own) => threads(name, own, [1, 50])));
  for (const [i, own] of asked.entries()) expect(all[i]).toEqual(sample(own, [1, 50]).data);
});

it("leaves it to the caller to draw where a thread cannot start, or ends", async () => {
  const noise = noiseNamed("uniform");
  const shape = [5, 8];
  for (const code of ["throw new Error('no')", "process.exit(3)"]) {
    const broken = inThreads(1, () => new Worker(code, { eval: true }));
    await expect(broken(noise.name, keys, shape)).rejects.toThrow(/no|ended/);
    await expect(broken(noise.name, keys, shape)).rejects.toThrow(/no|ended/);
    const ahead = withPrefetch(noise, broken);
    ahead.prefetch?.start(keys, shape);
    expect(await drawn(ahead, keys, shape)).toEqual(noise.sample(keys, shape));
  }
});
