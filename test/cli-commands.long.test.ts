import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";

const work = mkdtempSync(join(tmpdir(), "rampart-commands-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

async function rampartRun(...argv: string[]) {
  // Loaded each time, so that a test can take a module away.
  const { rampart } = await import("../src/cli/main.ts");
  const { run } = await import("../src/cli/kit/program.ts");
  let [out, err] = ["", ""];
  const code = await run(rampart, argv, {
    stdout: {
      write: (text) => {
        out += text;
      },
    },
    stderr: {
      write: (text) => {
        err += text;
      },
    },
  });
  return { code, out, err };
}

describe("rampart data", () => {
  it("lists where a data set lies in --data-dir", async () => {
    const folder = join(work, "mnist");
    mkdirSync(folder);
    writeFileSync(join(folder, "train-images-idx3-ubyte"), "");
    const { code, out } = await rampartRun("data", "list", "--data-dir", work, "--json");
    expect(code).toBe(0);
    const lines = out.trim().split("\n");
    const places = lines.map((line) => JSON.parse(line));
    expect(places).toContainEqual({ name: "mnist", path: folder });
    expect(places).toContainEqual({ name: "shapes", path: "built in" });
  });

  it("checks the built-in images", async () => {
    const { code, out } = await rampartRun("data", "check", "shapes");
    expect(code).toBe(0);
    expect(out).toMatch(/^shapes: 10 classes of 3×32×32 images$/m);
  });

  it("refuses an unknown data set with the name that was meant, and one that cannot be fetched", async () => {
    expect(await rampartRun("data", "check", "cifar01")).toEqual({
      code: 2,
      out: "",
      err: "unknown data set cifar01; did you mean cifar10?\n  if a plug-in defines it, load the plug-in: --plugin FILE on the command line, use(definition) in the library\n",
    });
    expect((await rampartRun("data", "fetch", "shapes")).code).toBe(2);
  });
});

describe("rampart doctor", () => {
  afterEach(() => {
    vi.doUnmock("onnxruntime-node");
    vi.resetModules();
  });

  it("tells the runtime, the threads, a block size that divides 32 or none, and the data sets", async () => {
    const { code, out } = await rampartRun("doctor", "--data-dir", work, "--json");
    expect(code).toBe(0);
    const found = JSON.parse(out);
    expect(found.runtime).toMatch(/^onnxruntime-node \d+\.\d+\.\d+$/);
    expect(found.providers).toContain("cpu");
    expect(found.threads).toBeGreaterThan(0);
    expect([null, 4, 8, 16, 32]).toContain(found.blockSize);
    expect(found.data).toContainEqual({ name: "mnist", path: join(work, "mnist") });
  });

  it("still tells the rest, and what is missing, where ONNX Runtime cannot be loaded", async () => {
    vi.resetModules();
    vi.doMock("onnxruntime-node", () => {
      throw new Error("no binary for this machine");
    });
    const { code, out, err } = await rampartRun("doctor");
    expect(code).toBe(2);
    expect(out).toContain(`${process.platform}/${process.arch}`);
    expect(err).toContain("onnxruntime-node cannot be loaded");
  });
});

it("refuses to export what is not there, before writing anything", async () => {
  const { code, err } = await rampartRun(
    "export",
    join(work, "none"),
    "--out",
    join(work, "a.onnx"),
  );
  expect(code).toBe(2);
  expect(err).toContain("there is no such run directory or file");
});
