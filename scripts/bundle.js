// Bundles src/ into the entry points of the package and chunks that they share. `node scripts/bundle.js [FOLDER [FILE…]]`
// writes into dist/ by default, and replaces all that is there but the page of the lab. Other files become entry points too.
//
// A process that starts from a few dozen files needs two thirds of the time of one that starts from hundreds. All entry
// points are bundled at once, so each module exists once: a plug-in that imports "rampart" adds to the tables of the command.

import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join, posix, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const source = join(root, "src");

/** The entry points of the package, of the command line, and of processes and threads that they start. */
const entries = [
  "index",
  "node",
  "web",
  "cli/main",
  "sweep/child/node-main",
  "files/lease/node",
  "noise/node",
];

const { dependencies, peerDependencies } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
);
const packages = Object.keys({ ...dependencies, ...peerDependencies });

const isExternal = (id) =>
  id.startsWith("node:") || packages.some((name) => id === name || id.startsWith(`${name}/`));

/** In a module, `import.meta.url` is the address that the module has if it is not bundled. Chunks lie in other folders. */
const addresses = {
  name: "addresses-of-modules",
  transform(code, id) {
    if (!id.startsWith(source) || !code.includes("import.meta.url")) return null;
    const path = relative(source, id).split(sep).join("/").replace(/\.ts$/, ".js");
    return code.replaceAll("import.meta.url", `__addressOf("${path}")`);
  },
  renderChunk(code, { fileName }) {
    if (!code.includes("__addressOf(")) return null;
    const folder = posix.dirname(fileName);
    return code.replace(/__addressOf\("([^"]+)"\)/g, (_, path) => {
      const to = posix.relative(folder, path);
      return `new URL("${to.startsWith(".") ? to : `./${to}`}", import.meta.url).href`;
    });
  },
};

/** A chunk is named after the module in it that uses the others: `chunks/files-lease-node.js`. */
const chunkName = ({ moduleIds }) => {
  const id = moduleIds.at(-1) ?? "";
  const name = id.startsWith(source) ? relative(source, id).replace(/\.ts$/, "") : "runtime";
  return `chunks/${name.split(sep).join("-")}.js`;
};

/** Writes the bundle into a folder. Throws if a module does not parse or an import leads nowhere. */
async function bundle(folder, files) {
  const own = entries.map((name) => [name, join(source, `${name}.ts`)]);
  const others = files.map((file) => [basename(file, ".ts"), resolve(file)]);
  const bundled = await rolldown({
    input: Object.fromEntries([...own, ...others]),
    external: isExternal,
    platform: "neutral",
    plugins: [addresses],
    tsconfig: false,
    onLog(level, log) {
      if (level === "warn") throw new Error(log.message);
    },
  });
  await bundled.write({
    dir: folder,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: chunkName,
  });
  await bundled.close();
}

const [folder = join(root, "dist"), ...files] = process.argv.slice(2);
for (const name of existsSync(folder) ? readdirSync(folder) : [])
  if (name !== "lab") rmSync(join(folder, name), { recursive: true });
await bundle(resolve(folder), files);
