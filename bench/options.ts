import { parseArgs } from "node:util";
import type { Effort } from "../src/bench/task.ts";
import { unknownName } from "../src/math/nearest.ts";
import { UsageError } from "../src/math/usage-error.ts";
import { type CaseWork, caseWorks } from "./cases.ts";

export const usage = `npm run bench -- [options]
  --work LIST      ${caseWorks.join(",")} (default: all)
  --model LIST     cases of these models alone: wrn-10-1,wrn-16-4,wrn-28-10,resnet18,standard,at-linf,rat-linf-uniform;
                   or another network, run directory or .onnx file of ours, or name of torchvision's
  --batch N        examples per step, rows at once (default: the case's)
  --rounds N       measured rounds, after one that warms up (default: 10)
  --images N, --steps N, --searches N, --eot N, --draws N
                   another amount of work: images of an evaluation, gradient steps of the attack, constants of C&W,
                   noise draws per step, noise draws per score
  --data DATA      images (default: cifar10 where it is found, else shapes)
  --threads N      of either side (default: one per core)
  --seed N         start of every random stream (default: 0)
  --python PATH    a Python with PyTorch (default: python3, then /usr/bin/python3)
  --curves         instead: our time against images, steps and draws, our memory against images and draws
  --out FILE       with --curves: the drawing, as SVG
  --profile        instead: where our side's time goes, by operator and by shapes, from ONNX Runtime's own profiles
  --json           one JSON object per line`;

/** What was asked for. */
export interface Options {
  readonly work: readonly CaseWork[];
  readonly models: readonly string[] | null;
  readonly batch: number | undefined;
  readonly rounds: number;
  readonly effort: Partial<Effort>;
  readonly data: string | undefined;
  readonly threads: number | undefined;
  readonly seed: number;
  readonly python: string | undefined;
  readonly curves: boolean;
  readonly profile: boolean;
  readonly out: string | undefined;
  readonly json: boolean;
}

const amounts = ["images", "steps", "searches", "eot", "draws"] as const;

const text = { type: "string" } as const;
const flag = { type: "boolean", default: false } as const;

/** The options, or null where help was asked for. */
export function options(argv: readonly string[]): Options | null {
  const { values } = parsed(argv);
  if (values.help) return null;
  const whole = (name: keyof typeof values, least: number): number | undefined => {
    const given = values[name];
    if (given === undefined) return undefined;
    const value = Number(given);
    if (!Number.isInteger(value) || value < least)
      throw new UsageError(`--${name} is ${given}; it must be a whole number from ${least} on`, {
        code: "bad-option",
      });
    return value;
  };
  const work = (values.work ?? caseWorks.join()).split(",");
  const wrong = work.find((name) => !caseWorks.includes(name as CaseWork));
  if (wrong !== undefined)
    throw new UsageError(unknownName("work", wrong, caseWorks), { code: "unknown-name" });
  const { model, data, python, curves, profile, out, json } = values;
  return {
    work: work as CaseWork[],
    models: model?.split(",") ?? null,
    data,
    python,
    curves,
    profile,
    out,
    json,
    batch: whole("batch", 1),
    rounds: whole("rounds", 1) ?? 10,
    threads: whole("threads", 1),
    seed: whole("seed", 0) ?? 0,
    effort: Object.fromEntries(
      amounts.flatMap((name) => {
        const value = whole(name, 1);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
  };
}

function parsed(argv: readonly string[]) {
  const texts = [
    "work",
    "model",
    "batch",
    "rounds",
    "data",
    "threads",
    "seed",
    "python",
    "out",
  ] as const;
  const given = Object.fromEntries([...texts, ...amounts].map((name) => [name, text])) as Record<
    (typeof texts)[number] | (typeof amounts)[number],
    typeof text
  >;
  try {
    return parseArgs({
      args: [...argv],
      options: { ...given, curves: flag, profile: flag, json: flag, help: flag },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${usage}`, { code: "bad-option" });
  }
}
