// The network of a file as one that can be trained, and how its weights are written back.
import type { Dataset } from "../data/dataset.ts";
import { version } from "../files/version.ts";
import { defined } from "../math/defined.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture, Parameters } from "../models/architecture.ts";
import { exportOnnx } from "../models/export.ts";
import type { ImportedNetwork } from "../models/imported-network.ts";
import type { Checkpoint } from "../models/opening/checkpoint.ts";
import type { OpenModel } from "../models/opening/open-model.ts";
import type { OnnxFile } from "../models/opening/open-onnx.ts";
import { PROVENANCE } from "../models/provenance.ts";
import { type TrainableOptions, trainableNetwork } from "../models/trainable-network.ts";
import { writtenFile } from "../models/written-file.ts";

/** Bytes by the names of the files to write. */
export type WrittenFiles = ReadonlyMap<string, Uint8Array>;

/** The name of the trained file in its run directory. */
export const MODEL_FILE = "model.onnx";

/** A file in training. */
export interface TrainedFile {
  /** Its initial values are the weights of the file. */
  readonly network: Architecture;
  /** The file with the weights of a checkpoint; before the first step, the file itself. */
  files(checkpoint: Checkpoint): WrittenFiles;
}

const isImported = (network: Architecture): network is ImportedNetwork => "watch" in network;

/** Throws `UsageError` for a network that runs in batches of one size only, or mixes the images of a batch. */
function requireAnyBatch({ name, fixedBatch, notes }: ImportedNetwork): void {
  if (fixedBatch !== null && fixedBatch !== undefined)
    throw new UsageError(
      `${name} runs in batches of ${fixedBatch} only, and training needs larger ones; export it with an open batch axis`,
      { code: "misfit" },
    );
  if (notes.some(({ code }) => code === "training-mode"))
    throw new UsageError(
      `${name} was exported in training mode; export it in evaluation mode (model.eval())`,
      { code: "misfit" },
    );
}

/** Our own network with the stored weights as initial values. Without batch statistics both modes are `frozen`. */
function continued(
  network: Architecture,
  parameters: Parameters,
  { batchStatistics = false }: TrainableOptions,
): Architecture {
  const first = network.parameters.map((spec) =>
    Object.assign({}, spec, { init: () => parameters[spec.name] }),
  );
  if (batchStatistics) return Object.assign({}, network, { parameters: first });
  const forward: Architecture["forward"] = (x, parameter) =>
    network.forward(x, parameter, "frozen");
  return Object.assign({}, network, {
    parameters: first,
    dropout: { rate: 0, masks: {} },
    forward,
  });
}

/** The network of an open file in training. `sha256` identifies the file. Throws `UsageError` for one that cannot be trained. */
export function trainedFile(
  { architecture, parameters }: OpenModel,
  file: OnnxFile,
  sha256: string,
  options: TrainableOptions,
): TrainedFile {
  const unchanged = new Map([...file.model.external, [MODEL_FILE, file.bytes]]);
  if (!isImported(architecture)) {
    const network = continued(architecture, parameters, options);
    return {
      network,
      files: ({ model, state, position }) =>
        position.step === 0
          ? unchanged
          : new Map([[MODEL_FILE, exportOnnx(network, state.parameters, model)]]),
    };
  }
  requireAnyBatch(architecture);
  const network = trainableNetwork(architecture, options);
  return {
    network,
    files({ model, state, position, options: settings }) {
      const { defense, data, noise, heldOut } = model;
      const { seed } = settings;
      const { step } = position;
      if (step === 0) return unchanged;
      const entry = defined({ version, defense, data, noise, heldOut, seed, step, from: sha256 });
      const metadata = { [PROVENANCE]: JSON.stringify(entry) };
      const { bytes, external } = writtenFile(file, network, state.parameters, metadata);
      return new Map([...external, [MODEL_FILE, bytes]]);
    },
  };
}

/** Throws `UsageError` if a data set has fewer training images than a batch. */
export function requireBatch(
  { name, train }: Dataset,
  { batch, examples }: { readonly batch: number; readonly examples: number | null },
): void {
  const used = Math.min(examples ?? train.size, train.size);
  if (used >= batch) return;
  throw new UsageError(
    `${name} has ${used} training images, fewer than a batch of ${batch}; give more images, or a smaller --batch`,
    { code: "misfit" },
  );
}
