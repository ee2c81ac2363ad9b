import type { Shape } from "../math/tensor.ts";
import type { ImageRules, ImageTrait } from "./image-rules.ts";

/** A decoded image: bytes [channel, height, width]. */
export interface Image {
  readonly shape: Shape;
  readonly pixels: Uint8Array;
}

/** An image and the traits of its file that 8-bit RGB pixels cannot express. */
export interface DecodedImage extends Image {
  readonly traits?: readonly ImageTrait[];
}

/** A place that data sets are read from. Paths have forward slashes. `node.ts` reads the disk. */
export interface DataFiles {
  /** Folders in which named data sets are looked for, first to last. */
  readonly roots: readonly string[];
  /** Contents of a file; undefined if it does not exist. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Names in a folder, in any order; those of folders end in a slash. Undefined if there is no such folder. */
  list(path: string): Promise<readonly string[] | undefined>;
  /** Decodes a JPEG, PNG, WebP … to three channels by the rules, by default Pillow's. Rejects for anything else. */
  decode(bytes: Uint8Array, rules?: ImageRules): Promise<DecodedImage>;
}

/** Files in memory by whole path, for the browser and for tests. */
export function memoryData(
  contents: Readonly<Record<string, Uint8Array>>,
  decode: DataFiles["decode"] = async () => {
    throw new Error("this place cannot decode images");
  },
): DataFiles {
  return {
    roots: ["memory"],
    decode,
    async read(path) {
      return contents[path];
    },
    async list(path) {
      const inside = Object.keys(contents).filter((name) => name.startsWith(`${path}/`));
      const names = inside.map((name) => name.slice(path.length + 1).replace(/\/.*/s, "/"));
      return inside.length === 0 ? undefined : [...new Set(names)];
    },
  };
}
