import { constants } from "node:os";
import { version } from "../files/node.ts";
import { type Program, run } from "./program.ts";

/** The commands of `rampart`, in the order in which help lists them. */
export const rampart: Program = {
  name: "rampart",
  version,
  summary: "Train and attack image classifiers, and measure how robust they are.",
  examples: [
    "rampart quickstart",
    "rampart train --defense rat-linf-uniform --model cnn-small --data shapes --out runs/rat",
    "rampart evaluate runs/rat --data shapes --attacks pgd-linf,pgd-l2 --out runs/rat/rows.jsonl",
    "rampart audit model.onnx --data folder:photos --classes names.txt --out audit",
    "rampart report runs/rat/rows.jsonl --out report.html",
  ],
  commands: {
    train: async () => (await import("./train.ts")).trainCommand,
    evaluate: async () => (await import("./evaluate.ts")).evaluateCommand,
    audit: async () => (await import("./audit.ts")).auditCommand,
    gradient: async () => (await import("./gradient.ts")).gradientCommand,
    reproduce: async () => (await import("./reproduce.ts")).reproduceCommand,
    falsify: async () => (await import("./falsify.ts")).falsifyCommand,
    report: async () => (await import("./report.ts")).reportCommand,
    theory: async () => (await import("./theory.ts")).theoryCommand,
    export: async () => (await import("./export.ts")).exportCommand,
    data: async () => (await import("./data.ts")).dataCommand,
    bench: async () => (await import("./bench.ts")).benchCommand,
    doctor: async () => (await import("./doctor.ts")).doctorCommand,
    quickstart: async () => (await import("./quickstart.ts")).quickstartCommand,
  },
};

/**
 * Runs `rampart` in this process and returns its exit code. The first Ctrl-C or SIGTERM asks the command to stop
 * after its current step, the second ends the process. A reader that goes away (`rampart … | head`) is no error.
 */
export async function main(argv: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  let code = 128 + constants.signals.SIGINT;
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.on(name, () => {
      if (interrupt.signal.aborted) process.exit(code);
      code = 128 + constants.signals[name];
      interrupt.abort();
    });
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(0);
      throw error;
    });
  const result = await run(rampart, argv, {
    stdout: process.stdout,
    stderr: process.stderr,
    signal: interrupt.signal,
  });
  return result === 130 ? code : result;
}
