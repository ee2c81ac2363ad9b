import fc from "fast-check";
import { expect, it } from "vitest";
import { counterexampleText } from "./counterexample.ts";

const float = fc.float({ noDefaultInfinity: true, noNaN: true });

it("keeps every float32, in order", () => {
  fc.assert(
    fc.property(fc.float32Array({ minLength: 1, maxLength: 9, noNaN: true }), float, (x, y) => {
      const [first, ...lines] = counterexampleText(x, Float32Array.of(y)).trimEnd().split("\n");
      expect(first).toBe("sat");
      expect(lines[0]).toMatch(/^\(\(X_0 /);
      expect(lines.at(-1)).toMatch(/\)\)$/);
      const read = lines.map((line) => /^[ (]\(([XY])_(\d+) (\S+?)\)+$/.exec(line)?.slice(1));
      expect(read.map((part) => `${part?.[0]}${part?.[1]}`)).toEqual([
        ...Array.from(x, (_, i) => `X${i}`),
        "Y0",
      ]);
      expect(read.map((part) => Number(part?.[2]) + 0)).toEqual([...x, y].map((v) => v + 0));
    }),
  );
});
