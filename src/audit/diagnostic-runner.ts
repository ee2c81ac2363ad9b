import { messageOf } from "../math/message-of.ts";
import { UsageError } from "../math/usage-error.ts";
import type { NotRun } from "./diagnostic.ts";

/** Runs diagnostics one by one. It records those that fail, and still runs the others. */
export class DiagnosticRunner {
  readonly failures: NotRun[] = [];
  readonly #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** The result of a diagnostic, or `fallback` if it fails. `what` is its name in the record of failures. */
  async run<T>(what: string, diagnostic: () => Promise<T>, fallback: T): Promise<T> {
    try {
      return await diagnostic();
    } catch (error) {
      this.record(what, error);
      return fallback;
    }
  }

  /** Records that `what` failed with this error. Throws the error if the audit was stopped. */
  record(what: string, error: unknown): void {
    if (this.#signal?.aborted) throw error;
    const fixable = error instanceof UsageError;
    this.failures.push({ what, reason: messageOf(error), fixable });
  }
}
