import type { CertificateRow } from "../certify/row.ts";
import type { Row } from "../evaluate/row.ts";
import type { Settings } from "../evaluate/settings.ts";
import type { SkipOptions } from "../evaluate/skip-options.ts";
import type { Summary } from "../evaluate/summary.ts";
import type { Note } from "../math/note.ts";
import type { Tensor } from "../math/tensor.ts";
import type { ProofRow } from "../verify/proof-row.ts";

/** Stored images of one attack at one radius. Entry i belongs to test image `indices[i]`. */
export interface ImageSet {
  /** `pgd-linf@0.031`. */
  readonly name: string;
  readonly indices: readonly number[];
  /** [n, channel, height, width], pixels in [0, 1]. */
  readonly originals: Tensor;
  readonly adversarials: Tensor;
}

/** One model under one protocol: one line of a report's table. */
export interface Evaluation {
  /** The name in tables; unique within a report. */
  readonly label: string;
  /** Path of its rows. */
  readonly file: string;
  readonly rows: readonly Row[];
  readonly summary: Summary;
  /** The settings beside the rows; null if missing or unreadable, with a reason in `notes`. */
  readonly settings: Settings | null;
  readonly images: readonly ImageSet[];
  /** Proofs about its images; empty without `audit --prove`. */
  readonly proofs?: readonly ProofRow[] | undefined;
  /** Certificates for its images under noise; empty without `audit --prove`. */
  readonly certificates?: readonly CertificateRow[] | undefined;
  /** Whether the rows include what the searches of an audit broke inside its balls. */
  readonly searched?: boolean | undefined;
  /** Remarks on missing or incomplete parts. */
  readonly notes: readonly Note[];
}

/** A file beside rows and its text; null if there is no such file. */
export interface FileBeside {
  readonly file: string;
  readonly text: string | null;
}

/** The contents of a ROWS.jsonl and of the two files beside it. */
export interface RowsFile {
  /** Path, for messages and labels. */
  readonly file: string;
  readonly rows: readonly Row[];
  /** Text of the settings; null if there are none. */
  readonly settings: string | null;
  /** Bytes of the .npz of images; null if there are none. */
  readonly examples: Uint8Array | null;
  readonly notes: readonly Note[];
  /** The proofs of `audit --prove`; undefined if there is no such file. */
  readonly proofs?: readonly ProofRow[] | undefined;
  readonly certificates?: readonly CertificateRow[] | undefined;
  /** The searches for smallest radii of an audit, without a text if none ran; undefined for rows that are not an audit's. */
  readonly searches?: FileBeside | undefined;
}

/** An array of an .npz file. */
interface NamedArray {
  readonly shape: readonly number[];
  readonly data: ArrayLike<unknown>;
}

/** Functions of other folders that a report needs, passed in because report/ imports only the types of rows. */
export interface Tools {
  /** `options` come from the settings: with `skipBroken`, broken examples count as broken for later attacks. */
  summarize(rows: readonly Row[], options?: SkipOptions): Summary;
  parseNpz(name: string, bytes: Uint8Array): ReadonlyMap<string, NamedArray>;
  /**
   * The rows that an audit counts beside those of its attacks: images that its searches, or attacks in other balls, found inside a
   * ball. Needed for files with `searches`. Throws `UsageError` for a damaged line.
   */
  inBalls?(rows: readonly Row[], searches: FileBeside): Row[];
}

/** Rows of an audit's searches, and of images that attacks in other balls found. They are no attacks that a run plans. */
export const isDerived = (attack: string): boolean => /^(smallest|other-balls)-/.test(attack);

/** The texts of the notes of all evaluations, without repetition. */
export const noteTexts = (evaluations: readonly Evaluation[]): string[] => [
  ...new Set(evaluations.flatMap(({ notes }) => notes.map(({ text }) => text))),
];
