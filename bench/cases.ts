// What is measured when nothing else is asked for, and how long we may take at most, as a share of PyTorch's time.

import { fileURLToPath } from "node:url";
import type { Effort } from "../src/bench/task.ts";
import type { WorkName } from "../src/bench/works.ts";

/** Kinds of work by the names of the command line; `imported` is a gradient of a network that torchvision exports. */
export type CaseWork = WorkName | "imported";

/** One line of the table. */
export interface Case {
  readonly work: CaseWork;
  /** A network's name, of torchvision's for `imported`; or a run directory or an .onnx file of ours. */
  readonly model: string;
  readonly batch: number;
  /** The goal; null where none was set for this case. */
  readonly limit: number | null;
  readonly effort: Partial<Effort>;
}

const trained = (name: string) =>
  fileURLToPath(new URL(`../test/models/${name}.onnx`, import.meta.url));

type Listed = readonly [model: string, batch: number, limit: number];

/** The cases of each kind of work. */
export const listed: Readonly<Record<CaseWork, readonly [Listed, ...Listed[]]>> = {
  gradient: [
    ["wrn-10-1", 128, 0.75],
    ["wrn-16-4", 64, 0.85],
    ["wrn-28-10", 8, 0.8],
  ],
  imported: [["resnet18", 8, 0.9]],
  train: [
    ["wrn-10-1", 128, 0.9],
    ["wrn-16-4", 64, 0.88],
    ["wrn-28-10", 16, 0.8],
  ],
  "at-train": [
    ["wrn-10-1", 128, 0.8],
    ["wrn-16-4", 64, 0.85],
    ["wrn-28-10", 16, 0.8],
  ],
  "fast-at-train": [
    ["wrn-10-1", 128, 0.95],
    ["wrn-16-4", 64, 0.85],
  ],
  "pgd-accuracy": [
    [trained("standard"), 128, 0.35],
    [trained("at-linf"), 128, 0.75],
  ],
  cw: [[trained("standard"), 128, 0.5]],
  eot: [[trained("rat-linf-uniform"), 128, 0.75]],
};

/** All names. */
export const caseWorks = Object.keys(listed) as CaseWork[];

/** The name of a model in tables. A file has the name of its folder if it is called `model.onnx`, else its own. */
export function modelLabel(model: string): string {
  const [, folder, file] = /(?:([^/]+)\/)?([^/]+)\.onnx$/.exec(model) ?? [];
  if (file === undefined) return model;
  return file === "model" && folder !== undefined ? folder : file;
}

const labels = new Set(
  Object.values(listed).flatMap((all) => all.map(([name]) => modelLabel(name))),
);

/**
 * The listed cases of these kinds of work, of some models alone where they are named; a name that is listed nowhere is a
 * case of every kind. A case in another batch or with other effort than listed has no goal.
 */
export function casesOf(
  chosen: readonly CaseWork[],
  {
    models,
    batch,
  }: { readonly models: readonly string[] | null; readonly batch?: number | undefined },
  effort: Partial<Effort>,
): Case[] {
  const others = (models ?? []).filter((model) => !labels.has(model));
  return chosen.flatMap((work) => {
    const all = listed[work];
    const wanted = all.filter(([name]) => models === null || models.includes(modelLabel(name)));
    const rows = [...wanted, ...others.map((name) => [name, all[0][1], null] as const)];
    return rows.map(([name, usual, limit]): Case => {
      const same = (batch ?? usual) === usual && Object.keys(effort).length === 0;
      return { work, model: name, batch: batch ?? usual, effort, limit: same ? limit : null };
    });
  });
}
