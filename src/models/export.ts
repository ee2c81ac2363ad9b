import { input } from "../engine/graph/ops.ts";
import { writeOnnx } from "../engine/onnx/export/write-onnx.ts";
import { readOnnx } from "../engine/onnx/read-onnx.ts";
import type { Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture, InputSpec, Parameters } from "./architecture.ts";
import { architecture as architectureNamed } from "./architectures.ts";
import { CHECKSUM, modelChecksum } from "./checksum.ts";
import { storedHeldOut, storedInput, storedNames } from "./stored-metadata.ts";

/** What a file says about the classifier in it; kept in `metadata_props` under `rampart.…`. */
export interface ModelMetadata {
  readonly defense: string;
  /** Data set that the network was trained on, as on the command line. */
  readonly data: string;
  /** What is added to pixels at every prediction, `uniform:0.2`; null for a deterministic classifier. */
  readonly noise: string | null;
  /** Where the data set had no split: how many of its examples training held out for testing. Missing in older files. */
  readonly heldOut?: { readonly examples: number; readonly of: number } | undefined;
  /** Class names; position is the output. */
  readonly classNames: readonly string[];
  /** What the first layer subtracts and divides by. */
  readonly input: InputSpec;
}

/**
 * A trained network as an ONNX file: input `pixels` [batch, channel, height, width] in [0, 1], output
 * `logits` [batch, classes], any batch. The file holds the noise-free network; the noise is metadata.
 */
export function exportOnnx(
  architecture: Architecture,
  parameters: Parameters,
  { defense, data, noise, classNames, input: spec, heldOut }: ModelMetadata,
): Uint8Array<ArrayBuffer> {
  const shapes = new Map(architecture.parameters.map(({ name, shape }) => [name, shape]));
  const once = new Map([...shapes].map(([name, shape]) => [name, input(name, shape)]));
  const pixels = input("pixels", [1, ...architecture.inputShape]);
  const parameter = (name: string) => once.get(name) ?? input(name, []);
  const { logits } = architecture.forward(pixels, parameter, "frozen");
  const metadata: Record<string, string> = {
    "rampart.architecture": architecture.name,
    "rampart.input": JSON.stringify(spec),
    "rampart.defense": defense,
    "rampart.data": data,
    "rampart.noise": noise ?? "",
    "rampart.pixel_scale": "0..1",
    "rampart.classes": JSON.stringify(classNames),
    "rampart.rule": "single",
  };
  if (heldOut !== undefined) metadata["rampart.held_out"] = JSON.stringify(heldOut);
  const stored = architecture.parameters.map(({ name }) => [name, parameters[name]] as const);
  return writeOnnx(
    { logits },
    {
      initializers: parameters,
      anyBatch: true,
      metadata: {
        ...metadata,
        [CHECKSUM]: modelChecksum(Object.fromEntries(stored), metadata),
      },
    },
  );
}

/** Whether a file says that `exportOnnx` wrote it. */
export const isExported = (metadata: Readonly<Record<string, string>>): boolean =>
  metadata["rampart.architecture"] !== undefined;

/** Reads back a file that `exportOnnx` wrote: its network, weights and card. */
export function importExported(bytes: Uint8Array): {
  readonly architecture: Architecture;
  readonly parameters: Parameters;
  readonly card: ModelMetadata;
  /** Whether the weights, or what the file says of them, were changed since the export; false for older files, which do not tell. */
  readonly changed: boolean;
} {
  const { metadata, initializers } = readOnnx(bytes);
  const name = metadata["rampart.architecture"];
  if (name === undefined)
    throw new UsageError(
      "this ONNX file was not exported by rampart; open it as any other ONNX file",
    );
  const said = <T>(read: () => T): T => {
    try {
      return read();
    } catch (cause) {
      throw new UsageError(
        `this ONNX file says that rampart exported it, but ${(cause as Error).message}; export it again`,
        { cause },
      );
    }
  };
  const spec = said(() => storedInput(metadata["rampart.input"]));
  const classNames = said(() => storedNames(metadata["rampart.classes"] ?? "[]"));
  const heldOut = said(() => storedHeldOut(metadata["rampart.held_out"]));
  const architecture = architectureNamed(name, spec);
  for (const { name: array, shape } of architecture.parameters)
    if (
      initializers[array]?.dtype !== "float32" ||
      initializers[array].shape.join() !== shape.join()
    )
      throw new UsageError(
        `the file says it holds a ${name}, whose ${array} is [${shape.join(", ")}], but holds ${initializers[array] === undefined ? "none" : `${initializers[array].dtype} [${initializers[array].shape.join(", ")}]`}; export it again`,
      );
  const parameters = Object.fromEntries(
    architecture.parameters.map(({ name: array }) => [array, initializers[array] as Tensor]),
  );
  const sum = metadata[CHECKSUM];
  return {
    architecture,
    parameters,
    changed: sum !== undefined && sum !== modelChecksum(parameters, metadata),
    card: {
      defense: metadata["rampart.defense"] ?? "standard",
      data: metadata["rampart.data"] ?? "",
      noise: metadata["rampart.noise"] || null,
      classNames,
      input: spec,
      heldOut,
    },
  };
}
