import { describe, expect, it } from "vitest";
import { archivePath, readCase, readCases } from "./fixtures/onnx-cases.ts";
import { slopes } from "./fixtures/onnx-slopes.ts";

/**
 * Tests whose gradients a finite difference cannot measure: step functions, inputs exactly at a kink, thousands of windows whose
 * maxima change, and inputs of uninitialised memory.
 */
const unmeasurable =
  /sign|floor|ceil|round|simple\/|identity_opt|(leakyrelu|thresholdedrelu)_example|max_?pool.*(same_upper|stride)|PReLU_.d_multiparam|operator_add/i;

const archive = archivePath();
const cases = (archive === undefined ? [] : await readCases(archive)).filter(
  ({ name }) => !unmeasurable.test(name),
);

describe.skipIf(archive === undefined)(
  "gradients of the official operator tests agree with differences (skipped where RAMPART_DATA holds no onnx/ archive):",
  () => {
    it.each(cases)("$name", (one) => {
      const { outputs, inputs, feeds } = readCase(one);
      const found = slopes(outputs, inputs, feeds);
      if (found === null || !Number.isFinite(found.measured)) return;
      const { computed, measured } = found;
      expect(Math.abs(computed - measured)).toBeLessThan(0.03 * Math.max(1, Math.abs(measured)));
    });
  },
);
