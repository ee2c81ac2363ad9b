import { availableParallelism } from "node:os";
import { configDefaults, defineConfig } from "vitest/config";
import { bundledTests } from "./scripts/bundled-tests.ts";

/** Whole processes, trainings and reproductions, and the tables of every operator and attack: minutes, a suite of their own. */
const long = ["src/**/*.long.test.ts", "test/**/*.long.test.ts"];
/** Campaigns that kill processes and fill disks, and comparisons with PyTorch's speed: with everything else, by SUITE=all. */
const slow = ["test/**/*.slow.test.ts"];
const { SUITE } = process.env;
if (SUITE !== undefined && SUITE !== "long" && SUITE !== "all")
  throw new Error(`SUITE is ${SUITE}; use long or all, or leave it out for the unit tests`);

/** Put other modules in the place of ours, or import modules whose names they find out: a bundle has neither. */
const unbundled = [
  "src/audit/prove/contradictions.long.test.ts",
  "test/cli-commands.long.test.ts",
  "test/one-row.test.ts",
];

/** Whether a test file belongs to this suite and may be bundled. */
function isBundled(path: string): boolean {
  if (unbundled.some((name) => path.endsWith(name))) return false;
  const suite = /\.(long|slow)\.test\.ts$/.exec(path)?.[1];
  return SUITE === "all" || suite === SUITE;
}

export default defineConfig({
  plugins: [bundledTests(isBundled)],
  test: {
    include: SUITE === "long" ? long : ["src/**/*.test.ts", "test/**/*.test.ts"],
    exclude:
      SUITE === undefined ? [...configDefaults.exclude, ...long, ...slow] : configDefaults.exclude,
    setupFiles: ["test/fixtures/one-thread.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    // Unit tests leave nothing behind, so files may share a process; loading every module anew took most of their time.
    isolate: SUITE !== undefined,
    // By default a core is left idle, which on two cores is half of them. Long tests often wait for a process or a page.
    maxWorkers: SUITE === undefined ? "100%" : availableParallelism() + 1,
  },
});
