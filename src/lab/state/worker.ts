// The worker of the page, and what went wrong in it.
import { signal } from "@preact/signals";
import { type Remote, wrap } from "comlink";
import type { Answer, Problem } from "../protocol.ts";
import type { BeginMessage } from "../protocol-basics.ts";
import type { Lab } from "../worker/lab.ts";

const worker = new Worker(new URL("../worker/web-main.ts", import.meta.url), { type: "module" });

/** Starts WebAssembly in the worker while the rest of it loads. */
export function beginWorker(threads: number): void {
  const message: BeginMessage = { beginWithThreads: threads };
  worker.postMessage(message);
}

/** The lab in its worker. */
export const lab: Remote<Lab> = wrap<Lab>(worker);

/** What the page has to say about the last thing that failed; null if nothing did. */
export const problem = signal<Problem | null>(null);

/** What the page waits for, such as `opening the model`; null if for nothing. */
export const busy = signal<string | null>(null);

/** The value of an answer; null if there is none, and then `problem` says why. */
export async function unwrapped<T>(pending: Promise<Answer<T>> | Answer<T>): Promise<T | null> {
  try {
    const answer = await pending;
    if ("value" in answer) return answer.value;
    problem.value = answer.problem;
  } catch (error) {
    problem.value = {
      usage: false,
      message: error instanceof Error ? error.message : String(error),
    };
  }
  return null;
}
