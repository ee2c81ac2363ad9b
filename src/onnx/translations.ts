import { activations } from "./import-activations.ts";
import { constants } from "./import-constants.ts";
import { einsum } from "./import-einsum.ts";
import { elementwise } from "./import-elementwise.ts";
import { indexing } from "./import-indexing.ts";
import { linear } from "./import-linear.ts";
import { microsoft } from "./import-microsoft.ts";
import type { Translations } from "./import-node.ts";
import { normalization } from "./import-normalization.ts";
import { pooling } from "./import-pooling.ts";
import { quantization } from "./import-quantized.ts";
import { reductions } from "./import-reductions.ts";
import { resizing } from "./import-resize.ts";
import { shapes } from "./import-shapes.ts";

const standard: Translations = {
  ...elementwise,
  ...activations,
  ...linear,
  ...pooling,
  ...normalization,
  ...reductions,
  ...shapes,
  ...constants,
  ...indexing,
  ...resizing,
  ...quantization,
  Einsum: einsum,
};

/** How each operator is read, by domain. */
export const translations: Readonly<Record<string, Translations>> = {
  "": standard,
  "com.microsoft": microsoft,
};
