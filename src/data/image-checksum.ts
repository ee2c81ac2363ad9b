// What tells the image of a stored row from another one at the same place of the test split.
import { crc32 } from "../math/crc32.ts";
import type { Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Split } from "./dataset.ts";

/** The CRC-32 of pixels, eight hexadecimal digits. */
export function pixelsChecksum({ data }: Pick<Tensor, "data">): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return crc32(bytes).toString(16).padStart(8, "0");
}

/** What a row states about its image. */
export interface StatedImage {
  readonly index: number;
  readonly label: number;
  readonly file?: string | undefined;
  /** The `pixelsChecksum` of the image as the network receives it; absent in rows of earlier versions. */
  readonly image?: string | undefined;
}

/** Compares stored rows with the test split. Each image is read once. */
export class StatedImages {
  readonly #test: Split;
  readonly #checksums = new Map<number, string>();

  constructor(test: Split) {
    this.#test = test;
  }

  get size(): number {
    return this.#test.size;
  }

  /** The checksum of the pixels at a place of the test split. */
  checksum(index: number): string {
    const known = this.#checksums.get(index) ?? pixelsChecksum(this.#test.images([index]));
    this.#checksums.set(index, known);
    return known;
  }

  /** Why the row is not about the test image with its index; undefined if it is. */
  problemOf({ index, label, file, image }: StatedImage): string | undefined {
    const { size, labels, files } = this.#test;
    if (index >= size) return `its index is ${index}, but there are ${size} test images`;
    if (file !== undefined && files !== undefined && file !== files[index])
      return `it is about ${file}, but test image ${index} is ${files[index]}`;
    if (label !== Number(labels[index]))
      return `its label is ${label}, but test image ${index} has label ${labels[index]}`;
    if (image !== undefined && image !== this.checksum(index))
      return `the checksum of its image is ${image}, but that of test image ${index} is ${this.checksum(index)}`;
    return undefined;
  }

  /** Throws `UsageError` (`misfit`) for a row of another image; `what` begins the message: `rows.jsonl:3 is not a row of this audit`. */
  require(row: StatedImage, what: string): void {
    const problem = this.problemOf(row);
    if (problem !== undefined)
      throw new UsageError(`${what}: ${problem}`, {
        code: "misfit",
        next: "restore the images that the rows are about, or choose another --out",
      });
  }
}
