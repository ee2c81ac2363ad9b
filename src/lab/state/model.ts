// The open model and the images of the page.
import { batch, computed, signal } from "@preact/signals";
import type {
  AttackFacts,
  Device,
  ImageFile,
  ModelFacts,
  Picture,
  RuntimeFacts,
} from "../protocol.ts";
import { radiusOf } from "../view/radii.ts";
import { digits } from "./digits.ts";
import { addedNoise, device, epsilon, imageIndex, networkName, norm } from "./scene.ts";
import { busy, lab, unwrapped } from "./worker.ts";

/** A network that the lab ships. */
export interface Shipped {
  readonly name: string;
  readonly title: string;
  readonly data: string;
  readonly bytes: number;
  readonly command: string;
  /** Shares of the first 100 test images that are right: clean, and under PGD in the paper's balls. */
  readonly accuracy: { readonly clean: number; readonly linf: number; readonly l2: number };
}

export const runtime = signal<RuntimeFacts | null>(null);
/** Whether the browser has a GPU for WebGPU. */
export const offersWebgpu = signal(false);
export const shipped = signal<readonly Shipped[]>([]);
export const attacks = signal<readonly AttackFacts[]>([]);
export const model = signal<ModelFacts | null>(null);
/** Images that fit the model. */
export const pictures = signal<readonly Picture[]>([]);
/** Image files of the user; none while the page shows its samples. */
export const ownImages = signal<readonly ImageFile[]>([]);
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

/** The data set of the present images; null before the first. */
let pictured: string | null = null;

/** The images that come with a data set. */
async function picturesOf(data: string): Promise<readonly Picture[]> {
  if (data !== "shapes") return digits();
  return (await unwrapped(lab.shapes(SHAPES))) ?? [];
}

/** Opens a shipped network, and brings its images. */
export async function openShipped(name: string): Promise<void> {
  const found = shipped.value.find((one) => one.name === name) ?? shipped.value[0];
  if (found === undefined) return;
  busy.value = `opening ${found.name}`;
  const isNewData = found.data !== pictured && ownImages.value.length === 0;
  // The worker draws the images while it waits for the network and for WebAssembly.
  const [opened, own] = await Promise.all([
    unwrapped(lab.openShipped(`${found.name}.onnx`, here(`networks/${found.name}.onnx`))),
    isNewData ? picturesOf(found.data) : pictures.value,
  ]);
  busy.value = null;
  if (opened === null) return;
  batch(() => {
    if (isNewData && pictured !== null) {
      imageIndex.value = 0;
      epsilon.value = radiusOf(norm.value, opened);
    }
    if (isNewData) pictured = found.data;
    if (model.value !== null) addedNoise.value = "";
    networkName.value = found.name;
    pictures.value = own;
    model.value = opened;
  });
}

/** Adds noise to the open model at every prediction; empty for that of the model itself. A problem for an unknown noise. */
export async function useNoise(noise: string): Promise<void> {
  const found = await unwrapped(lab.setNoise(noise === "" ? null : noise));
  if (found === null) return;
  batch(() => {
    addedNoise.value = noise;
    model.value = found;
  });
}

/** Moves the open model to a device. The one before stays in use if that fails. */
export async function useDevice(wanted: Device): Promise<void> {
  busy.value = wanted === "webgpu" ? "loading WebGPU" : "moving to WebAssembly";
  const facts = await unwrapped(lab.useDevice(wanted));
  busy.value = null;
  if (facts === null) return;
  batch(() => {
    device.value = wanted;
    runtime.value = facts;
    // The same model on another device: whatever follows it starts again.
    model.value = model.value === null ? null : Object.assign({}, model.value);
  });
}

/** Finds out whether the browser offers WebGPU, and moves there if the scene says so. */
export async function findDevices(): Promise<void> {
  offersWebgpu.value = await lab.hasWebgpu();
  if (device.value !== "webgpu") return;
  if (offersWebgpu.value) await useDevice("webgpu");
  else device.value = "cpu";
}

/** Shows the samples of a shipped network instead of the user's images. */
export async function showSamples(): Promise<void> {
  ownImages.value = [];
  pictured = null;
  await openShipped(networkName.value);
}
