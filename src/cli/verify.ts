import { z } from "zod";
import { gunzipped } from "../data/gunzip.ts";
import { nodeRuntime } from "../engine/runtime/node.ts";
import { readBytes } from "../files/read/node.ts";
import { defined } from "../math/defined.ts";
import { fold, type Key, keyOf } from "../math/random.ts";
import { importModelInNode, openNetworkInNode } from "../models/node.ts";
import { counterexampleText } from "../verify/counterexample.ts";
import { type Counterexample, type FalsifyEvent, falsify } from "../verify/falsify.ts";
import { flatNetwork } from "../verify/flat-network.ts";
import type { Property } from "../verify/property.ts";
import { type ProofEvent, prove, type Stage, stages } from "../verify/prove.ts";
import { propertyProverOf } from "../verify/prover.ts";
import { parseVnnlib } from "../verify/vnnlib.ts";
import { bytesOf } from "./kit/bytes.ts";
import { type Context, command } from "./kit/command.ts";
import { MaxConstants, Seed, Threads } from "./kit/options.ts";
import { writeOutput } from "./kit/outputs.ts";
import { type Progress, progress } from "./kit/progress.ts";

/** The share of the time that the attack gets before the proof, and the most seconds that it gets. */
const [ATTACK_SHARE, MAX_ATTACK] = [0.1, 10];

type Verdict =
  | { readonly result: "sat"; readonly counterexample: Counterexample }
  | { readonly result: "unsat"; readonly method: Stage }
  | { readonly result: "unknown"; readonly gap: number | null; readonly open: number };

/** What the parts of a verification share. */
interface Job {
  readonly model: string;
  readonly property: Property;
  readonly key: Key;
  readonly options: { readonly threads?: number; readonly maxConstants?: number };
  readonly upTo: Stage;
  readonly context: Context;
  readonly bar: Progress;
  /** Since the command began. */
  readonly elapsed: () => number;
  readonly seconds: number;
}

const now = (): number => performance.now() / 1000;

/** Searches until `until` seconds; a counterexample, or undefined. */
async function attack(job: Job, key: Key, until: number): Promise<Counterexample | undefined> {
  const { model, property, options, context, elapsed, seconds, bar } = job;
  const network = await openNetworkInNode(model, {
    threads: options.threads,
    maxConstants: options.maxConstants,
    layout: "nchw",
    note: context.note,
  });
  try {
    const flat = await flatNetwork(network, property);
    let last: FalsifyEvent | undefined;
    const time = Math.max(0.001, until - elapsed());
    for await (const event of falsify(flat, property, {
      seconds: time,
      key,
      now,
      signal: context.signal,
    })) {
      last = event;
      bar.update("attacking", Math.min(elapsed(), seconds), seconds);
    }
    return last?.event === "sat" ? last.counterexample : undefined;
  } finally {
    await network.release();
  }
}

/** Proves in the rest of the time. */
async function proof(job: Job): Promise<Exclude<ProofEvent, { event: "stage" }>> {
  const { model, property, options, upTo, context, elapsed, seconds, bar } = job;
  const runtime = await nodeRuntime({ threads: options.threads, lowering: "plain" });
  const imported = await importModelInNode(
    model,
    { raw: true, layout: "nchw", maxConstants: options.maxConstants },
    runtime,
  );
  const { crown: prover, leftOut } = propertyProverOf(imported, runtime.compile, property);
  if (leftOut.length > 0)
    context.note(
      `${leftOut.join(", ")} at the end of the network keeps the order of the outputs, so the proof is about the values before it`,
    );
  try {
    const time = Math.max(0, seconds - elapsed());
    let last: ProofEvent | undefined;
    for await (const event of prove(prover, property, {
      seconds: time,
      now,
      signal: context.signal,
      upTo,
    })) {
      last = event;
      if (event.event === "stage") bar.update(event.stage, Math.min(elapsed(), seconds), seconds);
    }
    return last as Exclude<ProofEvent, { event: "stage" }>;
  } finally {
    await prover.release();
  }
}

