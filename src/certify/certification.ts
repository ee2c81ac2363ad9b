// Certifies the test images of a data set, one row each.
import type { Victim } from "../attacks/victim.ts";
import type { Dataset } from "../data/dataset.ts";
import { StatedImages } from "../data/image-checksum.ts";
import type { Host } from "../files/host/host.ts";
import { RowsFile, type RowsFormat } from "../files/rows/rows-file.ts";
import { settingsRecord } from "../files/rows/settings-record.ts";
import { openedJson } from "../files/sealed.ts";
import type { Storage } from "../files/storage/storage.ts";
import type { OnNote } from "../math/note.ts";
import { recordedPlugins } from "../math/plugin.ts";
import { fold, type Key, keyOf, nameToNumber } from "../math/random.ts";
import { UsageError } from "../math/usage-error.ts";
import { certificateOf } from "./certificates.ts";
import { type CertifiedImage, type CertifyOptions, certify, probabilityFor } from "./certify.ts";
import { chosenImages } from "./chosen-images.ts";
import { gridNoises, onGrid } from "./grid-noise.ts";
import { noisyImages, type Sampling } from "./noisy-images.ts";
import { type CertificationOptions, drawsOf } from "./options.ts";
import { predict } from "./predict.ts";
import { noRadii } from "./radii.ts";
import { type CertificateRow, parseCertificates } from "./row.ts";
import { checkDraws, requireSound, type SmoothedClassifier } from "./smoothed.ts";
import type { BaseClassifier } from "./votes.ts";

/** The base network of the smoothed classifier, and its identity. */
export interface CertifiedModel {
  /** The run directory or file. */
  readonly path: string;
  readonly name: string;
  readonly defense: string;
  /** The noise in the model's metadata; null if there is none. */
  readonly noise: string | null;
  /** A checksum that identifies the weights. */
  readonly weights: string;
  /** How a third-party file is read: mean, std and so on. */
  readonly reading?: Readonly<Record<string, unknown>> | undefined;
  readonly network: Pick<Victim, "logits">;
}

/** A certification on any platform. */
export interface Certification {
  readonly model: CertifiedModel;
  readonly dataset: Dataset;
  /** The runtime target that the network was compiled for; recorded in every row. */
  readonly target: Readonly<Record<string, unknown>>;
  /** The destination of rows, and the name of their file; undefined if rows are only returned. */
  readonly out?: { readonly storage: Storage; readonly name: string } | undefined;
  readonly resume?: boolean;
  readonly host: Host;
  /** The chosen images from position `from` up to but excluding `to`; by default all. */
  readonly range?: { readonly from: number; readonly to: number } | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly note?: OnNote;
  /** The command as typed, for the record. */
  readonly command?: string | undefined;
}

/** One row, and the progress of the certification. */
export interface CertifyEvent {
  readonly row: CertificateRow;
  readonly done: number;
  readonly total: number;
}

/** The key of a test image's draws, independent of other images. */
const keyOfImage = (seed: number, index: number): Key =>
  fold(fold(keyOf(seed), nameToNumber("certify")), index);

/** The noise of the certificates. Throws `UsageError` if there is none, or if it has no certificate. */
function noiseOf(model: CertifiedModel, given: string | undefined): string {
  const noise = given ?? model.noise;
  if (noise === null)
    throw new UsageError(
      `${model.path} states no noise, and only a classifier under noise is certified; add --noise normal:0.25`,
      { code: "missing-option" },
    );
  return certificateOf(noise).noise;
}

/** The first image with a pixel that is not a multiple of 1/255; undefined if there is none. */
const firstOffGrid = ({ test }: Dataset, indices: readonly number[]): number | undefined =>
  indices.find((index) => "offGrid" in onGrid(test.images([index]).data));

/** Whether every component of the noise can be drawn on the grid. */
const isGridNoise = (noise: string): boolean =>
  certificateOf(noise).draws !== null ||
  certificateOf(noise).components.every((one) => gridNoises.includes(one.split(":")[0]));

/** The requested sampling; by default sound, or naive with a note if images do not have 8-bit pixels. */
function samplingOf(
  options: CertificationOptions,
  { dataset, noise, note }: { dataset: Dataset; noise: string; note: OnNote },
): Sampling {
  const { sampling } = options;
  const { draws } = certificateOf(noise);
  if (draws !== null) {
    requireSound(noise, sampling ?? "sound");
    note({
      code: "warning",
      text: `${noise} has ${draws} draws on an 8-bit image. All are counted, so n, n0 and alpha have no effect`,
    });
  }
  if (sampling === "naive") return "naive";
  if (sampling === undefined && !isGridNoise(noise)) {
    note({
      code: "warning",
      text: `${noise} cannot be drawn on the grid of 8-bit pixels: it is drawn in float32 (--sampling naive), where rounding may make a radius wrong`,
    });
    return "naive";
  }
  const index = firstOffGrid(dataset, chosenImages(options, dataset.test));
  if (index === undefined) return "sound";
  const text = `image ${index} of ${dataset.name} has pixels that are not multiples of 1/255`;
  const images = "8-bit images of the network's size";
  if (sampling === "sound" || draws !== null)
    throw new UsageError(
      `${text}, which sound sampling needs; use ${draws === null ? `--sampling naive, or ${images}` : images}`,
      { code: "misfit" },
    );
  note({
    code: "warning",
    text: `${text}: noise is drawn in float32 (--sampling naive), where rounding may make a radius wrong`,
  });
  return "naive";
}

/** The settings that all rows of one file share. */
type Shared = Readonly<Record<string, unknown>>;

