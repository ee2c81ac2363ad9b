import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  audited,
  diagnostic,
  linear,
  removeFolder,
  runtime,
} from "../../test/fixtures/audit-batch-fixture.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { InternalError } from "../math/internal-error.ts";
import { UsageError } from "../math/usage-error.ts";

afterAll(removeFolder);

/** A runtime that counts the images of its largest run, and that can be broken. */
function watched() {
  const state = { largest: 0, broken: null as Error | null };
  const on: Runtime = {
    target: runtime.target,
    async compile(outputs, options) {
      const program = await runtime.compile(outputs, options);
      return {
        ...program,
        run(feeds, into) {
          if (state.broken !== null) throw state.broken;
          const batch = "x" in feeds ? feeds.x.shape[0] : 0;
          state.largest = Math.max(state.largest, batch);
          return program.run(feeds, into);
        },
      };
    },
  };
  return { state, on };
}

describe("diagnostics", () => {
  it("run no more images at once than --batch", async () => {
    const { state, on } = watched();
    await audited(linear("z"), 2, on);
    expect(state.largest).toBe(2);
  });

  it.each([
    [new UsageError("not enough memory", { code: "usage" }), true],
    [new InternalError("oops"), false],
  ])("that fail (%s) are named as not run, and the results are written", async (error, fixable) => {
    const { state, on } = watched();
    const { result, out } = await audited(linear("z"), 8, on, () => {
      state.broken = error;
    });
    expect(result.notRun).toEqual([
      { what: "the search for smallest radii", reason: error.message, fixable },
      { what: "the probe of gradients and attacks", reason: error.message, fixable },
      { what: "the comparison of preprocessings", reason: error.message, fixable },
      { what: "the comparison of saturation", reason: error.message, fixable },
    ]);
    expect(diagnostic(result, "not-run")?.text).toContain(`did not run: ${error.message}`);
    const summary = JSON.parse(readFileSync(join(out, "summary.json"), "utf8"));
    expect(summary).toEqual(Object.assign({ schemaVersion: 2 }, result));
    expect(readFileSync(join(out, "report.html"), "utf8")).toContain("not-run");
  });
});
