// Ends commands in the middle of their work, by signals, closed pipes and disks, and has them go on. `tsx
// test/campaigns/kill.ts 100` prints every run; the fixed key makes the moments the same shares of the work each time.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fold, keyOf } from "../../src/math/random.ts";
import { type Draws, drawsOf } from "../hostile/draws.ts";
import { modelTraining, type Work, worksOn } from "./works.ts";

const root = join(import.meta.dirname, "..", "..");

/** What is done to a command. */
export const disturbances = [
  "SIGKILL",
  "SIGTERM",
  "SIGINT",
  "SIGHUP",
  "stdout closed",
  "stderr closed",
  "full disk",
  "read-only disk",
] as const;
export type Disturbance = (typeof disturbances)[number];

/** How one disturbed command ended, and what became of it. */
export interface KillRun {
  readonly work: string;
  readonly disturbance: Disturbance;
  /** The exit code of the disturbed command, as a shell gives it. */
  readonly code: number;
  /** What is wrong; empty where everything is as promised. */
  readonly problems: readonly string[];
  /** True if the command was done all the same: before it was disturbed, or although a reader had gone away. */
  readonly late: boolean;
}

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly said: string;
  readonly seconds: number;
}

/** What happens to a process once it runs. */
type Meddle = (child: ReturnType<typeof spawn>) => void;

/** Runs a command; its exit code is as a shell gives it. */
export function rampart(
  bin: string,
  words: readonly string[],
  meddle: Meddle = () => undefined,
): Promise<Ended> {
  const started = performance.now();
  const child = spawn(process.execPath, [bin, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (text) => {
    said = (said + text).slice(-4000);
  });
  child.stdout.resume();
  meddle(child);
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      const ended = code ?? 128 + constants.signals[signal ?? "SIGKILL"];
      resolve({ code: ended, said, seconds: (performance.now() - started) / 1000 });
    });
  });
}

/** A file system of our own, which can be small or read-only; only root may mount one. */
export const mount = (...words: readonly string[]): boolean =>
  spawnSync("mount", words, { stdio: "ignore" }).status === 0;

/** Mounts such a file system once more with other options. */
export const remounted = (folder: string, options: string): boolean =>
  mount("-o", `remount,${options}`, folder);

/** Whether this process may mount file systems. */
export function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "rampart-mount-"));
  const can = mount("-t", "tmpfs", "-o", "size=4k", "tmpfs", folder);
  if (can) spawnSync("umount", [folder]);
  rmSync(folder, { recursive: true });
  return can;
}

const bytesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);

/** What an undisturbed command leaves, how long it takes and how much it writes. */
interface Truth {
  readonly results: string;
  readonly seconds: number;
  readonly bytes: number;
}

interface Campaign {
  readonly bin: string;
  readonly folder: string;
}

async function truthOf(work: Work, { bin, folder }: Campaign): Promise<Truth> {
  const place = join(folder, `whole-${work.name}`);
  mkdirSync(place);
  const { code, said, seconds } = await rampart(bin, work.words(place));
  if (code !== work.code) throw new Error(`${work.name} ended with ${code} undisturbed: ${said}`);
  return { results: work.results(place), seconds, bytes: bytesIn(place) };
}

const signals: ReadonlySet<string> = new Set(["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"]);

/** How the command is disturbed, at a moment drawn from its whole time. */
function meddling(
  disturbance: Disturbance,
  place: string,
  { seconds }: Truth,
  draws: Draws,
): Meddle {
  const wait = (seconds * 1000 * draws.below(1000)) / 1000;
  return (child) => {
    let act = () => {};
    if (signals.has(disturbance)) act = () => void child.kill(disturbance as NodeJS.Signals);
    if (disturbance === "stdout closed") act = () => void child.stdout?.destroy();
    if (disturbance === "stderr closed") act = () => void child.stderr?.destroy();
    let timer: NodeJS.Timeout;
    // Linux refuses while a file is open for writing.
    const shut = () => {
      if (!remounted(place, "ro")) timer = setTimeout(shut, 5);
    };
    if (disturbance === "read-only disk") act = shut;
    timer = setTimeout(act, wait);
    child.on("exit", () => clearTimeout(timer));
  };
}

