import { UsageError } from "../../math/usage-error.ts";

/** What results record of the machine, and what only the machine can do. */
export interface Host {
  /** Processor, cores and so on, for the record. */
  machine(): Readonly<Record<string, unknown>>;
  now(): Date;
  /** SHA-256 of the parts, one after the other, in hexadecimal. */
  sha256(parts: readonly Uint8Array[]): Promise<string>;
}

/** The part of a page's `navigator` that is recorded. */
interface PageNavigator {
  readonly userAgent?: string;
  readonly hardwareConcurrency?: number;
}

async function sha256(parts: readonly Uint8Array[]): Promise<string> {
  const subtle = globalThis.crypto?.subtle;
  if (subtle === undefined)
    throw new UsageError(
      "this page has no crypto.subtle, which identifies the weights; serve it from https or localhost",
      { code: "unavailable" },
    );
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  const digest = new Uint8Array(await subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A host with what every platform has. Throws `UsageError` (`unavailable`) for a hash on a page without https. */
export const portableHost: Host = {
  machine() {
    const { navigator = {} } = globalThis as { readonly navigator?: PageNavigator };
    const { userAgent = "unknown", hardwareConcurrency = 1 } = navigator;
    return { system: userAgent, cores: hardwareConcurrency };
  },
  now: () => new Date(),
  sha256,
};
