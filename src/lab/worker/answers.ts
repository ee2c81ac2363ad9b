import { UsageError } from "../../index.ts";
import type { Answer, Problem } from "../protocol.ts";

/** An error as the page shows it. */
export function problemOf(error: unknown): Problem {
  if (error instanceof UsageError) return { usage: true, message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  return { usage: false, message };
}

/** The result of `work`, or its error as a value. */
export async function answer<T>(work: () => T | Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}
