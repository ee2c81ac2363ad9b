/** The kind of a `UsageError`. Match codes, which are stable; messages are not. */
export type UsageCode =
  /** Any mistake without a specific code. */
  | "usage"
  /** The value of an option or argument has the wrong type or is out of range. */
  | "bad-option"
  /** An option or a command that does not exist. */
  | "unknown-option"
  /** A needed option or argument is absent. */
  | "missing-option"
  /** An attack, defence, noise, network or data set that does not exist. */
  | "unknown-name"
  /** A file or folder that does not exist. */
  | "not-found"
  /** A file that is truncated, damaged or of another format. */
  | "bad-file"
  /** A file or folder that cannot be written, because of permissions or a full or read-only disk. */
  | "cannot-write"
  /** A run directory or file that another process uses, or that has other results. */
  | "in-use"
  /** Data, model and options that do not fit each other. */
  | "misfit"
  /** A device or library that this machine lacks, or a download that failed. */
  | "unavailable"
  /** A device that computes something else than the CPU. */
  | "inaccurate-device"
  /** A training run whose loss or weights became infinite or NaN. */
  | "diverged"
  /** A training run that took longer than it was given. */
  | "out-of-time"
  /** A plug-in that cannot be loaded, takes a name that exists, throws, or returns a wrong shape. */
  | "bad-plugin";

/** The options of `new UsageError`. */
export interface UsageErrorOptions extends ErrorOptions {
  readonly code: UsageCode;
  /** What to do: becomes the last line of the message, indented. */
  readonly next?: string;
}

/** The last line of a message, without the full stop that a list of sentences ends with. */
const unended = (lines: readonly string[]): string => (lines.at(-1) ?? "").replace(/[.;]$/, "");

/** A mistake that the user can fix. Commands print it without a stack and exit with code 2. Any other error is a bug. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code: UsageCode;
  /** The lines of the message. A line break within a line came from a file or a name, and is printed escaped. */
  readonly lines: readonly string[];

  constructor(message: string | readonly string[], { code, next, ...options }: UsageErrorOptions) {
    const given = typeof message === "string" ? [message] : message;
    const lines =
      next === undefined ? given : [...given.slice(0, -1), `${unended(given)};`, `  ${next}`];
    super(lines.join("\n"), options);
    this.code = code;
    this.lines = lines;
  }
}
