import { UsageError } from "../math/usage-error.ts";
import type { NotRun } from "./run-diagnostics.ts";

/** Diagnostics run one by one; a failure is recorded, and the others still run. */
export class Diagnoses {
  readonly failures: NotRun[] = [];
  readonly #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** The result of a diagnostic, or `fallback` where it fails. `what` names it. */
  async run<T>(what: string, diagnostic: () => Promise<T>, fallback: T): Promise<T> {
    try {
      return await diagnostic();
    } catch (error) {
      if (this.#signal?.aborted) throw error;
      const { message } = error as Error;
      this.failures.push({ what, reason: message, fixable: error instanceof UsageError });
      return fallback;
    }
  }
}
