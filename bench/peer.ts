import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** PyTorch in a process of its own, which works only while it owes an answer. */
export interface Peer {
  ask<Answer = unknown>(what: string, details?: object): Promise<Answer>;
  close(): Promise<void>;
}

/** The first of these Pythons that has PyTorch, or why there is none. */
export function findPython(asked: string | undefined): { python: string } | { skipped: string } {
  const candidates = asked === undefined ? ["python3", "/usr/bin/python3"] : [asked];
  const hasTorch = (python: string) =>
    spawnSync(python, ["-c", "import torch, numpy"], { stdio: "ignore" }).status === 0;
  const python = candidates.find(hasTorch);
  return python === undefined
    ? {
        skipped: `no PyTorch for ${candidates.join(" or ")}; apt-get install python3-torch libopenblas0-pthread, or name another Python with --python`,
      }
    : { python };
}

/** Starts torch_side.py, with whom one question is open at a time. */
export function startPeer(python: string): Peer {
  const script = fileURLToPath(new URL("./torch_side.py", import.meta.url));
  const child = spawn(python, [script], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask<Answer>(what: string, details: object = {}) {
      child.stdin.write(`${JSON.stringify({ do: what, ...details })}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`PyTorch's process ended while it did ${what}`);
      const answer = JSON.parse(value);
      if (answer.error !== undefined) throw new Error(`PyTorch, on ${what}: ${answer.error}`);
      return answer as Answer;
    },
    close: () => ended(child),
  };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.stdin?.end();
  });
}