const formatOf = (
  settings: Shared,
  compared: Shared,
  images: StatedImages,
): RowsFormat<CertificateRow> => ({
  settings,
  parse(file, contents) {
    const stored = parseCertificates(file, contents);
    // Rows beyond the images of this run belong to a run of more examples.
    for (const row of stored.rows)
      if (row.index < images.size) images.require(row, `${file} holds rows of other images`);
    return stored;
  },
  checkSettings({ file, text, rows }) {
    const before = openedJson(file, text, "choose another --out").compared as Shared | undefined;
    const names = Object.keys(compared).filter(
      (name) => JSON.stringify(compared[name]) !== JSON.stringify(before?.[name]),
    );
    if (names.length === 0) return;
    const listed = (values: Shared | undefined) =>
      names.map((name) => `${name} ${JSON.stringify(values?.[name] ?? null)}`).join(", ");
    throw new UsageError(
      `${rows} holds rows with ${listed(before)}, but this run has ${listed(compared)}`,
      { code: "misfit", next: "use the stored settings, or choose another --out" },
    );
  },
});

/** The parts that all rows of a certification have in common. */
interface Prepared {
  readonly noise: string;
  readonly sampling: Sampling;
  readonly draws: CertifyOptions;
  readonly format: RowsFormat<CertificateRow>;
}

function prepared(
  { model, dataset, target, host, command, note = () => undefined }: Certification,
  options: CertificationOptions,
  images: StatedImages,
): Prepared {
  const draws = drawsOf(options);
  checkDraws(draws);
  const noise = noiseOf(model, options.noise);
  if (draws.target !== undefined) probabilityFor(noise, draws.target, dataset.shape);
  const sampling = samplingOf(options, { dataset, noise, note });
  const certificate = certificateOf(noise);
  for (const component of certificate.draws === null ? certificate.components : [])
    noisyImages(component, dataset.shape, sampling);
  const compared = {
    model: model.weights,
    reading: model.reading ?? {},
    data: dataset.name,
    noise,
    sampling,
    alpha: draws.alpha,
    n0: draws.n0,
    n: draws.n,
    sequential: draws.target ?? null,
    predict: options.predict ? true : undefined,
    seed: options.seed,
    choose: options.choose === "random" ? "random" : undefined,
    batch: options.batch,
    target,
  };
  const record = settingsRecord({ model, host, command }, compared);
  const plugins = recordedPlugins();
  const settings = Object.assign({ kind: "certificates" }, record, { plugins });
  return { noise, sampling, draws, format: formatOf(settings, compared, images) };
}

/** A prediction as a certificate of radius 0. */
async function predicted(
  smoothed: SmoothedClassifier,
  image: Float32Array,
  { key, draws }: { readonly key: Key; readonly draws: CertifyOptions },
): Promise<CertifiedImage> {
  const { prediction, n, counts } = await predict(smoothed, image, key, draws);
  const component = { noise: smoothed.noise, n, counts, pLower: 0 };
  return { prediction, components: [component], radius: noRadii };
}

/**
 * Certifies test images and yields each row once it is written; rows that a resumed file holds come first. A row does not
 * depend on the order, on the other rows, or on when the run was stopped. Throws `UsageError` for options, noise or images that
 * do not fit.
 */
export async function* certifyDataset(
  certification: Certification,
  options: CertificationOptions,
): AsyncGenerator<CertifyEvent, void, void> {
  const { model, dataset, target, out, resume = false, host, signal, note } = certification;
  const { test, shape, classes } = dataset;
  const images = new StatedImages(test);
  const { noise, sampling, draws, format } = prepared(certification, options, images);
  const { from, to } = certification.range ?? { from: 0, to: Number.POSITIVE_INFINITY };
  const chosen = chosenImages(options, test).slice(from, to);
  const total = chosen.length;
  const isExact = certificateOf(noise).draws !== null;
  const file =
    out === undefined ? null : await RowsFile.open({ ...out, format, resume, note, signal });
  try {
    const isChosen = new Set(chosen);
    const stored = (file?.rows ?? []).filter(({ index }) => isChosen.has(index));
    let done = 0;
    for (const row of stored) yield { row, done: ++done, total };
    const finished = new Set(stored.map(({ index }) => index));
    await file?.prepare();
    const network: BaseClassifier = model.network;
    const { batch, seed } = options;
    const smoothed = {
      network,
      shape,
      classes: classes.length,
      noise,
      sampling,
      batch,
      signal,
      note,
    };
    for (const index of chosen) {
      if (signal?.aborted) break;
      if (finished.has(index)) continue;
      const started = host.now().getTime();
      const image = test.images([index]).data;
      const key = keyOfImage(seed, index);
      const found = options.predict
        ? await predicted(smoothed, image, { key, draws })
        : await certify(smoothed, image, key, draws);
      const row: CertificateRow = {
        index,
        image: images.checksum(index),
        label: test.labels[index],
        prediction: found.prediction,
        noise,
        alpha: isExact ? 0 : draws.alpha,
        n0: isExact || options.predict ? 0 : draws.n0,
        components: found.components.map(({ noise: component, n, counts, pLower }) => ({
          noise: component,
          n,
          counts: [...counts],
          pLower,
        })),
        radius: found.radius,
        sampling,
        runtime: { ...target, batch },
        seconds: (host.now().getTime() - started) / 1000,
      };
      await file?.check();
      await file?.append([row]);
      yield { row, done: ++done, total };
    }
  } catch (error) {
    if (!signal?.aborted || error !== signal.reason) throw error;
  } finally {
    await file?.close();
  }
}
