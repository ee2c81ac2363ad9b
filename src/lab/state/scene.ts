// What the page shows. The scene is in the address, so it can be sent to somebody; the data is not.
import { effect, type Signal, signal } from "@preact/signals";
import type { Device, Norm } from "../protocol.ts";

/** The views of the page. */
export const views = [
  "attack",
  "norms",
  "slice",
  "noise",
  "guarantees",
  "theorem",
  "audit",
] as const;
export type View = (typeof views)[number];

export const norms = ["linf", "l2", "l1"] as const satisfies readonly Norm[];

export const view = signal<View>("attack");
/** The shipped network; `file` for one that was dropped. */
export const networkName = signal("shapes-standard");
/** Position of the image among those of the page. */
export const imageIndex = signal(0);
export const attackName = signal("pgd");
export const norm = signal<Norm>("linf");
/** The radius in `norm`, for pixels in [0, 1]. */
export const epsilon = signal(0.031);
export const steps = signal(20);
/** Draws averaged at each step on a randomised model. */
export const eot = signal(8);
export const seed = signal(0);
/** Noise that is added at every prediction, such as `normal:0.25`; empty for that of the model itself. */
export const addedNoise = signal("");
/** Where networks run. */
export const device = signal<Device>("cpu");
/** Threads of WebAssembly; 0 for one per core, up to four. */
export const threads = signal(0);
/** Dimension of Theorem 1. */
export const dimension = signal(2);

const devices = ["cpu", "webgpu"] as const satisfies readonly Device[];

const oneOf =
  <T extends string>(values: readonly T[]) =>
  (text: string): T | undefined =>
    values.find((value) => value === text);
const name = (text: string) => (/^[a-z0-9-]{1,40}$/.test(text) ? text : undefined);
const noiseText = (text: string) => (/^[a-z0-9:.,-]{0,40}$/.test(text) ? text : undefined);
const numberIn = (low: number, high: number) => (text: string) => {
  const value = Number(text);
  return text !== "" && value >= low && value <= high ? value : undefined;
};
const wholeIn = (low: number, high: number) => (text: string) => {
  const value = numberIn(low, high)(text);
  return Number.isInteger(value) ? value : undefined;
};

/** A signal that is in the address, and how its text is read; undefined for a text that makes no sense. */
interface Field<T> {
  readonly value: Signal<T>;
  readonly initial: T;
  read(text: string): T | undefined;
}

function field<T>(value: Signal<T>, read: (text: string) => T | undefined): Field<T> {
  return { value, initial: value.peek(), read };
}

const fields = {
  view: field(view, oneOf(views)),
  model: field(networkName, name),
  image: field(imageIndex, wholeIn(0, 9999)),
  attack: field(attackName, name),
  norm: field(norm, oneOf(norms)),
  epsilon: field(epsilon, numberIn(1e-6, 1e6)),
  steps: field(steps, wholeIn(1, 1000)),
  eot: field(eot, wholeIn(1, 256)),
  seed: field(seed, wholeIn(0, 2 ** 31)),
  noise: field(addedNoise, noiseText),
  device: field(device, oneOf(devices)),
  threads: field(threads, wholeIn(0, 64)),
  dimension: field(dimension, wholeIn(1, 10_000)),
} as const;

function readField<T>({ value, read }: Field<T>, text: string | null): void {
  const found = text === null ? undefined : read(text);
  if (found !== undefined) value.value = found;
}

/** Takes the scene from an address; what makes no sense there keeps its default. */
export function readScene(search: string): void {
  const given = new URLSearchParams(search);
  for (const [key, one] of Object.entries(fields)) readField(one as Field<unknown>, given.get(key));
}

/** The scene as the query of an address; defaults are left out. */
export function sceneQuery(): string {
  const query = new URLSearchParams();
  for (const [key, { value, initial }] of Object.entries(fields))
    if (value.value !== initial) query.set(key, String(value.value));
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** Keeps the address of the page in step with the scene. */
export function followScene(): void {
  effect(() => {
    history.replaceState(null, "", `${location.pathname}${sceneQuery()}`);
  });
}
