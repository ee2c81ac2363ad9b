// The user's own model and images.
import { batch, effect, signal } from "@preact/signals";
import type { DroppedModel, ImageFile, LayerFacts, Reading } from "../protocol.ts";
import { radiusOf } from "../view/radii.ts";
import {
  filesOfDrop,
  MAX_IMAGES,
  refusedImage,
  refusedModel,
  sorted,
  type UserFile,
} from "./files.ts";
import { model, ownImages, pictures } from "./model.ts";
import { addedNoise, epsilon, imageIndex, networkName, norm } from "./scene.ts";
import { busy, lab, problem, unwrapped } from "./worker.ts";

/** The last model that was dropped; null before the first. */
export const dropped = signal<DroppedModel | null>(null);
/** The operators of the dropped model, as far as they can be read. */
export const layers = signal<readonly LayerFacts[]>([]);
const refuse = (message: string): void => {
  problem.value = { usage: true, message };
};

const bytesOf = async (file: File): Promise<Uint8Array> => new Uint8Array(await file.arrayBuffer());

/** Shows the user's images in the size of each model that is opened. */
function followImages(): void {
  effect(() => {
    const [files, network] = [ownImages.value, model.value];
    if (files.length === 0 || network === null) return;
    busy.value = `reading ${files.length} ${files.length === 1 ? "image" : "images"}`;
    void unwrapped(lab.pictures(files)).then((found) => {
      busy.value = null;
      if (found === null || ownImages.peek() !== files || model.peek() !== network) return;
      batch(() => {
        pictures.value = found;
        imageIndex.value = Math.min(imageIndex.value, found.length - 1);
      });
    });
  });
}

/** Opens the dropped model again, with what the user filled in. */
export async function openOwn(reading: Reading): Promise<void> {
  const one = dropped.value;
  if (one === null) return;
  busy.value = `opening ${one.name}`;
  problem.value = null;
  const opened = await lab.openDropped(one, reading);
  busy.value = null;
  layers.value = opened.layers;
  if (opened.problem !== null) problem.value = opened.problem;
  const facts = opened.model;
  if (facts === null) return;
  batch(() => {
    networkName.value = "file";
    addedNoise.value = "";
    epsilon.value = radiusOf(norm.value, facts);
    model.value = facts;
  });
}

async function takeModel(models: readonly UserFile[], beside: readonly UserFile[]): Promise<void> {
  const [first] = models;
  const refused = refusedModel([first, ...beside]);
  if (refused !== null) {
    refuse(refused);
    return;
  }
  const others: Record<string, Uint8Array> = {};
  for (const { file } of beside) others[file.name] = await bytesOf(file);
  dropped.value = { name: first.file.name, bytes: await bytesOf(first.file), beside: others };
  await openOwn({});
}

async function takeImages(files: readonly UserFile[]): Promise<void> {
  const taken: ImageFile[] = [];
  for (const one of files.slice(0, MAX_IMAGES)) {
    const refused = await refusedImage(one);
    if (refused !== null) refuse(refused);
    else taken.push({ name: one.file.name, blob: one.file, folder: one.folder });
  }
  if (taken.length === 0) return;
  batch(() => {
    imageIndex.value = 0;
    ownImages.value = taken;
  });
}

/** Takes files that were dropped or chosen. */
export async function takeFiles(files: readonly UserFile[]): Promise<void> {
  const { models, images: found, beside } = sorted(files);
  problem.value = null;
  try {
    if (models.length > 0) await takeModel(models, beside);
    else if (found.length === 0 && files.length > 0)
      refuse(
        `${files[0].file.name} is neither a model nor an image\ndrop an .onnx file, with the files that belong to it, or images`,
      );
    if (found.length > 0) await takeImages(found);
  } catch (error) {
    refuse(`the files cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  busy.value = null;
}

/** Takes a photograph of the camera. */
export const takePhoto = (blob: Blob): Promise<void> =>
  takeImages([{ file: new File([blob], "photo.png", { type: "image/png" }), folder: null }]);

/** Whether something is dragged over the page. */
export const isDragged = signal(false);

/** Takes what is dropped anywhere on the page, and shows the user's images. */
export function followOwn(): void {
  followImages();
  const isOver = (over: boolean) => {
    isDragged.value = over;
  };
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    isOver(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) isOver(false);
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    isOver(false);
    if (event.dataTransfer === null) return;
    void filesOfDrop(event.dataTransfer).then(takeFiles);
  });
}
