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

/** Files in memory, for the browser and for tests. */
export function memoryFiles(path = "memory"): RunFiles {
  const files = new Map<string, Uint8Array>();
  const bytes = (contents: Uint8Array | string) =>
    typeof contents === "string" ? new TextEncoder().encode(contents) : contents;
  return {
    path,
    async list(folder) {
      const prefix = folder === "" ? "" : `${folder}/`;
      return [...files.keys()]
        .filter((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes("/"))
        .map((name) => name.slice(prefix.length));
    },
    async read(name) {
      const found = files.get(name);
      if (found === undefined)
        throw new UsageError(`${path}/${name}: there is no such file`, { code: "not-found" });
      return found;
    },
    async write(name, contents) {
      files.set(name, bytes(contents).slice());
    },
    async append(name, text) {
      const old = files.get(name) ?? new Uint8Array();
      files.set(name, Uint8Array.of(...old, ...bytes(text)));
    },
    async remove(name) {
      files.delete(name);
    },
  };
}

/** Reads a file as UTF-8. */
export const readText = async (files: RunFiles, name: string): Promise<string> =>
  new TextDecoder().decode(await files.read(name));
