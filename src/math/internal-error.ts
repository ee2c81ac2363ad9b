/** A broken invariant: a bug of ours, never the user's fault. The message begins with `internal:`. */
export class InternalError extends Error {
  override readonly name = "InternalError";

  constructor(what: string) {
    super(`internal: ${what}`);
  }
}