/** The exit codes that a disturbed command may end with, if it was not done before. */
function codesOf(disturbance: Disturbance): readonly number[] {
  if (signals.has(disturbance)) return [128 + constants.signals[disturbance as NodeJS.Signals]];
  return disturbance === "full disk" || disturbance === "read-only disk" ? [2] : [];
}

const onDisk = (disturbance: Disturbance) =>
  disturbance === "full disk" || disturbance === "read-only disk";

async function disturbed(
  work: Work,
  disturbance: Disturbance,
  truth: Truth,
  { bin, folder }: Campaign,
  draws: Draws,
): Promise<KillRun> {
  const place = join(folder, "disturbed");
  mkdirSync(place);
  const problems: string[] = [];
  try {
    if (onDisk(disturbance)) {
      const bytes = disturbance === "full disk" ? draws.below(truth.bytes) : 2 ** 26;
      if (!mount("-t", "tmpfs", "-o", `size=${Math.max(bytes, 4096)}`, "tmpfs", place))
        throw new Error("cannot mount a tmpfs");
    }
    const meddle = meddling(disturbance, place, truth, draws);
    const json = draws.chance(0.5) ? ["--json"] : [];
    const first = await rampart(bin, [...work.words(place), ...json], meddle);
    const late = first.code === work.code;
    if (!late && !codesOf(disturbance).includes(first.code))
      problems.push(`ended with ${first.code}: ${first.said}`);
    if (/\n\s+at .*:\d+:\d+\)?\n/.test(first.said)) problems.push(`a stack: ${first.said}`);
    if (onDisk(disturbance) && !remounted(place, "rw,size=64m")) throw new Error("cannot remount");
    if (!late) {
      const second = await rampart(bin, work.again(place));
      if (second.code !== work.code)
        problems.push(`went on and ended with ${second.code}: ${second.said}`);
    }
    if (problems.length === 0 && work.results(place) !== truth.results)
      problems.push("other results than undisturbed");
    return { work: work.name, disturbance, code: first.code, problems, late };
  } finally {
    if (onDisk(disturbance)) spawnSync("umount", [place]);
    rmSync(place, { recursive: true, force: true });
  }
}

/** Disturbs every work in every way in turn, `count` times in all, from a fixed key. */
export async function* killCampaign(
  count: number,
  bin = join(root, "bin", "rampart.js"),
): AsyncGenerator<KillRun> {
  const folder = mkdtempSync(join(tmpdir(), "rampart-kill-"));
  const campaign = { bin, folder };
  const possible = canMount() ? disturbances : disturbances.filter((one) => !onDisk(one));
  try {
    const model = join(folder, "model");
    const { code, said } = await rampart(bin, modelTraining(model));
    if (code !== 0) throw new Error(`training ended with ${code}: ${said}`);
    const works = worksOn(model);
    const truths: Truth[] = [];
    for (const work of works) truths.push(await truthOf(work, campaign));
    for (let i = 0; i < count; i++) {
      const which = i % works.length;
      // Every disturbance meets every work, since their numbers have steps of their own.
      const disturbance = possible[(i + Math.floor(i / possible.length)) % possible.length];
      const draws = drawsOf(fold(keyOf(1979), i));
      yield await disturbed(works[which], disturbance, truths[which], campaign, draws);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [count = "100", bin] = process.argv.slice(2);
  const tally = new Map<string, number>();
  let wrong = 0;
  for await (const { work, disturbance, code, problems, late } of killCampaign(
    Number(count),
    bin,
  )) {
    const end = late ? `${code}, done` : String(code);
    console.log(
      `${work}, ${disturbance}: ${end}${problems.length > 0 ? `: ${problems.join("; ")}` : ""}`,
    );
    const name = `${disturbance}${late ? ", done" : ""}`;
    tally.set(name, (tally.get(name) ?? 0) + 1);
    wrong += Number(problems.length > 0);
  }
  for (const [name, times] of tally) console.log(`${name}: ${times}`);
  console.log(`${count} runs, ${wrong} not as promised`);
  process.exitCode = wrong > 0 ? 1 : 0;
}
