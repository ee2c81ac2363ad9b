import type { RuntimeTarget } from "../engine/runtime/runtime.ts";
import { type RunFiles, readText } from "../files/run/run-files.ts";
import { openedJson, sealedJson } from "../files/sealed.ts";
import { UsageError } from "../math/usage-error.ts";
import { type ResolvedOptions, TrainOptions } from "./options.ts";

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
  const { error } = TrainOptions.safeParse(Object.fromEntries(given));
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
      `${path} already holds a run; go on with it by --resume, or choose another --out`,
      { code: "in-use" },
    );
  if (names.length > 0)
    throw new UsageError(
      `${path} is not empty, and holds no run to go on with (it has ${names.slice(0, 3).join(", ")}); choose another --out`,
      { code: "in-use" },
    );
}

/** The options that a run was started with. */
export async function storedOptions(files: RunFiles): Promise<ResolvedOptions> {
  return configOptions(`${files.path}/${CONFIG}`, await readText(files, CONFIG));
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

/** Writes config.json: the options of a run, and whatever else helps to reproduce it. */
export const writeConfig = (
  files: RunFiles,
  record: { readonly options: ResolvedOptions; readonly [more: string]: unknown },
): Promise<void> => files.write(CONFIG, sealedJson(record));
