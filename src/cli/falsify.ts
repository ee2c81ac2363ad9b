import { z } from "zod";
import { gunzipped } from "../data/gunzip.ts";
import { readBytes } from "../files/read/node.ts";
import { defined } from "../math/defined.ts";
import { InternalError } from "../math/internal-error.ts";
import { keyOf } from "../math/random.ts";
import { openNetworkInNode } from "../models/node.ts";
import { counterexampleText } from "../verify/counterexample.ts";
import { type FalsifyEvent, falsify } from "../verify/falsify.ts";
import { type DifferentiableNetwork, flatNetwork } from "../verify/flat-network.ts";
import type { Property } from "../verify/property.ts";
import { parseVnnlib } from "../verify/vnnlib.ts";
import { bytesOf } from "./kit/bytes.ts";
import { type Context, command } from "./kit/command.ts";
import { Device, MaxConstants, Seed, Threads } from "./kit/options.ts";
import { writeOutput } from "./kit/outputs.ts";
import { progress } from "./kit/progress.ts";

/** Opens an ONNX file. The caller releases the network after the search. */
export type OpenNetwork = (
  path: string,
  options: {
    readonly threads?: number | undefined;
    readonly device?: string;
    readonly maxConstants?: number;
    /** Number of inputs that the property declares. */
    readonly numbers: number;
    readonly note: (line: string) => void;
  },
) => Promise<DifferentiableNetwork & { release(): Promise<void> }>;

type Verdict = Exclude<FalsifyEvent, { event: "step" }>;

const size = (x: number): string => x.toPrecision(3);

/** Why no counterexample was found and how close the search came, as lines for stderr. */
function remarks(verdict: Verdict): string[] {
  if (verdict.event === "sat") return [];
  const { reason, skipped, seconds, searches, closest } = verdict;
  const [first] = skipped;
  const far =
    closest > 0 && Number.isFinite(closest) ? `; the closest point misses by ${size(closest)}` : "";
  const effort = `${searches} searches in ${seconds.toFixed(1)} s${far}`;
  const reasons = {
    time: `no counterexample found, which is not a proof: ${effort}`,
    interrupted: `interrupted after ${effort}`,
    searched: "no counterexample found: no case has more than one point",
  };
  const lines = [reasons[reason]];
  if (first !== undefined)
    lines.push(
      `${skipped.length} cases hold no ${first.missing} point, such as case ${first.case + 1}: no ${first.missing} lies in [${first.lower}, ${first.upper}], the bounds of X_${first.input}`,
    );
  return lines;
}

/** The verdict as an object for `--json`. */
function resultOf(verdict: Verdict): object {
  const { seconds, searches, evaluations, closest } = verdict;
  const effort = {
    seconds,
    searches,
    evaluations,
    closest: Number.isFinite(closest) ? closest : null,
  };
  if (verdict.event === "unknown")
    return { result: "unknown", reason: verdict.reason, skipped: verdict.skipped, ...effort };
  const { x, y, excess, case: index } = verdict.counterexample;
  const point = { x: [...x], y: [...y], excess: Number.isFinite(excess) ? excess : null };
  return { result: "sat", case: index, ...point, ...effort };
}

/** Searches until there is a verdict, showing the time, and releases the network. */
async function searched(
  network: Awaited<ReturnType<OpenNetwork>>,
  property: Property,
  { seconds, seed }: { readonly seconds: number; readonly seed: number },
  { stderr, json, signal }: Context,
): Promise<Verdict> {
  const bar = progress(stderr, { json, percent: true });
  try {
    const flat = await flatNetwork(network, property);
    const now = () => performance.now() / 1000;
    for await (const event of falsify(flat, property, { seconds, key: keyOf(seed), now, signal })) {
      if (event.event !== "step") return event;
      bar.update("searching", Math.min(event.seconds, seconds), seconds);
    }
  } finally {
    bar.stop();
    await network.release();
  }
  throw new InternalError("a search without a verdict");
}

/** `rampart falsify` with a given way to open networks. */
export const falsifyCommandWith = (open: OpenNetwork) =>
  command({
    summary:
      "Search for a counterexample to a VNN-LIB property. Prints sat and the point, or unknown; the exit code is 0 in both cases.",
    options: z.strictObject({
      seconds: z.number().positive().default(30).describe("time limit of the search"),
      out: z
        .string()
        .optional()
        .describe("file to write the verdict to, in the format of VNN-COMP"),
      seed: Seed,
      device: Device,
      threads: Threads,
      maxConstants: MaxConstants,
    }),
    positionals: ["model", "property"],
    argumentsHelp: { model: "the network, an .onnx file, gzipped or not" },
    files: { inputs: ["model", "property"], outputs: { out: "stream" } },
    examples: [
      "rampart falsify net.onnx property.vnnlib",
      "rampart falsify net.onnx property.vnnlib.gz --seconds 300 --out counterexample.txt --json",
    ],
    async run(values, context: Context) {
      const { model, property: path, seconds, out, seed, device, threads, maxConstants } = values;
      const bytes = await gunzipped(path, await readBytes(path));
      const property = parseVnnlib(new TextDecoder().decode(bytes), path);
      const network = await open(model, {
        device,
        numbers: property.inputs,
        note: context.note,
        threads,
        ...defined({
          maxConstants:
            maxConstants === undefined ? undefined : bytesOf(maxConstants, "--max-constants"),
        }),
      });
      if (property.cases.length === 0)
        context.note(
          `${path} leaves no input: in every case a lower bound is above its upper bound, so the property holds for any network; check its bounds`,
        );
      const verdict = await searched(network, property, { seconds, seed }, context);
      const text =
        verdict.event === "sat"
          ? counterexampleText(verdict.counterexample.x, verdict.counterexample.y)
          : "unknown\n";
      if (out !== undefined) await writeOutput(context, out, text);
      context.print(...(out === undefined ? text.trimEnd() : verdict.event).split("\n"));
      for (const line of remarks(verdict)) context.note(line);
      if (out !== undefined) context.note(`verdict: ${out}`);
      context.emit({ ...resultOf(verdict), ...defined({ out }) });
    },
  });

/**
 * `rampart falsify`. Keeps the file's order of axes, since X_i counts in that order. Whatever device the search uses,
 * outputs computed on the CPU confirm a counterexample.
 */
export const falsifyCommand = falsifyCommandWith(async (path, { device = "cpu", ...options }) => {
  const open = (on: string) =>
    openNetworkInNode(path, { ...options, device: on, layout: "nchw" as const });
  const network = await open(device);
  if (device === "cpu") return network;
  const exact = await open("cpu");
  return {
    ...network,
    outputs: exact.outputs,
    release: async () => {
      await Promise.all([network.release(), exact.release()]);
    },
  };
});
