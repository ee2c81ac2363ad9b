import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, describe, expect, it } from "vitest";
import { processOutput } from "./process-output.ts";

const folder = mkdtempSync(join(tmpdir(), "rampart-output-"));
afterAll(() => rmSync(folder, { recursive: true }));

type Stream = NodeJS.WriteStream & { readonly fd: number };

/** A stream like `process.stdout`; its errors are emitted by hand. */
function pipe(isTTY = false) {
  const stream = new PassThrough();
  const texts: string[] = [];
  stream.on("data", (data) => texts.push(String(data)));
  const output = processOutput(Object.assign(stream, { fd: -1, isTTY }) as unknown as Stream);
  const fail = (code: string) => stream.emit("error", Object.assign(new Error(code), { code }));
  return { output, texts, fail };
}

describe("an output whose reader has gone away", () => {
  it.each([
    ["EPIPE", false],
    ["ECONNRESET", false],
    ["EIO", true],
  ])("(%s, terminal: %s) drops text and has no problem", (code, isTTY) => {
    const { output, texts, fail } = pipe(isTTY);
    output.write("a");
    fail(code);
    output.write("b");
    fail(code);
    expect(output.problem).toBeUndefined();
    expect(texts).toEqual(["a"]);
  });

  it.each([["ENOSPC"], ["EIO"]])("is not one whose disk fails (%s)", (code) => {
    const { output, fail } = pipe();
    fail(code);
    fail("EPIPE");
    expect(output.problem?.code).toBe(code);
  });
});

describe("an output to a file", () => {
  const file = (name: string, flags: string) => {
    const path = join(folder, name);
    const fd = openSync(path, flags);
    const stream = Object.assign(new PassThrough(), { fd, isTTY: false });
    return { path, fd, output: processOutput(stream as unknown as Stream) };
  };

  it("holds every byte of what was written", () => {
    const { path, fd, output } = file("whole", "w");
    output.write("ε 0.031\n");
    output.write("x".repeat(100_000));
    closeSync(fd);
    expect(readFileSync(path, "utf8")).toBe(`ε 0.031\n${"x".repeat(100_000)}`);
    expect(output.problem).toBeUndefined();
  });

  it("keeps the first error and drops the rest", () => {
    const { fd, output } = file("whole", "r");
    output.write("a");
    expect(output.problem?.code).toBe("EBADF");
    expect(output.write("b")).toBe(false);
    closeSync(fd);
  });
});
