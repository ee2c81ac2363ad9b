import { readFileSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { basename } from "node:path";

/** Traces that show how a process was started. */
export interface Origin {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Contents of a file; undefined if it cannot be read. */
  read(path: string): string | undefined;
  /** Target of a symbolic link; undefined if it cannot be read. */
  link(path: string): string | undefined;
  /** Process id of the parent. */
  readonly parent: number;
}

const attempt = (action: () => string): string | undefined => {
  try {
    return action();
  } catch {
    return undefined;
  }
};

/** The traces of this process. */
export const thisOrigin = (): Origin => ({
  env: process.env,
  read: (path) => attempt(() => readFileSync(path, "utf8")),
  link: (path) => attempt(() => readlinkSync(path)),
  parent: process.ppid,
});

/** Whether a process ignores a signal, by its /proc/PID/status. */
function ignores(status: string | undefined, signal: number): boolean {
  const [, mask] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status ?? "") ?? [];
  return mask !== undefined && (BigInt(`0x${mask}`) & (1n << BigInt(signal - 1))) !== 0n;
}

/** Flags of open(2) in /proc/self/fdinfo: O_WRONLY and O_ACCMODE. */
const WRITE_ONLY = 0o1;
const ACCESS_MODE = 0o3;

/**
 * Whether this process should ignore SIGHUP, as under `nohup`. Node resets every signal to its default action at its start,
 * so the process itself does not show whether it was started under nohup. These traces remain: a parent that ignores SIGHUP (a script under nohup), the
 * shell's variable `_`, and the files that nohup opens instead of a terminal (a write-only input, nohup.out).
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
