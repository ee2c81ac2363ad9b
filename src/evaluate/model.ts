import type { Architecture, Parameters } from "../models/architecture.ts";
import type { ModelMetadata } from "../models/export.ts";

/** A trained network, as opened from a run directory or a file. */
export interface Model extends ModelMetadata {
  /** The run directory or file. */
  readonly path: string;
  /** Its label in tables. */
  readonly name: string;
  readonly architecture: Architecture;
  readonly parameters: Parameters;
  /** Resolved options of its training, for the record. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Identifies the weights of a third-party file, which are not among `parameters`. */
  readonly weights?: string;
  /** How a third-party file is read: mean, std and so on. */
  readonly reading?: Readonly<Record<string, unknown>>;
}
