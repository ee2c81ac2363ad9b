import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { orphaned } from "./orphan.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const running = new AbortController().signal;

it("notices that the shell of npm has ended, and not before", async () => {
  let parent = 7;
  let found: boolean | undefined;
  const wait = orphaned(running, { env: { npm_command: "exec" }, parent: () => parent });
  void wait.then((value) => {
    found = value;
  });
  await vi.advanceTimersByTimeAsync(5000);
  expect(found).toBeUndefined();
  parent = 1;
  await vi.advanceTimersByTimeAsync(1000);
  expect(found).toBe(true);
});

it("leaves a process alone that npm did not start, or whose parent had ended before", async () => {
  let parent = 7;
  const plain = orphaned(running, { env: {}, parent: () => parent });
  parent = 1;
  await expect(plain).resolves.toBe(false);
  const start = { env: { npm_command: "exec" }, parent: () => 1 };
  await expect(orphaned(running, start)).resolves.toBe(false);
});

it("stops looking where the command is stopped", async () => {
  const stop = new AbortController();
  const wait = orphaned(stop.signal, { env: { npm_command: "exec" }, parent: () => 7 });
  stop.abort();
  await vi.advanceTimersByTimeAsync(1000);
  await expect(wait).resolves.toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});
