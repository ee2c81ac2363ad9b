import { type Json, jsonObject } from "../data/read-preprocessing.ts";
import { UsageError } from "../math/usage-error.ts";

/** The files beside a network. Each is read once and parsed once. */
export class SidecarFiles {
  readonly #read: (path: string) => Promise<string | null>;
  readonly #texts = new Map<string, Promise<string | null>>();
  readonly #objects = new Map<string, Promise<Json | null>>();

  constructor(read: (path: string) => Promise<string | null>) {
    this.#read = read;
  }

  /** The text of a file; null if there is no such file. */
  text(path: string): Promise<string | null> {
    const found = this.#texts.get(path) ?? this.#read(path);
    this.#texts.set(path, found);
    return found;
  }

  /** The JSON object in a file; null if there is no such file, or it holds other JSON. Throws `UsageError` for other text. */
  object(path: string): Promise<Json | null> {
    const found = this.#objects.get(path) ?? this.#parsed(path);
    this.#objects.set(path, found);
    return found;
  }

  /** As `object`, but null for text that is not JSON. */
  async objectOrNull(path: string): Promise<Json | null> {
    try {
      return await this.object(path);
    } catch (error) {
      if (error instanceof UsageError) return null;
      throw error;
    }
  }

  async #parsed(path: string): Promise<Json | null> {
    const text = await this.text(path);
    return text === null ? null : jsonObject(text, path);
  }
}
