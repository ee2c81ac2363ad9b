import { constants } from "node:os";
import { version } from "../files/node.ts";
import { ignoresHangup, thisOrigin } from "./kit/hangup.ts";
import { fileProblem } from "./kit/problems.ts";
import { processOutput } from "./kit/process-output.ts";
import { type Program, run } from "./kit/program.ts";

/** The commands of `rampart`, in the order of the help text. */
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
    harden: async () => (await import("./harden.ts")).hardenCommand,
    evaluate: async () => (await import("./evaluate.ts")).evaluateCommand,
    certify: async () => (await import("./certify.ts")).certifyCommand,
    audit: async () => (await import("./audit.ts")).auditCommand,
    gradient: async () => (await import("./gradient.ts")).gradientCommand,
    sweep: async () => (await import("./sweep.ts")).sweepCommand,
    worker: async () => (await import("./worker.ts")).workerCommand,
    reproduce: async () => (await import("./reproduce.ts")).reproduceCommand,
    falsify: async () => (await import("./falsify.ts")).falsifyCommand,
    verify: async () => (await import("./verify.ts")).verifyCommand,
    compare: async () => (await import("./compare.ts")).compareCommand,
    report: async () => (await import("./report.ts")).reportCommand,
    theory: async () => (await import("./theory.ts")).theoryCommand,
    export: async () => (await import("./export.ts")).exportCommand,
    data: async () => (await import("./data.ts")).dataCommand,
    bench: async () => (await import("./bench.ts")).benchCommand,
    doctor: async () => (await import("./doctor.ts")).doctorCommand,
    lab: async () => (await import("./lab.ts")).labCommand,
    quickstart: async () => (await import("./quickstart.ts")).quickstartCommand,
  },
};

/** Signals that ask a command to stop after its current step. */
const stopSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The message for results that could not be printed. Files are not affected. */
const unprinted = (name: string, problem: NodeJS.ErrnoException): string =>
  `${name} cannot be written: ${fileProblem(problem) ?? problem.message}\n  files that the command has written are complete`;

/**
 * Runs `rampart` in this process and returns its exit code. The first Ctrl-C, SIGTERM or SIGHUP stops the command after its
 * current step, the second ends the process. Under `nohup` SIGHUP is ignored. If the reader of the output goes away
 * (`rampart … | head`), the command finishes with the same exit code. If output cannot be written for another reason, such as
 * a full disk, the exit code is 2.
 */
export async function main(argv: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  let code = 128 + constants.signals.SIGINT;
  const ignored = ignoresHangup(thisOrigin());
  for (const name of stopSignals)
    process.on(name, () => {
      if (name === "SIGHUP" && ignored) return;
      if (interrupt.signal.aborted) process.exit(code);
      code = 128 + constants.signals[name];
      interrupt.abort();
    });
  const stdout = processOutput(process.stdout);
  const stderr = processOutput(process.stderr);
  const result = await run(rampart, argv, { stdout, stderr, signal: interrupt.signal });
  if (result === 130) return code;
  if (stdout.problem !== undefined)
    stderr.write(`${unprinted("standard output", stdout.problem)}\n`);
  const lost = stdout.problem !== undefined || stderr.problem !== undefined;
  return lost && result !== 1 ? 2 : result;
}
