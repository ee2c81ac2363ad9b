import type { Row } from "../evaluate/row.ts";
import type { Settings } from "../evaluate/settings.ts";
import type { Summary } from "../evaluate/summary.ts";
import type { Note } from "../math/note.ts";
import type { Tensor } from "../math/tensor.ts";

/** The images that were kept of one attack at one radius; entry i of each belongs to test image `indices[i]`. */
export interface ImageSet {
  /** `pgd-linf@0.031`. */
  readonly name: string;
  readonly indices: readonly number[];
  /** [n, channel, height, width], pixels in [0, 1]. */
  readonly originals: Tensor;
  readonly adversarials: Tensor;
}

/** One model under one protocol: what a line of a report's table is made of. */
export interface Evaluation {
  /** What tables call it; no two evaluations of a report share a label. */
  readonly label: string;
  /** Where its rows come from. */
  readonly file: string;
  readonly rows: readonly Row[];
  readonly summary: Summary;
  /** Null if they are missing or unreadable; `notes` says so. */
  readonly settings: Settings | null;
  readonly images: readonly ImageSet[];
  /** What is missing or cut short, in sentences for the reader. */
  readonly notes: readonly Note[];
}

/** The contents of one ROWS.jsonl and of the two files beside it. */
export interface RowsFile {
  /** Its path, for messages and labels. */
  readonly file: string;
  readonly rows: readonly Row[];
  /** Text of the settings; null if there are none. */
  readonly settings: string | null;
  /** Bytes of the .npz of images; null if there are none. */
  readonly examples: Uint8Array | null;
  readonly notes: readonly Note[];
}

/** An array of an .npz file. */
interface NamedArray {
  readonly shape: readonly number[];
  readonly data: ArrayLike<unknown>;
}

/** What making a report takes from other folders; handed in, since reports import the types of rows alone. */
export interface Tools {
  summarize(rows: readonly Row[], how?: { readonly onlyStanding?: boolean }): Summary;
  parseNpz(name: string, bytes: Uint8Array): ReadonlyMap<string, NamedArray>;
}

/** The texts of all notes of some evaluations, each once. */
export const noteTexts = (evaluations: readonly Evaluation[]): string[] => [
  ...new Set(evaluations.flatMap(({ notes }) => notes.map(({ text }) => text))),
];
