import { UsageError } from "../math/usage-error.ts";
import type { Target } from "../runtime/runtime.ts";
import type { ResolvedOptions } from "./options.ts";
import { type RunFiles, readText } from "./run-files.ts";

/** The file that says how a run was started. */
const CONFIG = "config.json";

/** The value of JSON text; undefined if it is none. */
function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

/** Whether a run was started here. */
export const holdsRun = async (files: RunFiles): Promise<boolean> =>
  (await files.list("")).includes(CONFIG);

/** A new run begins in an empty folder. */
export async function refuseOccupied({ path, list }: RunFiles): Promise<void> {
  const names = await list("");
  if (names.includes(CONFIG))
    throw new UsageError(
      `${path} already holds a run; go on with it by --resume, or choose another --out`,
    );
  if (names.length > 0)
    throw new UsageError(
      `${path} is not empty, and holds no run to go on with (it has ${names.slice(0, 3).join(", ")}); choose another --out`,
    );
}

/** The options that a run was started with. */
export async function storedOptions(files: RunFiles): Promise<ResolvedOptions> {
  const config = parsed<{ options: ResolvedOptions }>(await readText(files, CONFIG));
  if (config?.options === undefined)
    throw new UsageError(`${files.path}/${CONFIG} is damaged; start another run directory`);
  return config.options;
}

/** The lowering that a run on a CPU was started with, by which it goes on with the same bits; undefined if none is known. */
export async function storedLowering(files: RunFiles): Promise<string | undefined> {
  const config = parsed<{ target?: Target }>(await readText(files, CONFIG));
  return config?.target?.device === "cpu" ? config.target.lowering : undefined;
}

/** Writes how a run is started: its options, and whatever else helps to repeat it. */
export const writeConfig = (
  files: RunFiles,
  record: { readonly options: ResolvedOptions; readonly [more: string]: unknown },
): Promise<void> => files.write(CONFIG, `${JSON.stringify(record, null, 2)}\n`);
