import { unknownDefinition, unknownName } from "./nearest.ts";
import { UsageError } from "./usage-error.ts";

/** Anything that a table lists under a name. */
export interface Named {
  readonly name: string;
}

const builtIns = new WeakSet<object>();

/** Whether a definition is in one of our own tables, and not of a plug-in: its results need no checks. */
export const isBuiltIn = (definition: object): boolean => builtIns.has(definition);

/**
 * A table of definitions by name: the built-in ones, and those that a plug-in adds. `kind` names an entry in messages, for
 * example "attack". Names are unique.
 */
export class Registry<D extends Named> {
  readonly #kind: string;
  readonly #byName = new Map<string, D>();
  readonly #builtIn: number;

  constructor(kind: string, builtIn: readonly D[]) {
    this.#kind = kind;
    for (const definition of builtIn) {
      this.#byName.set(definition.name, definition);
      builtIns.add(definition);
    }
    this.#builtIn = this.#byName.size;
  }

  /** All definitions in the order of their table; added ones come last. */
  get all(): readonly D[] {
    return [...this.#byName.values()];
  }

  /** The built-in definitions. */
  get builtIn(): readonly D[] {
    return this.all.slice(0, this.#builtIn);
  }

  /** The names of all definitions. */
  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  /** The definition of this name, or undefined. */
  find(name: string): D | undefined {
    return this.#byName.get(name);
  }

  /** The definition of this name. Throws `UsageError` with the code `unknown-name` and the nearest name. */
  named(name: string): D {
    const found = this.#byName.get(name);
    if (found === undefined) throw unknownDefinition(unknownName(this.#kind, name, this.names));
    return found;
  }

  /** Adds a definition. Adding the same value again has no effect. Throws `UsageError` for a name that is taken. */
  add(definition: D): void {
    const present = this.#byName.get(definition.name);
    if (present === definition) return;
    if (present !== undefined)
      throw new UsageError(
        `there is a ${this.#kind} named ${definition.name} already; give yours another name`,
        { code: "bad-plugin" },
      );
    this.#byName.set(definition.name, definition);
  }

  /** Removes a definition that was added; the built-in ones stay. For tests, which share one process. */
  remove(name: string): void {
    if (this.names.indexOf(name) >= this.#builtIn) this.#byName.delete(name);
  }
}
