/** What kind of mistake a `UsageError` is about. Codes are stable, texts are not: match these. */
export type UsageCode =
  /** Any mistake that has no code of its own. */
  | "usage"
  /** An option's value is of the wrong type or out of range. */
  | "bad-option"
  /** An option or a command that does not exist; often a typing error. */
  | "unknown-option"
  /** A needed option or argument is absent. */
  | "missing-option"
  /** A name that no table holds: of an attack, a defence, a noise, a network or a data set. */
  | "unknown-name"
  /** A file or folder that does not exist. */
  | "not-found"
  /** A file that is truncated, damaged or of another format. */
  | "bad-file"
  /** A file or folder that cannot be written: permissions, a full or read-only disk. */
  | "cannot-write"
  /** A run directory or file that another process is using, or that holds other results. */
  | "in-use"
  /** Data, model and options do not fit each other. */
  | "misfit"
  /** A device or library that this machine lacks, or a download that failed. */
  | "unavailable"
  /** Training gave a loss or weights that are not finite. */
  | "diverged";

/** What a `UsageError` has besides its message. */
export interface UsageErrorOptions extends ErrorOptions {
  readonly code?: UsageCode;
  /** What to do about it: the last line of the message, indented. */
  readonly next?: string;
}

/** What the user can fix: printed without a stack, exit code 2. Everything else that is thrown is a bug. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code: UsageCode;
  /** The lines of the message. A line break inside one came from a file or a name, and is printed escaped. */
  readonly lines: readonly string[];

  constructor(
    message: string | readonly string[],
    { code = "usage", next, ...options }: UsageErrorOptions = {},
  ) {
    const what = typeof message === "string" ? [message] : message;
    const lines =
      next === undefined ? what : [...what.slice(0, -1), `${what.at(-1)};`, `  ${next}`];
    super(lines.join("\n"), options);
    this.code = code;
    this.lines = lines;
  }
}
