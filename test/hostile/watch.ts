import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Outcome } from "./outcome.ts";

/** Seconds of a processor (of the clock, without a word of the system about it) after which a silent child is taken to hang. */
const PATIENCE = 20;
const LONGEST = 600;
/** Bytes beyond which a child is stopped. */
const FLOOD = 3 * 2 ** 30;

/** Bytes that a process holds now, and seconds of a processor that it has used; 0 where the system does not say. */
function useOf(pid: number | undefined): { readonly bytes: number; readonly seconds: number } {
  try {
    const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    // Fields 14 and 15, in hundredths of a second; the name before them may hold spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    return { bytes: Number(kib) * 1024, seconds: (Number(fields[11]) + Number(fields[12])) / 100 };
  } catch {
    return { bytes: 0, seconds: 0 };
  }
}

/** How the mutants `from` to `to` (exclusive) end, each in a process that may crash or hang. */
export async function* watched(from: number, to: number): AsyncGenerator<Outcome> {
  let next = from;
  while (next < to) {
    const child = spawn(
      process.execPath,
      ["--import", "tsx", "test/hostile/child.ts", String(next), String(to)],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let said = "";
    child.stderr.on("data", (text) => {
      said = (said + text).slice(-2000);
    });
    let name = "";
    let end: Outcome["end"] = "crash";
    const kill = (why: Outcome["end"]) => {
      end = why;
      child.kill("SIGKILL");
    };
    let spoke = { at: performance.now(), seconds: 0 };
    const gauge = setInterval(() => {
      const { bytes, seconds } = useOf(child.pid);
      if (bytes > FLOOD) kill("flood");
      const silent = (performance.now() - spoke.at) / 1000;
      if (seconds - spoke.seconds > PATIENCE || silent > LONGEST) kill("hang");
    }, 100);
    const start = performance.now();
    for await (const line of createInterface(child.stdout)) {
      spoke = { at: performance.now(), seconds: useOf(child.pid).seconds };
      const word = JSON.parse(line) as Outcome & { readonly start?: number };
      if (word.start !== undefined) {
        name = word.name;
        continue;
      }
      next = word.index + 1;
      yield word;
    }
    clearInterval(gauge);
    if (next >= to) return;
    yield {
      index: next,
      name,
      end,
      message: said,
      outside: [],
      seconds: (performance.now() - start) / 1000,
      cpuSeconds: 0,
      bytes: 0,
    };
    next++;
  }
}
