import type { Arrays, Feeds, Program } from "../engine/runtime/runtime.ts";
import type { NdArray } from "../math/tensor.ts";

/** A program to compile. */
export interface CompilableProgram {
  /** Bytes that it will keep for its values. */
  readonly bytes: number;
  compile(): Promise<Program>;
}

interface Entry {
  readonly program: Promise<Program>;
  readonly bytes: number;
  /** Runs that have not returned. */
  running: number;
}

/**
 * Compiled programs by name. Before a program is compiled, those that were used least recently are released until all
 * programs together keep at most `maxBytes`, or until the others are running.
 */
export class OpenPrograms {
  readonly #maxBytes: number;
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Names of the programs that are open, the least recently used first. */
  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Runs the program of this name on `feeds`, arrays of any shape; `describe` is called if it must be compiled. */
  async run(
    name: string,
    describe: () => CompilableProgram,
    feeds: Feeds,
    into?: Arrays,
  ): Promise<Record<string, NdArray>> {
    const entry = this.#entries.get(name) ?? this.#open(describe());
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    entry.running++;
    try {
      return await (await entry.program).run(feeds, into);
    } finally {
      entry.running--;
    }
  }

  #open({ bytes, compile }: CompilableProgram): Entry {
    const released = this.#releaseFor(bytes);
    return { program: released.then(compile), bytes, running: 0 };
  }

  /** Releases programs until one that keeps `bytes` fits. */
  async #releaseFor(bytes: number): Promise<void> {
    let total = [...this.#entries.values()].reduce((sum, one) => sum + one.bytes, bytes);
    const unused: Promise<Program>[] = [];
    for (const [name, one] of [...this.#entries]) {
      if (total <= this.#maxBytes) break;
      if (one.running > 0) continue;
      this.#entries.delete(name);
      unused.push(one.program);
      total -= one.bytes;
    }
    for (const program of unused) {
      // A program that did not compile has nothing to release.
      const opened = await program.catch(() => null);
      await opened?.release();
    }
  }

  async release(): Promise<void> {
    const programs = await Promise.all([...this.#entries.values()].map(({ program }) => program));
    this.#entries.clear();
    await Promise.all(programs.map((program) => program.release()));
  }
}
