// Threads that draw noise. This file is both sides: a thread of it answers requests, everyone else sends them.

import { availableParallelism } from "node:os";
import {
  isMainThread,
  parentPort,
  type TransferListItem,
  Worker,
  workerData,
} from "node:worker_threads";
import { boundsOf } from "../math/bounds.ts";
import type { Key } from "../math/random.ts";
import { rowSize, type Shape, sizeOf } from "../math/tensor.ts";
import type { Noise } from "./noise.ts";
import { type DrawElsewhere, withPrefetch } from "./prefetch.ts";
import { noiseNamed } from "./table.ts";

/** Rows that a thread draws. */
interface Request {
  readonly id: number;
  readonly noise: string;
  /** Two words per key. */
  readonly keys: Uint32Array<ArrayBuffer>;
  readonly shape: Shape;
}

interface Answer {
  readonly id: number;
  readonly data: Float32Array<ArrayBuffer>;
}

/** Who asked. */
interface Waiting {
  resolve(data: Float32Array<ArrayBuffer>): void;
  reject(reason: unknown): void;
}

/** Tells a thread of this file from others that load it. */
export const ROLE = "draws noise";

if (!isMainThread && workerData === ROLE) {
  const noises = new Map<string, Noise>();
  parentPort?.on("message", ({ id, noise: name, keys, shape }: Request) => {
    const noise = noises.get(name) ?? noiseNamed(name);
    noises.set(name, noise);
    const own = Array.from(
      { length: keys.length / 2 },
      (_, i): Key => [keys[2 * i], keys[2 * i + 1]],
    );
    const data = noise.sample(own, shape).data as Float32Array<ArrayBuffer>;
    parentPort?.postMessage({ id, data } satisfies Answer, [data.buffer]);
  });
}

/** A thread that draws what it is sent, in turn; what cannot be drawn is rejected. */
function drawer(worker: Worker) {
  const asked = new Map<number, Waiting>();
  let next = 0;
  let broken: unknown;
  // A process whose work is done ends, whether or not its threads could draw more.
  worker.unref();
  worker.on("message", ({ id, data }: Answer) => {
    asked.get(id)?.resolve(data);
    asked.delete(id);
    if (asked.size === 0) worker.unref();
  });
  const end = (reason: unknown) => {
    broken ??= reason;
    for (const { reject } of asked.values()) reject(reason);
    asked.clear();
  };
  worker.on("error", end);
  worker.on("exit", () => end(new Error("the thread has ended")));
  return (noise: string, own: readonly Key[], shape: Shape) =>
    new Promise<Float32Array<ArrayBuffer>>((resolve, reject) => {
      if (broken !== undefined) return reject(broken);
      const id = next++;
      const keys = Uint32Array.from(own.flatMap((key) => key.slice(0, 2) as number[]));
      asked.set(id, { resolve, reject });
      worker.ref();
      const request: Request = { id, noise, keys, shape };
      worker.postMessage(request, [keys.buffer] as TransferListItem[]);
    });
}

/** Numbers from which on a second thread is worth its messages. */
const MIN_PER_WORKER = 2 ** 16;

/** Draws in up to `most` threads, which `start` makes when they are first needed. */
export function inThreads(most: number, start: () => Worker): DrawElsewhere {
  const threads: ReturnType<typeof drawer>[] = [];
  return async (noise, keys, shape) => {
    const count = Math.max(
      1,
      Math.min(most, keys.length, Math.floor(sizeOf(shape) / MIN_PER_WORKER)),
    );
    while (threads.length < count) threads.push(drawer(start()));
    const bounds = boundsOf(keys.length, count);
    const parts = await Promise.all(
      bounds.slice(1).map((to, i) => {
        const own = keys.slice(bounds[i], to);
        return threads[i](noise, own, [own.length, ...shape.slice(1)]);
      }),
    );
    if (parts.length === 1) return parts[0];
    const data = new Float32Array(sizeOf(shape));
    for (const [i, part] of parts.entries()) data.set(part, bounds[i] * rowSize({ shape }));
    return data;
  };
}

/** Whether a thread can read this file: Node reads TypeScript itself from version 22.18 on, the built library always. */
const canStart =
  !import.meta.url.endsWith(".ts") ||
  Boolean((process.features as { readonly typescript?: unknown }).typescript);

const threads = inThreads(
  Math.max(1, Math.floor(availableParallelism() / 4)),
  // Flags of the process, such as --input-type, are not for this file.
  () => new Worker(new URL(import.meta.url), { workerData: ROLE, execArgv: [] }),
);

/** The noise of this name (see `noiseNamed`); what is prefetched is drawn in threads of this process. */
export function noiseNamedNode(text: string): Noise {
  const noise = noiseNamed(text);
  return canStart ? withPrefetch(noise, threads) : noise;
}
