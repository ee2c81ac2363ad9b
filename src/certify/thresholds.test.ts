// The thresholds of drawn noise against exact ones (test/golden/thresholds.py, mpmath with 60 digits).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { parseNoise } from "../noise/table.ts";
import { lowerCumulatives } from "./cumulative.ts";
import { gridNoise, gridNoises, thresholdsOf } from "./grid-noise.ts";

const path = join(import.meta.dirname, "../../test/golden/thresholds.json.gz");
const golden: Readonly<Record<string, readonly string[]>> = JSON.parse(
  gunzipSync(readFileSync(path)).toString(),
);

/** 2⁶⁴ F((k + ½)/255) for k = −1, −2, … as drawn. */
function drawn(name: string): bigint[] {
  const { definition, parameters } = parseNoise(name);
  const { high, low, furthest } = thresholdsOf(lowerCumulatives[definition.name](parameters));
  return Array.from(
    { length: furthest },
    (_, i) => (BigInt(high[furthest - 1 - i]) << 32n) + BigInt(low[furthest - 1 - i]),
  );
}

const size = (value: bigint): bigint => (value < 0n ? -value : value);

/**
 * The total variation between a drawn pixel and the rounded continuous noise, from above. With errors Δₖ of the thresholds,
 * step k < 0 has an error Δₖ − Δₖ₋₁, as has −k, and step 0 has −2Δ₋₁. Exact thresholds were rounded down by less than 1.
 */
function totalVariation(name: string): number {
  const [ours, exact] = [drawn(name), golden[name].map((hex) => BigInt(`0x${hex}`))];
  const errors = exact.map((value, i) => (ours[i] ?? 0n) - value);
  const sum = errors.reduce(
    (total, error, i) => total + size(error - (errors[i + 1] ?? 0n)),
    size(errors[0]),
  );
  return Number(sum + 2n * BigInt(exact.length) + 2n) / 2 ** 64;
}

it.each(Object.keys(golden))(
  "%s is closer to continuous noise than what certificates subtract",
  (name) => {
    const found = totalVariation(name);
    expect(found).toBeLessThan(gridNoise(name).errorPerPixel);
    // The error is that of doubles, far above that of 64 bits: otherwise the comparison would show nothing.
    expect(found).toBeGreaterThan(2 ** -62);
  },
);

it("every noise that is drawn on the grid was checked", () => {
  expect(new Set(Object.keys(golden).map((name) => name.split(":")[0]))).toEqual(
    new Set(gridNoises),
  );
});
