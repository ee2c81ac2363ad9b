import type { Note } from "../../../math/note.ts";
import { stepwiseNote } from "../stepwise-note.ts";

/** Collects the notes of one import. Each text is added once, and all step functions share one note. */
export class ImportNotes {
  readonly #notes = new Map<string, Note>();
  readonly #stepwise = new Set<string>();
  readonly #straightThrough: boolean;

  constructor(straightThrough: boolean) {
    this.#straightThrough = straightThrough;
  }

  add(note: Note): void {
    this.#notes.set(note.text, note);
  }

  /** Adds a type of operator that is a step function, such as `Round`. */
  addStepwise(type: string): void {
    this.#stepwise.add(type);
  }

  all(): Note[] {
    const notes = [...this.#notes.values()];
    if (this.#stepwise.size > 0)
      notes.push(stepwiseNote([...this.#stepwise], this.#straightThrough));
    return notes;
  }
}
