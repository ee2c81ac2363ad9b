// An audit in the page. Everything that it needs to continue is stored, so that it survives a reload.
import { audit, imageDataset, type Runtime, tensor, UsageError } from "../../index.ts";
import type { AuditProgress, AuditSettings, AuditState, Picture } from "../protocol.ts";
import { changing, reading } from "./database.ts";
import { clearStorage, pageStorage } from "./page-storage.ts";

/** A model as it was opened, to be opened again. */
export interface ModelSource {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly external: Readonly<Record<string, Uint8Array>>;
  /** Options of the importer. */
  readonly reading: Readonly<Record<string, unknown>>;
}

/** A stored audit. */
interface Job {
  readonly model: ModelSource;
  readonly classes: readonly string[];
  readonly settings: AuditSettings;
  readonly pictures: readonly Picture[];
  /** False while it is paused. */
  readonly isRunning: boolean;
}

const JOB = "audit";
const FOLDER = "audit";

const storedJob = async (): Promise<Job | null> =>
  (await reading<Job | undefined>("jobs", (jobs) => jobs.get(JOB))) ?? null;

const store = (job: Job): Promise<void> => changing("jobs", (jobs) => void jobs.put(job, JOB));

/** The images of a job as a data set. */
function datasetOf({ pictures, classes }: Job) {
  const [{ shape, pixels }] = pictures;
  const images = tensor([pictures.length, ...shape]);
  pictures.forEach((one, i) => {
    images.data.set(one.pixels, i * pixels.length);
  });
  const labels = pictures.map(({ label }) => label ?? 0);
  return imageDataset({ images, labels, classes, name: "images of the page" });
}

/** What the page shows of the stored audit; null if there is none. */
export async function auditState(): Promise<AuditState | null> {
  const job = await storedJob();
  if (job === null) return null;
  const summary = await pageStorage(FOLDER).readIfThere("summary.json");
  return {
    model: job.model.name,
    images: job.pictures.length,
    settings: job.settings,
    isRunning: job.isRunning,
    isDone: summary !== null,
  };
}

/** Stores a new audit, which replaces the last one. Throws `UsageError` without images whose class is known. */
export async function newAudit(
  model: ModelSource,
  classes: readonly string[],
  settings: AuditSettings,
  pictures: readonly Picture[],
): Promise<void> {
  const labelled = pictures.filter(({ label }) => label !== null);
  if (labelled.length === 0)
    throw new UsageError("an audit needs the true class of each image, and no image has one", {
      code: "misfit",
      next: "drop a folder per class, named after the class or its number",
    });
  await clearStorage(FOLDER);
  await store({ model, classes, settings, pictures: labelled, isRunning: true });
}

/** Removes the stored audit. */
export async function discardAudit(): Promise<void> {
  await clearStorage(FOLDER);
  await changing("jobs", (jobs) => void jobs.delete(JOB));
}

/** Runs or continues the stored audit until it is done or `signal` aborts. */
export async function runAudit(
  device: Runtime,
  signal: AbortSignal,
  onProgress: (progress: AuditProgress) => void,
): Promise<void> {
  const job = await storedJob();
  if (job === null) return;
  await store({ ...job, isRunning: true });
  const { model, settings } = job;
  try {
    await audit(model.bytes, {
      ...model.reading,
      name: model.name,
      external: model.external,
      device,
      data: datasetOf(job),
      norms: settings.norms,
      budget: settings.budget,
      epsilonLinf: settings.epsilon.linf,
      epsilonL2: settings.epsilon.l2,
      epsilonL1: settings.epsilon.l1,
      examples: job.pictures.length,
      seed: settings.seed,
      noise: settings.noise ?? undefined,
      out: pageStorage(FOLDER),
      resume: true,
      signal,
      onEvent: (event) => {
        if (event.event === "row") onProgress({ done: event.done, total: event.total });
      },
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await store({ ...job, isRunning: false });
  }
}

/** A file of the audit; null if it is not there. */
export const auditFile = (name: string): Promise<Uint8Array | null> =>
  pageStorage(FOLDER).readIfThere(name);

/** The names of all files of the audit. */
export async function auditFiles(): Promise<string[]> {
  const prefix = `${FOLDER}/`;
  const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
  const keys = await reading("files", (files) => files.getAllKeys(range));
  return keys.map((key) => String(key).slice(prefix.length));
}
