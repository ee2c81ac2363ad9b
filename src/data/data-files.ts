import type { Shape } from "../math/tensor.ts";
import type { ImageRules, ImageTrait } from "./image-rules.ts";

/** A decoded image: bytes [channel, height, width]. */
export interface Image {
  readonly shape: Shape;
  readonly pixels: Uint8Array;
}

/** An image, and what its file holds that is not in the pixels. */
export interface DecodedImage extends Image {
  readonly traits?: readonly ImageTrait[];
}

/** Where data sets are read from; paths have forward slashes. `node.ts` reads the disk. */
export interface DataFiles {
  /** Folders in which named data sets are looked for, first to last. */
  readonly roots: readonly string[];
  /** A file's contents; undefined if there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** The names in a folder, those of folders ending in a slash, in no order; undefined if there is no such folder. */
  list(path: string): Promise<readonly string[] | undefined>;
  /** A JPEG, PNG, WebP … as three channels, by the rules (Pillow's by default); fails if it is none. */
  decode(bytes: Uint8Array, rules?: ImageRules): Promise<DecodedImage>;
}

/** Files in memory, for a page and for tests; names are whole paths. */
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
