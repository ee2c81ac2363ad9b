// Figure 1 on the image of the page: the plane of its two attacks, decided from coarse to fine, and a point that the
// user drags.
import { computed, effect, signal, untracked } from "@preact/signals";
import type { Remote } from "comlink";
import type { Point, SliceFacts, SlicePlace, SliceWindow } from "../protocol.ts";
import type { SliceRun } from "../worker/slice-run.ts";
import { clean, labelOf } from "./attack.ts";
import { model, picture } from "./model.ts";
import { radii } from "./norms.ts";
import { eot, seed, steps, view } from "./scene.ts";
import { lab, unwrapped } from "./worker.ts";

/** Cells along a side, from a first sketch to the final drawing. */
const RESOLUTIONS = [12, 24, 48, 96] as const;
/** Milliseconds that one batch of cells may take. */
const BATCH_TIME = 120;
const MIN_BATCH = 16;
const MAX_BATCH = 256;

/** Decisions that are drawn, the cells so far. */
export interface Drawn {
  readonly window: SliceWindow;
  readonly regions: readonly number[];
  readonly leads: readonly number[];
}

/** The plane; null while the attacks run. */
export const slice = signal<SliceFacts | null>(null);
/** The last resolution that is whole. */
export const drawn = signal<Drawn | null>(null);
/** Share of the cells that are decided. */
export const share = signal(0);
/** The part of the plane that is shown. */
export const shown = signal<{ readonly centre: Point; readonly half: number }>({
  centre: [0, 0],
  half: 1,
});
/** The point that the user drags. */
export const point = signal<Point>([0, 0]);
/** What is at the point; null while it is not known. */
export const place = signal<SlicePlace | null>(null);
/** The radii of the balls that are drawn. Dragging one changes it, and the plane stays. */
export const drawnRadii = signal<{ readonly linf: number; readonly l2: number }>({
  linf: 0,
  l2: 0,
});

let run: Remote<SliceRun> | undefined;
/** Counts planes and windows; decisions that were asked for before are dropped. */
let load = 0;

/** Decides the cells of a window at one resolution; null if another window was asked for meanwhile. */
async function decided(asked: Remote<SliceRun>, window: SliceWindow): Promise<Drawn | null> {
  const own = load;
  const cells = window.resolution ** 2;
  const regions: number[] = [];
  const leads: number[] = [];
  let count = MIN_BATCH;
  while (regions.length < cells) {
    const started = performance.now();
    const found = await unwrapped(
      asked.cells(window, regions.length, Math.min(count, cells - regions.length)),
    );
    if (own !== load || found === null) return null;
    regions.push(...found.regions);
    leads.push(...found.leads);
    share.value = regions.length / cells;
    const factor = BATCH_TIME / Math.max(1, performance.now() - started);
    count = Math.max(MIN_BATCH, Math.min(MAX_BATCH, Math.round(count * Math.min(2, factor))));
  }
  return { window, regions, leads };
}

/** Decides the window that is shown, finer and finer. */
async function draw(): Promise<void> {
  const own = ++load;
  const asked = run;
  if (asked === undefined || slice.value === null) return;
  const { centre, half } = shown.value;
  for (const resolution of RESOLUTIONS) {
    const found = await decided(asked, { centre, half, resolution });
    if (found === null || own !== load) return;
    drawn.value = found;
  }
}

/** Finds the plane of the page's image. */
async function begin(): Promise<void> {
  const own = ++load;
  const [one, before] = [picture.value, clean.value];
  void run?.stop();
  run = undefined;
  slice.value = null;
  drawn.value = null;
  place.value = null;
  if (one === null || before === null) return;
  const { linf, l2 } = radii.value;
  const settings = {
    linf,
    l2,
    steps: steps.value,
    eot: eot.value,
    seed: seed.value,
    label: labelOf(one, before),
  };
  const asked = (await lab.slice(settings, one)) as unknown as Remote<SliceRun>;
  if (own !== load) return;
  run = asked;
  const found = await asked.facts();
  if (own !== load) return;
  const facts = await unwrapped(found);
  if (facts === null) return;
  drawnRadii.value = { linf, l2 };
  shown.value = { centre: [0, 0], half: facts.half };
  point.value = [facts.l2.at[0] / 2, facts.l2.at[1] / 2];
  slice.value = facts;
}

/** Shows more or less of the plane, around the image. */
export function zoomPlane(factor: number): void {
  const { centre, half } = shown.value;
  shown.value = { centre, half: half * factor };
}

/** Moves the point. */
export function movePoint(to: Point): void {
  point.value = to;
}

/** Whether the point is in each ball. */
export const inside = computed(() => {
  const [found, { linf, l2 }] = [place.value, drawnRadii.value];
  if (found === null) return { linf: false, l2: false };
  const ROUNDING = 1 + 1e-6;
  return { linf: found.sizes.linf <= linf * ROUNDING, l2: found.sizes.l2 <= l2 * ROUNDING };
});

let isAsking = false;

/** Asks what is at the point, one question at a time: a drag is faster than a network. */
async function look(): Promise<void> {
  if (isAsking || run === undefined) return;
  isAsking = true;
  const [asked, at] = [run, point.value];
  const found = await unwrapped(asked.at(at));
  isAsking = false;
  if (asked !== run) return;
  if (found !== null) place.value = found;
  if (at !== point.value) await look();
}

/** Starts again with each image, model and setting while the view is open. */
export function followSlice(): void {
  effect(() => {
    void [model.value, picture.value, clean.value, radii.value, steps.value, eot.value, seed.value];
    const isShown = view.value === "slice";
    untracked(() => {
      if (isShown) void begin();
      else load++;
    });
  });
  effect(() => {
    if (slice.value === null) return;
    void shown.value;
    untracked(() => void draw());
  });
  effect(() => {
    if (slice.value === null) return;
    void point.value;
    untracked(() => void look());
  });
}
