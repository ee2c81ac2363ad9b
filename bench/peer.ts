import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** One side in a process of its own, which works only while it owes an answer; one question is open at a time. */
export interface Peer {
  ask<Answer = unknown>(what: string, request?: object): Promise<Answer>;
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

const beside = (name: string) => fileURLToPath(new URL(`./${name}`, import.meta.url));

/** Rampart as it is installed: built, without the loader of TypeScript, whose memory is none of its own. */
export const startOurs = (threads: number): Peer =>
  start("rampart", process.execPath, [builtSide(), `${threads}`]);

let side: string | undefined;

/** Our side in JavaScript, bundled with the library as the package is. */
function builtSide(): string {
  if (side !== undefined) return side;
  const folder = beside("../dist.bench");
  const command = [beside("../scripts/bundle.js"), folder, beside("our-side.ts")];
  const { status } = spawnSync(process.execPath, command, {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) throw new Error("internal: the library does not build");
  side = join(folder, "our-side.js");
  return side;
}

/**
 * Freed memory stays with the process. By default glibc returns PyTorch's large blocks to the system and gets them again,
 * cleared, at the next step, which can cost it half of its time; ONNX Runtime keeps its memory by itself.
 */
const KEEP_MEMORY = {
  MALLOC_MMAP_THRESHOLD_: `${2 ** 32}`,
  MALLOC_TRIM_THRESHOLD_: `${2 ** 34}`,
  MALLOC_TOP_PAD_: `${2 ** 26}`,
};

/** PyTorch; its BLAS has threads of its own, which are told how many they are. */
export const startTorch = (
  python: string,
  threads: number,
  { keepMemory = false }: { readonly keepMemory?: boolean } = {},
): Peer => {
  const memory = keepMemory ? KEEP_MEMORY : {};
  return start("PyTorch", python, [beside("torch_side.py"), `${threads}`], {
    ...memory,
    OMP_NUM_THREADS: `${threads}`,
    OPENBLAS_NUM_THREADS: `${threads}`,
  });
};

function start(
  side: string,
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Peer {
  const child = spawn(command, args, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask<Answer>(what: string, request: object = {}) {
      child.stdin.write(`${JSON.stringify({ do: what, ...request })}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${side}'s process ended while it did ${what}`);
      const answer = JSON.parse(value);
      if (answer.error !== undefined) throw new Error(`${side}, on ${what}: ${answer.error}`);
      return answer as Answer;
    },
    close: () => ended(child),
  };
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.stdin?.end();
  });
}
