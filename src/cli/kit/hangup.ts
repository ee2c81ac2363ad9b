import { readFileSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { basename } from "node:path";

/** What tells whether a process was started to outlive its terminal. */
export interface Origin {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Contents of a file of /proc, or what a link there names; undefined where the system has none. */
  read(path: string): string | undefined;
  link(path: string): string | undefined;
  readonly parent: number;
}

const tried = (action: () => string): string | undefined => {
  try {
    return action();
  } catch {
    return undefined;
  }
};

/** This process. */
export const thisOrigin = (): Origin => ({
  env: process.env,
  read: (path) => tried(() => readFileSync(path, "utf8")),
  link: (path) => tried(() => readlinkSync(path)),
  parent: process.ppid,
});

/** True if a status file of Linux says that its process ignores the signal. */
function ignores(status: string | undefined, signal: number): boolean {
  const [, mask] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status ?? "") ?? [];
  return mask !== undefined && (BigInt(`0x${mask}`) & (1n << BigInt(signal - 1))) !== 0n;
}

/** Flags of open(2) in /proc/self/fdinfo: for writing alone. */
const WRITE_ONLY = 0o1;
const ACCESS_MODE = 0o3;

/**
 * True if this process is to ignore SIGHUP, as under `nohup`. Node gives every signal its default action at the start
 * and so forgets that it was ignored. What is left: a parent that ignores it (a script under nohup), the shell's
 * variable `_`, and the files that nohup opens in place of a terminal (an input that cannot be read, nohup.out).
 */
export function ignoresHangup({ env, read, link, parent }: Origin): boolean {
  const { SIGHUP } = constants.signals;
  if (["self", String(parent)].some((who) => ignores(read(`/proc/${who}/status`), SIGHUP)))
    return true;
  if (basename(env._ ?? "") === "nohup") return true;
  const [, flags] = /^flags:\s*([0-7]+)$/m.exec(read("/proc/self/fdinfo/0") ?? "") ?? [];
  const unreadable =
    flags !== undefined && (Number.parseInt(flags, 8) & ACCESS_MODE) === WRITE_ONLY;
  if (unreadable && link("/proc/self/fd/0") === "/dev/null") return true;
  return [1, 2].some((fd) => basename(link(`/proc/self/fd/${fd}`) ?? "") === "nohup.out");
}
