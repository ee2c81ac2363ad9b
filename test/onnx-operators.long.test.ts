import { afterAll, describe, expect, it } from "vitest";
import { interpret } from "../src/engine/graph/interpret.ts";
import { nodeRuntime } from "../src/engine/runtime/node.ts";
import {
  archivePath,
  arrayOf,
  firstDifference,
  readCase,
  readCases,
} from "./fixtures/onnx-cases.ts";

/** Official tests that cannot pass, with the reason and the message. */
const excuses: readonly (readonly [name: RegExp, reason: string, message: RegExp])[] = [
  [/^simple\/test_strnorm_/, "text", /the element type string/],
  [/^simple\/test_gradient_of_/, "training operators", /training\.Gradient/],
  [/^node\/test_identity_opt$/, "an input that may be absent", /is of type optional/],
];

const archive = archivePath();
const cases = archive === undefined ? [] : await readCases(archive);
const runtime = await nodeRuntime({ threads: 1 });

describe.skipIf(archive === undefined)(
  "the official operator tests (skipped where RAMPART_DATA holds no onnx/ archive):",
  () => {
    const unused = new Set(excuses.map(([name]) => name));
    afterAll(() => {
      expect([...unused], "excuses that no test needs").toEqual([]);
    });

    it("are complete", () => {
      expect(cases.length).toBe(484);
    });

    it.each(cases)("$name", async (one) => {
      const excuse = excuses.find(([name]) => name.test(one.name));
      if (excuse !== undefined) {
        unused.delete(excuse[0]);
        expect(() => readCase(one)).toThrow(excuse[2]);
        return;
      }
      const { outputs, feeds } = readCase(one);
      const values = Object.values(outputs);
      const program = await runtime.compile(
        Object.fromEntries(values.map((value, i) => [`output ${i}`, value])),
      );
      const results = await program.run(feeds);
      await program.release();
      const reference = interpret(values, feeds);
      expect(values.length).toBe(one.outputs.length);
      for (const [i, bytes] of one.outputs.entries()) {
        const expected = arrayOf(bytes);
        expect(firstDifference(results[`output ${i}`], expected), "runtime").toBeUndefined();
        expect(firstDifference(reference[i], expected), "interpreter").toBeUndefined();
      }
    });
  },
);
