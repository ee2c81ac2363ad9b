import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

it("every kernel compiles to the committed bytes", () => {
  const script = join(import.meta.dirname, "..", "scripts", "wasm.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, "--check"], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(stdout.match(/\.wasm\.ts is assembly\//g)).toHaveLength(4);
  expect(status).toBe(0);
});
