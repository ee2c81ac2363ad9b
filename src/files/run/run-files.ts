import { UsageError } from "../../math/usage-error.ts";

/** The files of one run. Names are relative, with forward slashes. `node.ts` keeps them in a folder. */
export interface RunFiles {
  /** The place in messages: `runs/a`. */
  readonly path: string;
  /** Names of the files directly in a folder; empty if there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  read(name: string): Promise<Uint8Array>;
  /** Replaces the file whole or not at all. Once it resolves, the contents survive a power cut. */
  write(name: string, contents: Uint8Array | string): Promise<void>;
  append(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
}

const bytesOf = (contents: Uint8Array | string): Uint8Array =>
  typeof contents === "string" ? new TextEncoder().encode(contents) : contents.slice();

/** The parts one after the other. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Files in memory, for the browser and for tests. */
export function memoryFiles(path = "memory"): RunFiles {
  /** Contents as the parts that were appended. */
  const files = new Map<string, Uint8Array[]>();
  return {
    path,
    async list(folder) {
      const prefix = folder === "" ? "" : `${folder}/`;
      return [...files.keys()]
        .filter((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes("/"))
        .map((name) => name.slice(prefix.length));
    },
    async read(name) {
      const parts = files.get(name);
      if (parts === undefined)
        throw new UsageError(`${path}/${name}: there is no such file`, { code: "not-found" });
      return joined(parts);
    },
    async write(name, contents) {
      files.set(name, [bytesOf(contents)]);
    },
    async append(name, text) {
      files.set(name, files.get(name) ?? []);
      files.get(name)?.push(bytesOf(text));
    },
    async remove(name) {
      files.delete(name);
    },
  };
}

/** Reads a file as UTF-8. */
export const readText = async (files: RunFiles, name: string): Promise<string> =>
  new TextDecoder().decode(await files.read(name));
