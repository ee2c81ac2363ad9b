import { BLOCKED } from "./blocked-weights.ts";
import { activations } from "./import-activations.ts";
import { attentions } from "./import-attention.ts";
import { bits } from "./import-bits.ts";
import { blocked } from "./import-blocked.ts";
import { caches } from "./import-caches.ts";
import { constants } from "./import-constants.ts";
import { cropping } from "./import-crop.ts";
import { einsum } from "./import-einsum.ts";
import { elementwise } from "./import-elementwise.ts";
import { grids } from "./import-grid.ts";
import { indexing } from "./import-indexing.ts";
import { linear } from "./import-linear.ts";
import { loops } from "./import-loops.ts";
import { microsoft } from "./import-microsoft.ts";
import { machineLearning } from "./import-ml.ts";
import type { Translations } from "./import-node.ts";
import { normalization } from "./import-normalization.ts";
import { optionals } from "./import-optional.ts";
import { pooling } from "./import-pooling.ts";
import { quantiserDomains, quantisers } from "./import-qonnx.ts";
import { quantization } from "./import-quantized.ts";
import { recurrents } from "./import-recurrent.ts";
import { reductions } from "./import-reductions.ts";
import { resizing } from "./import-resize.ts";
import { rotations } from "./import-rotary.ts";
import { shapes } from "./import-shapes.ts";
import { unpooling } from "./import-unpool.ts";

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
  ...recurrents,
  ...loops,
  ...grids,
  ...attentions,
  ...rotations,
  ...unpooling,
  ...cropping,
  ...optionals,
  ...bits,
  ...caches,
  Einsum: einsum,
};

/** How each operator is read, by domain. */
export const translations: Readonly<Record<string, Translations>> = {
  "": standard,
  "com.microsoft": microsoft,
  [BLOCKED]: blocked,
  "ai.onnx.ml": machineLearning,
  ...Object.fromEntries(quantiserDomains.map((domain) => [domain, quantisers])),
};