/** Attacks first, then proves, then attacks again with what is left of the time. */
async function verdictOf(job: Job, isAttacked: boolean): Promise<Verdict> {
  const { seconds, key, elapsed } = job;
  if (isAttacked) {
    const until = Math.min(MAX_ATTACK, ATTACK_SHARE * seconds);
    const counterexample = await attack(job, fold(key, 0), until);
    if (counterexample !== undefined) return { result: "sat", counterexample };
  }
  const result = await proof(job);
  if (result.event === "unsat") return { result: "unsat", method: result.stage };
  if (isAttacked && result.reason === "methods" && elapsed() < seconds) {
    const counterexample = await attack(job, fold(key, 1), seconds);
    if (counterexample !== undefined) return { result: "sat", counterexample };
  }
  const gap = Number.isFinite(result.gap) ? result.gap : null;
  return { result: "unknown", gap, open: result.open };
}

function remark(verdict: Verdict, seconds: number): string {
  const time = `${seconds.toFixed(1)} s`;
  if (verdict.result === "sat") return `counterexample found after ${time}`;
  if (verdict.result === "unsat") return `proven by ${verdict.method} after ${time}`;
  const gap =
    verdict.gap === null
      ? "no finite bound"
      : `the bound falls short by ${(-verdict.gap).toPrecision(3)}`;
  return `neither proven nor falsified after ${time}; ${verdict.open} cases open, ${gap}`;
}

const textOf = (verdict: Verdict): string =>
  verdict.result === "sat"
    ? counterexampleText(verdict.counterexample.x, verdict.counterexample.y)
    : `${verdict.result}\n`;

function resultOf(verdict: Verdict, seconds: number): object {
  if (verdict.result !== "sat") return { ...verdict, seconds };
  const { x, y, case: index } = verdict.counterexample;
  return { result: "sat", case: index, x: [...x], y: [...y], seconds };
}

/** `rampart verify`. */
export const verifyCommand = command({
  summary:
    "Decide a VNN-LIB property: attack, then prove. Prints sat and the point, unsat if it is proven that there is none, or unknown; the exit code is 0 in all cases.",
  options: z.strictObject({
    seconds: z.number().positive().default(60).describe("time limit"),
    attack: z.boolean().default(true).describe("search for a counterexample before the proof"),
    upTo: z.enum(stages).default("branching").describe("last method of proof to try"),
    out: z.string().optional().describe("file to write the verdict to, in the format of VNN-COMP"),
    seed: Seed,
    threads: Threads,
    maxConstants: MaxConstants,
  }),
  positionals: ["model", "property"],
  argumentsHelp: { model: "the network, an .onnx file, gzipped or not" },
  files: { inputs: ["model", "property"], outputs: { out: "stream" } },
  examples: [
    "rampart verify net.onnx property.vnnlib",
    "rampart verify net.onnx property.vnnlib.gz --seconds 300 --out verdict.txt --json",
  ],
  async run(values, context: Context) {
    const { model, property: path, seconds, attack: isAttacked, upTo, out, seed, threads } = values;
    const started = now();
    const bytes = await gunzipped(path, await readBytes(path));
    const property = parseVnnlib(new TextDecoder().decode(bytes), path);
    const { maxConstants } = values;
    const bar = progress(context.stderr, { json: context.json, percent: true });
    const job: Job = {
      model,
      property,
      key: keyOf(seed),
      options: defined({
        threads,
        maxConstants:
          maxConstants === undefined ? undefined : bytesOf(maxConstants, "--max-constants"),
      }),
      upTo,
      context,
      bar,
      elapsed: () => now() - started,
      seconds,
    };
    let verdict: Verdict;
    try {
      verdict = await verdictOf(job, isAttacked);
    } finally {
      bar.stop();
    }
    const took = now() - started;
    const text = textOf(verdict);
    if (out !== undefined) await writeOutput(context, out, text);
    context.print(...(out === undefined ? text.trimEnd() : verdict.result).split("\n"));
    context.note(remark(verdict, took));
    if (out !== undefined) context.note(`verdict: ${out}`);
    context.emit({ ...resultOf(verdict, took), ...defined({ out }) });
  },
});
