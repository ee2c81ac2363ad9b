import type { ImageOptions } from "./image-input.ts";

/** How an ONNX file is read. */
export interface ImportedOptions extends ImageOptions {
  /** The name of the image input; by default the only input that can take images. */
  readonly input?: string;
  /** A number for each other input, which all of its elements have. */
  readonly constants?: Readonly<Record<string, number>>;
  /** The name of the scores, an output of the file or of any node; by default the output that can hold them. */
  readonly output?: string;
  /** Whether rounding passes its gradient through unchanged. */
  readonly straightThrough?: boolean;
  /** Channels per block, for a file optimised for one kind of CPU from whose weights it cannot be inferred. */
  readonly blockSize?: number;
  /** Bytes of constants that the file may compute; by default 768 MiB, or more if it stores much. */
  readonly maxConstants?: number;
  /**
   * Takes output and input as they are. A softmax stays, and so does a single number. An input of integers is not multiplied
   * by 255.
   */
  readonly raw?: boolean;
}
