import { z } from "zod";
import { findDataset } from "../data/table.ts";
import { type Defense, defenses } from "../defenses/table.ts";
import type { RuntimeTarget } from "../engine/runtime/runtime.ts";
import { type RunFiles, readText } from "../files/run/run-files.ts";
import { openedJson, sealedJson } from "../files/sealed.ts";
import { loadedPlugins } from "../math/plugin.ts";
import { UsageError } from "../math/usage-error.ts";
import { isArchitecture } from "../models/architectures.ts";
import type { CheckpointMetadata } from "../models/opening/checkpoint.ts";
import { type ResolvedOptions, trainOptions } from "./options.ts";

/** The file with the options and the environment of a run. */
const CONFIG = "config.json";

const advice = "start another run directory";

/** The options in the text of a config.json. Throws `UsageError` if it is damaged. */
export function configOptions(file: string, text: string): ResolvedOptions {
  const { options } = openedJson(file, text, advice);
  const damaged = (why: string) =>
    new UsageError(`${file} is damaged: ${why}`, { code: "bad-file", next: advice });
  if (typeof options !== "object" || options === null) throw damaged("it holds no options");
  // Null means that an option was not given. Options of other versions are kept.
  const given = Object.entries(options).filter(([, value]) => value !== null);
  // The defence may be one of the caller's own, which no table lists.
  const schema = trainOptions().extend({ defense: z.string() });
  const { error } = schema.safeParse(Object.fromEntries(given));
  const issue = error?.issues.find(({ code }) => code !== "unrecognized_keys");
  if (issue !== undefined)
    throw damaged(`its options.${issue.path.join(".")}: ${issue.message.toLowerCase()}`);
  const missing = ["defense", "model", "data", "epochs", "batch", "rate", "seed"].find(
    (name) => !given.some(([stored]) => stored === name),
  );
  if (missing !== undefined) throw damaged(`its options lack ${missing}`);
  return options as ResolvedOptions;
}

/** Whether a run was started in a folder. */
export const holdsRun = async (files: RunFiles): Promise<boolean> =>
  (await files.list("")).includes(CONFIG);

/** Throws `UsageError` unless a folder is empty, as a new run needs it. */
export async function refuseOccupied({ path, list }: RunFiles): Promise<void> {
  const names = await list("");
  if (names.includes(CONFIG))
    throw new UsageError(
      `${path} already holds a run; continue it with --resume, or choose another --out`,
      { code: "in-use" },
    );
  if (names.length > 0)
    throw new UsageError(
      `${path} is not empty, and holds no run to continue (it has ${names.slice(0, 3).join(", ")}); choose another --out`,
      { code: "in-use" },
    );
}

/** The options that a run was started with. */
export async function storedOptions(files: RunFiles): Promise<ResolvedOptions> {
  return configOptions(`${files.path}/${CONFIG}`, await readText(files, CONFIG));
}

/**
 * Throws `UsageError` with the code `bad-plugin` if a run has a name that is unknown here and was started with a plug-in that is
 * not loaded.
 */
export async function requireRunPlugins(files: RunFiles): Promise<void> {
  const config = openedJson(`${files.path}/${CONFIG}`, await readText(files, CONFIG), advice);
  const { defense, model, data } = (config.options ?? {}) as Partial<ResolvedOptions>;
  const isKnown =
    defenses.find(String(defense)) !== undefined &&
    isArchitecture(String(model)) &&
    findDataset(String(data)) !== undefined;
  const recorded = Array.isArray(config.plugins) ? config.plugins.map(String) : [];
  const missing = recorded.filter((plugin) => !loadedPlugins().includes(plugin));
  if (isKnown || missing.length === 0) return;
  throw new UsageError(
    `${files.path} was started with ${missing.map((plugin) => `--plugin ${plugin}`).join(" ")}`,
    { code: "bad-plugin", next: "give it again, or load it with use() in the library" },
  );
}

/**
 * The lowering that a run on a CPU was started with, which a resumed run needs for the same bits; undefined if not
 * stored.
 */
export async function storedLowering(files: RunFiles): Promise<string | undefined> {
  const config = openedJson(`${files.path}/${CONFIG}`, await readText(files, CONFIG), advice);
  const { device, lowering } = (config.target ?? {}) as Partial<RuntimeTarget>;
  return device === "cpu" ? lowering : undefined;
}

/** The number of training images that a run was started with; undefined if not stored. */
export async function storedTrainImages(files: RunFiles): Promise<number | undefined> {
  const config = openedJson(`${files.path}/${CONFIG}`, await readText(files, CONFIG), advice);
  return (config.model as Partial<CheckpointMetadata> | undefined)?.trainImages;
}

/** What config.json records of a defence that is a value of the caller's own, and not one of the table. */
export const recordedDefense = ({ name, options }: Defense) => ({ name, options: options ?? null });

/**
 * Throws `UsageError` if a resumed run is given a defence of the caller's own with other options than those that it was started
 * with. A defence without options is not compared.
 */
export async function refuseOtherDefense(files: RunFiles, defense: Defense): Promise<void> {
  const { ownDefense } = openedJson(
    `${files.path}/${CONFIG}`,
    await readText(files, CONFIG),
    advice,
  );
  const before = (ownDefense ?? null) as ReturnType<typeof recordedDefense> | null;
  if (before === null || before.options === null) return;
  const now = JSON.stringify(recordedDefense(defense));
  if (JSON.stringify({ name: before.name, options: before.options }) === now) return;
  throw new UsageError(
    `${files.path} was started with the defence ${before.name} and the options ${JSON.stringify(before.options)}, and is given ${now}`,
    { code: "misfit", next: "resume with the same defence, or start another run directory" },
  );
}

/** Writes config.json: the options of a run, and whatever else helps to reproduce it. */
export const writeConfig = (
  files: RunFiles,
  record: { readonly options: ResolvedOptions; readonly [more: string]: unknown },
): Promise<void> => files.write(CONFIG, sealedJson(record));
