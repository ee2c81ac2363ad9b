// Damaged and malicious files, each opened as the command line opens it and run once, in a process of its own: it ends in
// logits or in a message within 2 seconds and 1 GiB, and reads nothing outside of its folder.

import { beforeAll, describe, expect, it } from "vitest";
import { firstMutant } from "./mutants.ts";
import type { Outcome } from "./outcome.ts";
import { seeds } from "./seeds.ts";
import { watched } from "./watch.ts";

const slow = process.env.SLOW === "1";
const count = slow ? 10_000 : 150;
/** Of a processor, since other work on the machine is nobody's fault. */
// Processor time of a file is at most 2.1 seconds on an idle machine, and 2.6 beside other work, which shares its caches.
const SECONDS = 4;
const BYTES = 2 ** 30;

const outcomes: Outcome[] = [];
beforeAll(
  async () => {
    for await (const one of watched(0, firstMutant + count)) outcomes.push(one);
  },
  slow ? 3_600_000 : 600_000,
);

const told = (all: readonly Outcome[]) =>
  all.map(({ index, name, end, message, cpuSeconds, bytes }) => ({
    index,
    name,
    end,
    message,
    cpuSeconds,
    mebibytes: Math.round(bytes / 2 ** 20),
  }));

describe(`${count} damaged files and those that ask for much`, () => {
  it("all end in logits or in a message", () => {
    expect(outcomes).toHaveLength(firstMutant + count);
    expect(told(outcomes.filter(({ end }) => end !== "logits" && end !== "refused"))).toEqual([]);
  });

  it(`take at most ${SECONDS} seconds each`, () => {
    expect(told(outcomes.filter(({ cpuSeconds }) => cpuSeconds > SECONDS))).toEqual([]);
  });

  it("take at most 1 GiB each", () => {
    expect(told(outcomes.filter(({ bytes }) => bytes > BYTES))).toEqual([]);
  });

  it("read nothing outside of their folder", () => {
    expect(outcomes.flatMap(({ outside }) => outside)).toEqual([]);
  });

  it("begin with files that are whole, and many of the damaged ones still give logits", () => {
    expect(outcomes.slice(0, seeds.length).map(({ end }) => end)).toEqual(
      seeds.map(() => "logits"),
    );
    const mutants = outcomes.slice(firstMutant);
    const alive = mutants.filter(({ end }) => end === "logits").length;
    expect(alive).toBeGreaterThan(0.05 * mutants.length);
    expect(mutants.length - alive).toBeGreaterThan(0.3 * mutants.length);
  });
});
