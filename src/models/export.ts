import { input } from "../engine/graph/ops.ts";
import type { Value } from "../engine/graph/value.ts";
import { writeOnnx } from "../engine/onnx/export/write-onnx.ts";
import { readOnnx } from "../engine/onnx/read-onnx.ts";
import { messageOf } from "../math/message-of.ts";
import type { NdArray, Tensor } from "../math/tensor.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture, InputSpec, ParameterSpec, Parameters } from "./architecture.ts";
import { storedArchitecture } from "./architectures.ts";
import { CHECKSUM, modelChecksum } from "./checksum.ts";
import { storedHeldOut, storedInput, storedNames } from "./stored-metadata.ts";

/** The metadata stored with a model: in ONNX files as `metadata_props` named `rampart.…`, in checkpoints as JSON. */
export interface ModelMetadata {
  /** The name of the defence that trained it; `unknown` for other people's files. */
  readonly defense: string;
  /** The data set that it was trained on, as named on the command line. */
  readonly data: string;
  /** The noise added to pixels at every prediction, such as `uniform:0.2`; null for a deterministic classifier. */
  readonly noise: string | null;
  /** For a data set without a split: how many of its examples training held out for testing. Missing in older files. */
  readonly heldOut?: { readonly examples: number; readonly of: number } | undefined;
  /** The class name of each output. */
  readonly classNames: readonly string[];
  /** The input's shape, and the mean and std of the first layer. */
  readonly input: InputSpec;
}

/** The logits [1, classes] of a network as an export has them: of `pixels` [1, ...pixels], each parameter an input of its name. */
export function logitsOf(architecture: Architecture): Value {
  const inputs = new Map(
    architecture.parameters.map(({ name, shape }) => [name, input(name, shape)]),
  );
  const pixels = input("pixels", [1, ...architecture.inputShape]);
  const parameter = (name: string) => inputs.get(name) ?? input(name, []);
  return architecture.forward(pixels, parameter, "frozen").logits;
}

/**
 * The bytes of an ONNX file with a trained network: input `pixels` [batch, channel, height, width] in [0, 1], output
 * `logits` [batch, classes], any batch. The network in the file has no noise; the noise is metadata.
 *
 * @example
 * ```ts
 * import { exportOnnx, importExported, openModel } from "rampart/node";
 *
 * const { architecture, parameters, ...metadata } = await openModel("runs/at");
 * const bytes = exportOnnx(architecture, parameters, metadata);
 * console.log(importExported(bytes).architecture.name);
 * ```
 */
export function exportOnnx(
  architecture: Architecture,
  parameters: Parameters,
  { defense, data, noise, classNames, input: spec, heldOut }: ModelMetadata,
): Uint8Array<ArrayBuffer> {
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
    { logits: logitsOf(architecture) },
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

/** Whether metadata claim that `exportOnnx` wrote the file. */
export const isExported = (metadata: Readonly<Record<string, string>>): boolean =>
  metadata["rampart.architecture"] !== undefined;

/** The contents of a file that `exportOnnx` wrote. */
export interface ExportedModel {
  readonly architecture: Architecture;
  readonly parameters: Parameters;
  readonly metadata: ModelMetadata;
  /** @deprecated The former name of `metadata`. */
  readonly card: ModelMetadata;
  /** Whether weights or metadata were changed since the export; false for older files, which have no checksum. */
  readonly changed: boolean;
}

type Stored = Readonly<Record<string, string>>;

/** What a parser gives; its error says that the file claims to be an export. */
function parsed<T>(parser: () => T): T {
  try {
    return parser();
  } catch (cause) {
    throw new UsageError(
      `this ONNX file says that rampart exported it, but ${messageOf(cause)}; export it again`,
      { code: "bad-file", cause },
    );
  }
}

/** The metadata of an exported file. Throws `UsageError` for damaged ones. */
export const exportedMetadata = (stored: Stored): ModelMetadata => ({
  defense: stored["rampart.defense"] ?? "standard",
  data: stored["rampart.data"] ?? "",
  noise: stored["rampart.noise"] || null,
  classNames: parsed(() => storedNames(stored["rampart.classes"] ?? "[]")),
  input: parsed(() => storedInput(stored["rampart.input"])),
  heldOut: parsed(() => storedHeldOut(stored["rampart.held_out"])),
});

/** The network that the metadata of an exported file name. Throws `UsageError` if there is none, or it is not known. */
export function exportedArchitecture(stored: Stored, file: string): Architecture {
  const name = stored["rampart.architecture"];
  if (name === undefined)
    throw new UsageError(
      "this ONNX file was not exported by rampart; open it as any other ONNX file",
      { code: "bad-file" },
    );
  return storedArchitecture(
    name,
    parsed(() => storedInput(stored["rampart.input"])),
    file,
  );
}

/**
 * Reads a file that `exportOnnx` wrote; `file` names it in messages. Reads weights and metadata, not the graph: `openModel` notices a graph that
 * was changed since. Throws `UsageError` for any other file, and for one whose arrays do not fit its
 * network.
 *
 * @example
 * ```ts
 * import { exportOnnx, importExported, openModel } from "rampart/node";
 *
 * const { architecture, parameters, ...metadata } = await openModel("runs/at");
 * const copy = importExported(exportOnnx(architecture, parameters, metadata));
 * console.log(copy.metadata.classNames.length);
 * ```
 */
export function importExported(bytes: Uint8Array, file = "this ONNX file"): ExportedModel {
  const { metadata: stored, initializers } = readOnnx(bytes);
  const architecture = exportedArchitecture(stored, file);
  const metadata = exportedMetadata(stored);
  for (const spec of architecture.parameters)
    requireArray(architecture.name, spec, initializers[spec.name]);
  const parameters = Object.fromEntries(
    architecture.parameters.map(({ name: array }) => [array, initializers[array] as Tensor]),
  );
  const checksum = stored[CHECKSUM];
  return {
    architecture,
    parameters,
    metadata,
    card: metadata,
    changed: checksum !== undefined && checksum !== modelChecksum(parameters, stored),
  };
}

/** Throws `UsageError` unless a file's array has the type and shape that network `name` needs. */
function requireArray(name: string, spec: ParameterSpec, array: NdArray | undefined): void {
  if (array?.dtype === "float32" && array.shape.join() === spec.shape.join()) return;
  const found = array === undefined ? "none" : `${array.dtype} [${array.shape.join(", ")}]`;
  throw new UsageError(
    `the file says it holds a ${name}, whose ${spec.name} is [${spec.shape.join(", ")}], but holds ${found}; export it again`,
    { code: "bad-file" },
  );
}
