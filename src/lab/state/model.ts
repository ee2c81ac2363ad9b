// The open model and the images of the page.
import { computed, signal } from "@preact/signals";
import type { AttackFacts, ModelFacts, Picture, RuntimeFacts } from "../protocol.ts";
import { imageIndex, networkName } from "./scene.ts";
import { busy, lab, unwrapped } from "./worker.ts";

/** A network that the lab ships. */
export interface Shipped {
  readonly name: string;
  readonly title: string;
  readonly data: string;
  readonly bytes: number;
  readonly command: string;
  /** Shares of 200 test images that are right: clean, and under PGD in the paper's balls. */
  readonly accuracy: { readonly clean: number; readonly linf: number; readonly l2: number };
}

export const runtime = signal<RuntimeFacts | null>(null);
export const shipped = signal<readonly Shipped[]>([]);
export const attacks = signal<readonly AttackFacts[]>([]);
export const model = signal<ModelFacts | null>(null);
/** Images that fit the model. */
export const pictures = signal<readonly Picture[]>([]);
/** The image that is attacked; null if there is none. */
export const picture = computed<Picture | null>(() => pictures.value[imageIndex.value] ?? null);

const here = (path: string): string => new URL(path, document.baseURI).href;

const isList = (value: unknown): value is readonly Shipped[] => Array.isArray(value);

/** Reads the list of shipped networks. */
export async function loadShipped(): Promise<void> {
  const response = await fetch(here("networks/networks.json"));
  const list: unknown = response.ok ? await response.json() : [];
  shipped.value = isList(list) ? list : [];
}

/** Images of the shipped data set. */
const SHAPES = 30;

/** Opens a shipped network, and brings its images. */
export async function openShipped(name: string): Promise<void> {
  const found = shipped.value.find((one) => one.name === name) ?? shipped.value[0];
  if (found === undefined) return;
  busy.value = `opening ${found.name}`;
  const opened = await unwrapped(
    lab.openShipped(`${found.name}.onnx`, here(`networks/${found.name}.onnx`)),
  );
  busy.value = null;
  if (opened === null) return;
  networkName.value = found.name;
  if (found.data === "shapes" && pictures.value.every(({ shape }) => shape[0] !== 3))
    pictures.value = (await unwrapped(lab.shapes(SHAPES))) ?? [];
  model.value = opened;
}
