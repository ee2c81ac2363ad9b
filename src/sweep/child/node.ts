// Runs cells in a child process, so that a worker can renew its lease while a cell computes.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { reasonOf } from "../../files/reasons.ts";
import { messageOf } from "../../math/message-of.ts";
import type { Attempt } from "../attempts.ts";
import type { Cell } from "../cell.ts";
import type { Execute, Outcome } from "../outcome.ts";
import { type ChildSetup, type FromChild, OUT_FOLDER, type ToChild } from "./messages.ts";

/** The inputs of the executor of a worker. */
export interface ChildOptions extends ChildSetup {
  /** The definition of an input. */
  cell(key: string): Cell | undefined;
  note(text: string): void;
  progress?(cell: Cell, attempt: Attempt, done: number, total: number): void;
}

/** Codes of errors that another attempt may avoid; other errors would occur again. */
const WORTH_RETRYING: ReadonlySet<string | null> = new Set([
  null,
  "cannot-write",
  "unavailable",
  "in-use",
]);

/** Node's arguments that let a child run this file: none once it is built. */
const execArgv = (): string[] => (import.meta.url.endsWith(".ts") ? ["--import", "tsx"] : []);

/** One child process, used for one cell at a time. */
export class CellProcess {
  readonly #options: ChildOptions;
  #child: ChildProcess | undefined;
  /** Attempts that this worker has begun. Continuing such an attempt needs no copy. */
  readonly #begun = new Set<string>();

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  #start(): ChildProcess {
    if (this.#child?.connected) return this.#child;
    const { store, target, dataDir, plugins, folder } = this.#options;
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const main = fileURLToPath(new URL(`./node-main.${extension}`, import.meta.url));
    const setup: ChildSetup = { store, target, dataDir, plugins, folder };
    this.#child = fork(main, [JSON.stringify(setup)], {
      execArgv: execArgv(),
      serialization: "json",
    });
    return this.#child;
  }

  /** The definitions that a cell's computation needs: those of its inputs, recursively. */
  #inputsOf({ work }: Cell): Cell[] {
    return work.inputs.flatMap((key) => {
      const cell = this.#options.cell(key);
      return cell === undefined ? [] : [cell, ...this.#inputsOf(cell)];
    });
  }

  /** Computes a cell in the child process. */
  readonly execute: Execute = async (cell, attempt, signal) => {
    if (signal.aborted) return { how: "stopped" };
    const name = `${cell.key} ${attempt.number}`;
    const before = this.#begun.has(name) ? null : attempt.before;
    this.#begun.add(name);
    const run: ToChild = {
      type: "run",
      cell,
      inputs: this.#inputsOf(cell),
      attempt: attempt.number,
      before,
    };
    return this.#outcome(await this.#ask(run, { cell, attempt, signal }), attempt);
  };

  /** The last answer of the child about a cell, or the end of the child if it ended without an answer. */
  #ask(
    run: ToChild,
    {
      cell,
      attempt,
      signal,
    }: {
      readonly cell: Cell;
      readonly attempt: Attempt;
      readonly signal: AbortSignal;
    },
  ): Promise<FromChild> {
    const child = this.#start();
    const { note, progress } = this.#options;
    return new Promise((resolve) => {
      const stop = () => {
        if (child.connected) child.send({ type: "stop" } satisfies ToChild);
      };
      const end = (answer: FromChild) => {
        signal.removeEventListener("abort", stop);
        child.off("message", hear);
        child.off("exit", exited);
        resolve(answer);
      };
      const hear = (answer: FromChild) => {
        if (answer.type === "note") note(answer.text);
        else if (answer.type === "progress") progress?.(cell, attempt, answer.done, answer.total);
        else if (answer.type !== "ready") end(answer);
      };
      const exited = (code: number | null, killed: string | null) => {
        const how = killed === null ? `ended with code ${code}` : `was killed by ${killed}`;
        end({ type: "failed", message: `its process ${how}`, code: "unavailable", away: false });
      };
      child.on("message", hear);
      child.on("exit", exited);
      signal.addEventListener("abort", stop);
      child.send(run, (error) => {
        if (error === null) return;
        const hasEnded = child.exitCode !== null || child.signalCode !== null;
        if (hasEnded) exited(child.exitCode, child.signalCode);
        // A process that cannot be reached is useless; `exited` is told how it ends.
        else child.kill("SIGKILL");
      });
    });
  }

  async #outcome(answer: FromChild, attempt: Attempt): Promise<Outcome> {
    if (answer.type === "stopped") return { how: "stopped" };
    if (answer.type === "failed" && answer.away) return { how: "away", message: answer.message };
    if (answer.type === "failed") {
      const { message, code } = answer;
      return { how: "failed", message, code, retry: WORTH_RETRYING.has(code) };
    }
    if (answer.type !== "done") throw new Error(`unexpected answer ${answer.type}`);
    const files = new Map<string, Uint8Array>();
    try {
      for (const name of answer.names)
        files.set(name, await attempt.files.read(`${OUT_FOLDER}/${name}`));
    } catch (error) {
      return { how: "away", message: reasonOf(error) ?? messageOf(error) };
    }
    return { how: "done", files, removed: answer.removed, processor: answer.processor };
  }

  /** Ends the child process. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    if (child.connected) child.disconnect();
    const kill = setTimeout(() => child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(kill);
  }
}
