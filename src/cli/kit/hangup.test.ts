import { describe, expect, it } from "vitest";
import { ignoresHangup, type Origin } from "./hangup.ts";

const status = (mask: string) => `Name:\tnode\nSigBlk:\t0000000000000000\nSigIgn:\t${mask}\n`;
const plain = status("0000000000001000");

/** A process on Linux that nothing keeps from ending with its terminal. */
function origin(
  files: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Origin {
  const all: Readonly<Record<string, string>> = {
    "/proc/self/status": plain,
    "/proc/7/status": plain,
    "/proc/self/fdinfo/0": "pos:\t0\nflags:\t0100002\n",
    "/proc/self/fd/0": "/dev/pts/3",
    "/proc/self/fd/1": "/dev/pts/3",
    "/proc/self/fd/2": "/dev/pts/3",
    ...files,
  };
  return { env, parent: 7, read: (path) => all[path], link: (path) => all[path] };
}

describe("a process ends with its terminal", () => {
  it.each([
    ["by default", origin()],
    ["with other signals ignored", origin({ "/proc/self/status": status("fffffffffffffffe") })],
    ["with its input from /dev/null", origin({ "/proc/self/fd/0": "/dev/null" })],
    ["with an output of another name", origin({ "/proc/self/fd/1": "/home/a/out.txt" })],
    ["started by another program", origin({}, { _: "/usr/bin/nohupper" })],
    [
      "where the system says nothing",
      { ...origin(), read: () => undefined, link: () => undefined },
    ],
  ])("%s", (_, from) => {
    expect(ignoresHangup(from)).toBe(false);
  });
});

describe("a process outlives its terminal", () => {
  it.each([
    ["if it ignores SIGHUP", origin({ "/proc/self/status": status("0000000000001001") })],
    ["if its parent does", origin({ "/proc/7/status": status("0000000000000001") })],
    ["if the shell started nohup", origin({}, { _: "/usr/bin/nohup" })],
    ["if its output is nohup.out", origin({ "/proc/self/fd/1": "/home/a/nohup.out" })],
    ["if its errors go there", origin({ "/proc/self/fd/2": "/home/a/nohup.out" })],
    [
      "if its input is the one that nohup opens",
      origin({ "/proc/self/fd/0": "/dev/null", "/proc/self/fdinfo/0": "flags:\t02100001\n" }),
    ],
  ])("%s", (_, from) => {
    expect(ignoresHangup(from)).toBe(true);
  });
});
