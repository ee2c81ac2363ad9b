import { nearest } from "../math/nearest.ts";
import { UsageError } from "../math/usage-error.ts";
import { cifarPlace, openCifar } from "./cifar.ts";
import type { DataFiles } from "./data-files.ts";
import type { Dataset } from "./dataset.ts";
import type { Place } from "./find.ts";
import { openFolder } from "./folder.ts";
import { cifar10, cifar100, fashionMnist, mnist } from "./known.ts";
import { mnistPlace, openMnist } from "./mnist.ts";
import { openNpz } from "./npz.ts";
import { openShapes } from "./shapes.ts";

type Open = (from: DataFiles, path: string) => Promise<Dataset>;

const byName: Readonly<Record<string, Open>> = {
  shapes: async () => openShapes(),
  cifar10: (from) => openCifar(cifar10, from),
  cifar100: (from) => openCifar(cifar100, from),
  mnist: (from) => openMnist(mnist, from),
  "fashion-mnist": (from) => openMnist(fashionMnist, from),
};

const byPath: Readonly<Record<string, Open>> = {
  folder: (from, path) => openFolder(path, from),
  npz: (from, path) => openNpz(path, from),
};

/** Data sets that have a name of their own. */
export const namedData: readonly string[] = Object.keys(byName);

/** Where each data set that is stored in files may lie. */
export const places: Readonly<Record<string, Place>> = {
  cifar10: cifarPlace(cifar10),
  cifar100: cifarPlace(cifar100),
  mnist: mnistPlace(mnist),
  "fashion-mnist": mnistPlace(fashionMnist),
};

/** Every way to write DATA on the command line. */
export const dataNames: readonly string[] = [
  ...namedData,
  ...Object.keys(byPath).map((kind) => `${kind}:PATH`),
];

function opener(name: string): (from: DataFiles) => Promise<Dataset> {
  const [kind, ...rest] = name.split(":");
  const path = rest.join(":").replace(/(?<=.)\/+$/, "");
  if (Object.hasOwn(byPath, kind)) {
    if (path === "")
      throw new UsageError(
        `${name} names no ${kind === "npz" ? "file" : "folder"}; write ${kind}:PATH`,
      );
    return (from) => byPath[kind](from, path);
  }
  if (Object.hasOwn(byName, name)) return (from) => byName[name](from, "");
  const guess = nearest(rest.length === 0 ? name : kind, [...namedData, ...Object.keys(byPath)]);
  const meant =
    guess !== undefined && Object.hasOwn(byPath, guess) ? `${guess}:${path || "PATH"}` : guess;
  const help =
    meant === undefined ? `choose from ${dataNames.join(", ")}` : `did you mean ${meant}?`;
  throw new UsageError(`unknown data set ${name}; ${help}`);
}

/** Fails if `name` is no DATA of the command line; says nothing about whether it is on this machine. */
export const requireDataName = (name: string): void => void opener(name);

/** The data set written `name` on the command line (one of `dataNames`), read through `from`. */
export const openDataset = async (name: string, from: DataFiles): Promise<Dataset> =>
  opener(name)(from);
