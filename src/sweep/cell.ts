import type { RuntimeTarget } from "../engine/runtime/runtime.ts";
import type { ImageRange } from "../evaluate/image-range.ts";

/** The kinds of cells. `attack` runs the attacks of an audit on a range of images. A `sleep` cell only measures scheduling. */
export const cellKinds = [
  "train",
  "harden",
  "evaluate",
  "certify",
  "audit",
  "prove",
  "attack",
  "report",
  "sleep",
] as const;
export type CellKind = (typeof cellKinds)[number];

/** The data set of a cell: its name, and the SHA-256 of the images and labels that the cell uses. */
export interface CellData {
  readonly name: string;
  readonly sha256: string;
}

/** The model of a cell: a file, identified by its contents, or the weights that another cell trains. */
export type CellModel =
  | {
      readonly file: string;
      readonly sha256: string;
      readonly reading: Readonly<Record<string, unknown>>;
    }
  | { readonly cell: string };

/** The work of a cell. The cell's key depends only on this, so equal work has equal keys. */
export interface CellWork {
  readonly kind: CellKind;
  /** Resolved options of the kind. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly data: CellData | null;
  /** Test images of an evaluation, a certification, proofs or an audit; null for the other kinds. */
  readonly range: ImageRange | null;
  readonly model: CellModel | null;
  /** Keys of the cells whose results this cell reads. */
  readonly inputs: readonly string[];
  readonly code: string;
  /** SHA-256 of the plug-ins that are loaded; absent without plug-ins. */
  readonly plugins?: readonly string[] | undefined;
  readonly target: RuntimeTarget;
}

/** A cell of a plan: its work, its label and its scheduling. */
export interface Cell {
  /** SHA-256 of the work in hexadecimal. */
  readonly key: string;
  readonly work: CellWork;
  /** The label in messages and tables: `evaluate at-linf, images 0–511`. */
  readonly label: string;
  /** The varied options of the cell, for the table of results. */
  readonly labels: Readonly<Record<string, unknown>>;
  /** Cells of a higher priority run first. */
  readonly priority: number;
  /** Floating-point operations, an estimate. */
  readonly cost: number;
}

/** The part of a cell's work that enters the key: a file counts by its contents, not by its path. */
export function keyedWork(work: CellWork): unknown {
  const { model, data } = work;
  const keyed =
    model !== null && "file" in model ? { sha256: model.sha256, reading: model.reading } : model;
  return { ...work, model: keyed, data: data?.sha256 ?? null };
}
