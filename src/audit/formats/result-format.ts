// Formats of an audit's result for other tools.
import type { AuditResult } from "../result.ts";

/** The contents of a file besides the result. */
export interface FormatContext {
  /** The version of Rampart. */
  readonly version: string;
  /** The command as typed; null from the library. */
  readonly command: string | null;
  /** When the audit ended. */
  readonly finished: Date;
}

/** A format of results. */
export interface ResultFormat {
  /** The name on the command line: `junit`. */
  readonly name: string;
  /** The file that an audit writes to its folder: `junit.xml`. */
  readonly file: string;
  /** The format and its readers, for help and docs. */
  readonly summary: string;
  /** The contents of the file. */
  render(result: AuditResult, context: FormatContext): string;
}
