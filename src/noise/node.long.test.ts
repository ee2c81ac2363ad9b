import { Worker } from "node:worker_threads";
import { afterAll, expect, it } from "vitest";
import { type Key, keyOf, keysFor } from "../math/random.ts";
import { tensor } from "../math/tensor.ts";
import { defineNoise, pixels } from "./define-noise.ts";
import { inThreads, noiseWithWorkers, ROLE } from "./node.ts";
import { drawNoise } from "./noise.ts";
import { withPrefetch } from "./prefetch.ts";
import { noiseNamed, noises } from "./table.ts";

const started: Worker[] = [];
afterAll(() => Promise.all(started.map((worker) => worker.terminate())));

/** A worker that loads the source file; Node 20 needs tsx for that. */
function fromSource() {
  const tsx = import.meta.resolve("tsx/esm/api");
  const url = new URL("node.ts", import.meta.url);
  const code = `import(${JSON.stringify(tsx)}).then(({ register }) => { register(); return import(${JSON.stringify(url)}); })`;
  const worker = new Worker(code, { eval: true, workerData: ROLE });
  started.push(worker);
  return worker;
}

/** As a text, since tests compare large arrays slowly. */
const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString("base64");

const keys = keysFor(keyOf(1), [0, 1, 2, 3, 4]);
const threads = inThreads(2, fromSource);

it.each(noises.names)("workers draw the bits of %s, in parts", async (name) => {
  const noise = noiseNamed(name);
  for (const shape of [
    [5, 3, 4, 4],
    [5, 30_000],
  ])
    expect(bytesOf(await threads(noise.name, keys, shape))).toBe(
      bytesOf(noise.sample(keys, shape).data),
    );
});

it("starts a second worker only for large draws", () => {
  expect(started).toHaveLength(2);
});

it("answers concurrent requests", async () => {
  const { name, sample } = noiseNamed("laplace");
  const requests = keys.map((key): Key[] => [key]);
  const all = await Promise.all(requests.map((one) => threads(name, one, [1, 50])));
  for (const [i, one] of requests.entries()) expect(all[i]).toEqual(sample(one, [1, 50]).data);
});

it("rejects, so that the caller draws, if a worker cannot start or exits", async () => {
  const noise = noiseNamed("uniform");
  const shape = [5, 8];
  for (const code of ["throw new Error('no')", "process.exit(3)"]) {
    const broken = inThreads(1, () => new Worker(code, { eval: true }));
    await expect(broken(noise.name, keys, shape)).rejects.toThrow(/no|ended/);
    await expect(broken(noise.name, keys, shape)).rejects.toThrow(/no|ended/);
    const prefetching = withPrefetch(noise, broken);
    prefetching.prefetch?.start(keys, shape);
    expect(await drawNoise(prefetching, keys, shape)).toEqual(noise.sample(keys, shape));
  }
});

it("a plug-in's noise is drawn here, since no worker knows it", async () => {
  const ones = defineNoise({
    name: "ones",
    parameters: { size: pixels(0.5, "value of every pixel") },
    source: "this test",
    describe: ({ size }) => `every pixel moved by ${size}`,
    sample: (some, shape, { size }) => tensor(shape, new Float32Array(8 * some.length).fill(size)),
  });
  noises.add(ones);
  try {
    const noise = noiseWithWorkers("ones:0.25", threads);
    expect([noise.name, noise.prefetch]).toEqual(["ones:0.25", undefined]);
    expect(noiseWithWorkers("normal", threads).prefetch).toBeDefined();
    const drawn = await drawNoise(noise, keys, [5, 8]);
    expect(drawn.data.every((v) => v === 0.25)).toBe(true);
  } finally {
    noises.remove("ones");
  }
});
