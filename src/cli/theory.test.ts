import { expect, it } from "vitest";
import { run } from "./kit/program.ts";
import { rampart } from "./main.ts";

async function theory(...argv: string[]) {
  let [out, err] = ["", ""];
  const code = await run(rampart, ["theory", ...argv], {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  });
  return { code, out, err };
}

it("prints the paper's dimensions in an aligned table, with what the columns are", async () => {
  const { code, out } = await theory();
  expect(code).toBe(0);
  const lines = out.trimEnd().split("\n");
  const table = lines.slice(1, 6);
  expect(table.map((line) => line.split(/ {2,}/)[0])).toEqual(["d", "2", "784", "3072", "150528"]);
  expect(new Set(table.map((line) => line.length)).size).toBe(1);
  expect(table[3]).toMatch(/-578 +-577\.5036 +-25\.85362 +-79\.54668 +-81\.20222$/);
  expect(table[1]).toMatch(/ void +void +-0\.04121925$/);
  expect(lines).toHaveLength(9);
});

it("writes one object per dimension under --json", async () => {
  const { out } = await theory("--dimensions", "2,3", "--p", "1", "--q", "2", "--json");
  const rows = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows.map(({ dimension, p, q }) => [dimension, p, q])).toEqual([
    [2, 1, 2],
    [3, 1, 2],
  ]);
  expect(Object.keys(rows[0])).toEqual([
    "dimension",
    "p",
    "q",
    "radius",
    "printed",
    "asPrinted",
    "hoeffding",
    "chernoff",
    "ratio",
    "slopePrinted",
    "slopeTrue",
  ]);
  expect(rows[0].ratio).toBeCloseTo(-0.04121924767566665, 12);
  expect(JSON.parse((await theory("--dimensions", "2", "--json")).out)).toMatchObject({ q: "inf" });
});

it.each([
  [["--dimensions", "0"], "--dimensions is 0, but it must be more than 0"],
  [["--dimensions", "2.5"], "--dimensions is 2.5, but it must be a whole number"],
  [["--dimensions", "two"], '--dimensions is "two", but it must be'],
  [
    ["--p", "0.5"],
    "--p is 0.5, but orders below 1 are not norms; give a number of at least 1, or inf",
  ],
  [["--q", "big"], "--q is big, but"],
])("refuses %j", async (argv, message) => {
  const { code, out, err } = await theory(...argv);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain(message);
});
