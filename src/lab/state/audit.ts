// The audit of the page.
import { computed, signal } from "@preact/signals";
import { proxy } from "comlink";
import type { AuditProgress, AuditSettings, AuditState, Norm, Picture } from "../protocol.ts";
import { radiusOf } from "../view/radii.ts";
import { model, ownImages, pictures, shipped } from "./model.ts";
import { addedNoise, networkName, seed } from "./scene.ts";
import { lab, unwrapped } from "./worker.ts";

/** The stored audit; null if there is none. */
export const state = signal<AuditState | null>(null);
export const isRunning = signal(false);
export const progress = signal<AuditProgress | null>(null);
/** Seconds that are left, estimated from the rows since the audit was continued; null while too little is known. */
export const secondsLeft = signal<number | null>(null);
/** The report of the finished audit as a page; null before. */
export const report = signal<string | null>(null);
export const summary = signal<Summary | null>(null);

/** What the page shows of summary.json. */
export interface Summary {
  readonly examples: number;
  readonly valid: boolean;
  readonly clean: { readonly mean: number };
  readonly union: { readonly mean: number; readonly low: number; readonly high: number };
  readonly norms: readonly {
    readonly norm: Norm;
    readonly epsilon: number;
    readonly accuracy: { readonly mean: number };
  }[];
}

/** Whether the page shows `shapes`, of which it can draw more than its samples. */
export const drawsShapes = computed(
  () =>
    ownImages.value.length === 0 &&
    shipped.value.find(({ name }) => name === networkName.value)?.data === "shapes",
);

/** Images with a known class that an audit can take. */
export const available = computed(() =>
  drawsShapes.value ? 1000 : pictures.value.filter(({ label }) => label !== null).length,
);

async function chosen(count: number): Promise<readonly Picture[]> {
  if (drawsShapes.value) return (await unwrapped(lab.shapes(count))) ?? [];
  return pictures.value.filter(({ label }) => label !== null).slice(0, count);
}

const parsed = (bytes: Uint8Array): Summary => JSON.parse(new TextDecoder().decode(bytes));

/** Shows the report and the summary, if the audit is done. */
async function showResult(): Promise<void> {
  if (report.value !== null) URL.revokeObjectURL(report.value);
  const [page, numbers] = [await lab.auditFile("report.html"), await lab.auditFile("summary.json")];
  const blob = (bytes: Uint8Array) =>
    new Blob([bytes as Uint8Array<ArrayBuffer>], { type: "text/html" });
  report.value = page === null ? null : URL.createObjectURL(blob(page));
  summary.value = numbers === null ? null : parsed(numbers);
}

/** Takes the progress, and measures how fast it is. */
function watch(): (now: AuditProgress) => void {
  let first: { readonly done: number; readonly at: number } | undefined;
  return (now) => {
    first ??= { done: now.done, at: performance.now() };
    progress.value = now;
    const rows = now.done - first.done;
    const seconds = (performance.now() - first.at) / 1000;
    secondsLeft.value = rows < 3 ? null : ((now.total - now.done) * seconds) / rows;
  };
}

/** Runs the stored audit, from where it stopped. */
export async function goOn(): Promise<void> {
  if (isRunning.value) return;
  isRunning.value = true;
  secondsLeft.value = null;
  const found = await unwrapped(lab.goOnAudit(proxy(watch())));
  isRunning.value = false;
  if (found !== null) state.value = found;
  await showResult();
}

/** Starts an audit of the open model, which replaces the last one. */
export async function startAudit(
  norms: readonly Norm[],
  budget: AuditSettings["budget"],
  count: number,
): Promise<void> {
  const radius = (norm: Norm) => radiusOf(norm, model.value);
  const epsilon = { linf: radius("linf"), l2: radius("l2"), l1: radius("l1") };
  const noise = addedNoise.value === "" ? null : addedNoise.value;
  const settings = { norms, budget, epsilon, seed: seed.value, noise };
  const stored = await unwrapped(
    lab.newAudit(settings, await chosen(count)).then((answer) => {
      return "value" in answer ? { value: true } : answer;
    }),
  );
  if (stored === null) return;
  progress.value = null;
  report.value = null;
  summary.value = null;
  state.value = await unwrapped(lab.auditState());
  await goOn();
}

export const pauseAudit = (): void => void lab.pauseAudit();

/** Forgets the stored audit. */
export async function discard(): Promise<void> {
  await lab.pauseAudit();
  await unwrapped(lab.discardAudit());
  state.value = null;
  progress.value = null;
  report.value = null;
  summary.value = null;
}

/** Finds the stored audit, and continues one that was running when the page was left. */
export async function findAudit(): Promise<void> {
  const found = await unwrapped(lab.auditState());
  state.value = found;
  if (found === null) return;
  if (found.isDone) await showResult();
  else if (found.isRunning) await goOn();
}
