// Compiles the kernels in assembly/ (AssemblyScript) to WebAssembly, and writes the modules as *.wasm.ts. With `--check` it
// writes nothing, and exits with code 1 if a committed module differs from its source.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import asc from "assemblyscript/asc";

const root = join(import.meta.dirname, "..");

/** The sources of the kernels, and where their modules go, relative to the root. */
const modules = {
  "assembly/threefry.ts": "src/math/threefry.wasm.ts",
  "assembly/sums.ts": "src/math/sums.wasm.ts",
  "assembly/ascent.ts": "src/attacks/ascent.wasm.ts",
  "assembly/cw-descent.ts": "src/attacks/cw-descent.wasm.ts",
};

// No runtime: kernels allocate nothing. AS112 warns that JavaScript cannot exchange vectors; no kernel does.
const FLAGS = "-O3 --converge --noAssert --runtime stub --enable simd --disableWarning 112";

/** The bytes of the module of one source. Exits the process with the compiler's messages if it does not compile. */
async function compile(source) {
  let module;
  const args = [source, "--baseDir", root, "--outFile", "module.wasm"].concat(FLAGS.split(" "));
  const { error, stderr } = await asc.main(args, {
    writeFile(name, contents) {
      if (name === "module.wasm") module = contents;
    },
  });
  if (module === undefined || error !== null) {
    console.error(`${source} does not compile: ${error?.message}\n${stderr.toString()}`);
    process.exit(1);
  }
  return module;
}

/** The text of the TypeScript file that holds a module. */
function fileOf(source, module) {
  const lines = Buffer.from(module)
    .toString("base64")
    .match(/.{1,92}/g);
  return `// Generated from ${source} by \`npm run build:wasm\`. Do not edit.

/** The WebAssembly module, in base64. */
export const wasm =
${lines.map((line) => `  "${line}"`).join(" +\n")};
`;
}

const check = process.argv.includes("--check");
for (const [source, file] of Object.entries(modules)) {
  const text = fileOf(source, await compile(source));
  const path = join(root, file);
  if (!check) writeFileSync(path, text);
  else if (readFileSync(path, "utf8") === text) console.log(`${file} is ${source}`);
  else {
    console.error(`${file} differs from ${source}; run npm run build:wasm and commit the file`);
    process.exitCode = 1;
  }
}
