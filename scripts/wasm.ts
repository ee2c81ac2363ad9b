// Compiles the kernels in assembly/ (AssemblyScript) to WebAssembly, and writes the modules as *.wasm.ts.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = join(import.meta.dirname, "..");

/** The sources of the kernels, and where their modules go, relative to the root. */
export const modules = {
  "assembly/threefry.ts": "src/math/threefry.wasm.ts",
  "assembly/sums.ts": "src/math/sums.wasm.ts",
  "assembly/ascent.ts": "src/attacks/ascent.wasm.ts",
  "assembly/cw-descent.ts": "src/attacks/cw-descent.wasm.ts",
} as const;

// No runtime: kernels allocate nothing. AS112 warns that JavaScript cannot exchange vectors; no kernel does.
const FLAGS = "-O3 --converge --noAssert --runtime stub --enable simd --disableWarning 112";

/** Compiles one source, a path relative to the root. Throws an `Error` with the compiler's messages. */
export async function compile(source: string): Promise<Uint8Array> {
  let module: Uint8Array | undefined;
  const args = [source, "--baseDir", root, "--outFile", "module.wasm"].concat(FLAGS.split(" "));
  const { error, stderr } = await asc.main(args, {
    writeFile(name, contents) {
      if (name === "module.wasm" && typeof contents !== "string") module = contents;
    },
  });
  if (module === undefined || error !== null)
    throw new Error(`${source} does not compile: ${error?.message}\n${stderr.toString()}`);
  return module;
}

/** The text of the TypeScript file that holds a module. */
export function fileOf(source: string, module: Uint8Array): string {
  const lines =
    Buffer.from(module)
      .toString("base64")
      .match(/.{1,92}/g) ?? [];
  return `// Generated from ${source} by \`npm run build:wasm\`. Do not edit.

/** The WebAssembly module, in base64. */
export const wasm =
${lines.map((line) => `  "${line}"`).join(" +\n")};
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [source, file] of Object.entries(modules))
    writeFileSync(join(root, file), fileOf(source, await compile(source)));
