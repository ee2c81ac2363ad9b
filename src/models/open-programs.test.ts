import { describe, expect, it } from "vitest";
import { OpenPrograms } from "./open-programs.ts";

/** Programs of 10 bytes that tell when they are opened and released, and run until `finish` is called. */
function watched(maxBytes: number) {
  const programs = new OpenPrograms(maxBytes);
  const events: string[] = [];
  const waiting = new Map<string, () => void>();
  const describeProgram = (name: string, hangs: boolean) => () => ({
    bytes: 10,
    async compile() {
      events.push(`open ${name}`);
      return {
        async run() {
          if (hangs) await new Promise<void>((resolve) => waiting.set(name, resolve));
          return {};
        },
        async release() {
          events.push(`release ${name}`);
        },
      };
    },
  });
  const run = (name: string, { hangs = false } = {}) =>
    programs.run(name, describeProgram(name, hangs), {});
  return { programs, events, run, finish: (name: string) => waiting.get(name)?.() };
}

describe("open programs", () => {
  it("are compiled once while they fit", async () => {
    const { events, run } = watched(20);
    for (const name of ["a", "b", "a", "b"]) await run(name);
    expect(events).toEqual(["open a", "open b"]);
  });

  it("make room by releasing those that were used least recently, before the next is compiled", async () => {
    const { programs, events, run } = watched(20);
    for (const name of ["a", "b", "a", "c", "b"]) await run(name);
    expect(events).toEqual(["open a", "open b", "release b", "open c", "release a", "open b"]);
    expect(programs.names).toEqual(["c", "b"]);
    await programs.release();
    expect(events.slice(6)).toEqual(["release c", "release b"]);
  });

  it("are not released while they run", async () => {
    const { events, run, finish } = watched(10);
    const running = run("a", { hangs: true });
    await run("b");
    expect(events).toEqual(["open a", "open b"]);
    finish("a");
    await running;
    await run("c");
    expect(events.slice(2).sort()).toEqual(["open c", "release a", "release b"]);
  });

  it("include one that is larger than the limit", async () => {
    const { events, run } = watched(5);
    for (const name of ["a", "a", "b"]) await run(name);
    expect(events).toEqual(["open a", "release a", "open b"]);
  });

  it("give the error of a program that does not compile, and go on without it", async () => {
    const programs = new OpenPrograms(10);
    const broken = { bytes: 10, compile: () => Promise.reject(new Error("no")) };
    const fine = {
      bytes: 10,
      compile: async () => ({ run: async () => ({}), release: async () => undefined }),
    };
    await expect(programs.run("a", () => broken, {})).rejects.toThrow("no");
    await expect(programs.run("b", () => fine, {})).resolves.toEqual({});
  });
});
