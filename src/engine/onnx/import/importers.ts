import { activations } from "./activations.ts";
import { affineGrid } from "./affine-grid.ts";
import { attentions } from "./attention.ts";
import { bits } from "./bits.ts";
import { blocked } from "./blocked.ts";
import { BLOCKED } from "./blocked-weights.ts";
import { caches } from "./caches.ts";
import { casts } from "./casts.ts";
import { col2Im } from "./col2im.ts";
import { comparisons } from "./comparisons.ts";
import { constants } from "./constants.ts";
import { convTranspose } from "./conv-transpose.ts";
import { cropping } from "./cropping.ts";
import { dropout } from "./dropout.ts";
import { einsum } from "./einsum.ts";
import { elementwise } from "./elementwise.ts";
import { gridSample } from "./grid-sample.ts";
import type { Importers } from "./import-node.ts";
import { indexing } from "./indexing.ts";
import { linear } from "./linear.ts";
import { loops } from "./loops.ts";
import { machineLearning } from "./machine-learning.ts";
import { microsoft } from "./microsoft.ts";
import { normalization } from "./normalization.ts";
import { optionals } from "./optional.ts";
import { pooling } from "./pooling.ts";
import { quantiserDomains, quantisers } from "./quantisers.ts";
import { quantization } from "./quantization.ts";
import { recurrents } from "./recurrent.ts";
import { reductions } from "./reductions.ts";
import { resizing } from "./resizing.ts";
import { rotary } from "./rotary.ts";
import { shapes } from "./shapes.ts";
import { unpooling } from "./unpooling.ts";

const standard: Importers = {
  ...elementwise,
  ...comparisons,
  ...casts,
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
  ...attentions,
  ...rotary,
  ...unpooling,
  ...cropping,
  ...optionals,
  ...bits,
  ...caches,
  AffineGrid: affineGrid,
  Col2Im: col2Im,
  ConvTranspose: convTranspose,
  Dropout: dropout,
  Einsum: einsum,
  GridSample: gridSample,
};

/** Importers by domain and operator. */
export const importers: Readonly<Record<string, Importers>> = {
  "": standard,
  "com.microsoft": microsoft,
  [BLOCKED]: blocked,
  "ai.onnx.ml": machineLearning,
  ...Object.fromEntries(quantiserDomains.map((domain) => [domain, quantisers])),
};
