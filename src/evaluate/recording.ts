// The settings of an evaluation, as they are recorded beside its rows.
import type { Dataset } from "../data/dataset.ts";
import { type ImageOptions, statedImageOptions } from "../data/image-options.ts";
import type { Host } from "../files/host/host.ts";
import { version } from "../files/version.ts";
import { defined } from "../math/defined.ts";
import type { OnNote } from "../math/note.ts";
import { recordedPlugins } from "../math/plugin.ts";
import { parameterCount } from "../models/architecture.ts";
import { predictionMacs } from "../models/flops.ts";
import type { Noise } from "../noise/noise.ts";
import type { Model } from "./model.ts";
import { type ReadText, recordedTraining, weightsHash } from "./model-record.ts";
import type { ResolvedOptions } from "./options.ts";
import { type CustomAttacks, customOptions } from "./runs.ts";
import { type Settings, storedOptions } from "./settings.ts";
import { unusedOptions } from "./unused-options.ts";

/** The inputs of the settings. */
export interface Recorded {
  readonly model: Model;
  readonly dataset: Dataset;
  readonly options: ResolvedOptions;
  /** The noise of the evaluated model; null for a deterministic one. */
  readonly noise: Noise | null;
  /** A warning about the test images; null if there is none. */
  readonly warning: string | null;
  readonly images: ImageOptions | undefined;
  /** The file with the names of the outputs; undefined without one. */
  readonly classes?: string | undefined;
  readonly customAttacks: CustomAttacks | undefined;
  readonly target: Settings["target"];
  readonly command: string | undefined;
  readonly kind?: Settings["kind"];
  readonly note: OnNote;
  readonly host: Host;
  /** Reads the record of the model's training; undefined where no path leads to files. */
  readonly readText: ReadText | undefined;
}

/** The settings of an evaluation that starts now. Gives a note if the record of training cannot be read. */
export async function settingsOf(recorded: Recorded): Promise<Settings> {
  const { model, dataset, options, noise, warning, images, target, note, host } = recorded;
  const imageOptions = images === undefined ? {} : statedImageOptions(images);
  return {
    model: {
      name: model.name,
      path: model.path,
      defense: model.defense,
      data: model.data,
      architecture: model.architecture.name,
      weights: model.weights ?? (await weightsHash(model.parameters, host)),
      reading: { ...model.reading, ...imageOptions, ...defined({ classes: recorded.classes }) },
      parameters: parameterCount(model.architecture),
      macs: predictionMacs(model.architecture),
      noise: noise?.name ?? null,
      noiseText: noise === null ? null : (noise.describe?.() ?? noise.name),
      classNames: model.classNames,
      training: await recordedTraining(model.path, recorded.readText, note),
      config: model.config,
    },
    data: dataset.name,
    images: Math.min(options.examples, dataset.test.size),
    kind: recorded.kind,
    warnings: warning === null ? undefined : [warning],
    options: {
      ...storedOptions(options),
      noise: noise?.name ?? null,
      ...defined({ noiseGrid: noise?.grid }),
      ...customOptions(recorded.customAttacks),
    },
    unused: unusedOptions(options.attacks, noise !== null),
    versions: { rampart: version, engine: String(target.engine) },
    machine: host.machine(),
    target,
    command: recorded.command ?? null,
    plugins: recordedPlugins(),
    started: host.now().toISOString(),
  };
}
