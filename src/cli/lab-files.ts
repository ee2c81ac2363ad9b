// The files of the lab: its built page, and the .wasm files of the installed onnxruntime-web.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { wasmNames } from "../engine/runtime/web-start.ts";
import { UsageError } from "../math/usage-error.ts";

/** The built page in this package or clone. */
export const pageFolder: string = fileURLToPath(new URL("../../dist/lab/", import.meta.url));

const thisPackage = fileURLToPath(new URL("../../package.json", import.meta.url));

interface PackageFile {
  readonly version: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const packageAt = (path: string): PackageFile => JSON.parse(readFileSync(path, "utf8"));

/** The version of onnxruntime-web that the page is built with. */
const wantedVersion = (): string | undefined =>
  packageAt(thisPackage).peerDependencies?.["onnxruntime-web"];

/** The path of a .wasm file on the site. */
export const wasmPath = (name: string): string => `/ort/${wantedVersion()}/${name}`;

const notInstalled = (what: string, version: string | undefined) =>
  new UsageError(`${what}, and the lab runs networks with it`, {
    code: "unavailable",
    next: `install it: npm install --ignore-scripts onnxruntime-web@${version}`,
  });

/** Finds a package from this one, as Node does. Throws where it is not installed. */
const resolvedHere = (name: string): string => createRequire(import.meta.url).resolve(name);

/**
 * The folder of the .wasm files of onnxruntime-web. Throws a `UsageError` (`unavailable`) with the command that installs it
 * if it is missing or of another version.
 */
export function wasmFolder(resolve: (name: string) => string = resolvedHere): string {
  const wanted = wantedVersion();
  let folder: string;
  try {
    folder = dirname(resolve("onnxruntime-web"));
  } catch {
    throw notInstalled("onnxruntime-web is not installed", wanted);
  }
  const { version } = packageAt(join(folder, "..", "package.json"));
  if (version !== wanted)
    throw notInstalled(
      `onnxruntime-web is installed in version ${version}, but this page needs ${wanted}`,
      wanted,
    );
  return folder;
}

/** The regular files below a folder, relative to it, with forward slashes. Links are left out. */
const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .map((path) => path.slice(folder.length).replaceAll("\\", "/").replace(/^\//, ""));

/**
 * The file behind each path of the site: those of the page, and `/ort/<version>/…` for the .wasm files. Throws a `UsageError` if
 * the page is not built.
 */
export function siteFiles(page: string, wasm: string): ReadonlyMap<string, string> {
  if (!existsSync(join(page, "index.html")))
    throw new UsageError(`the page of the lab is not built: ${page} has no index.html`, {
      code: "not-found",
      next: "build it: npm run build:lab",
    });
  const files = new Map<string, string>();
  for (const name of filesBelow(page))
    if (!name.startsWith("ort/")) files.set(`/${name}`, join(page, name));
  files.set("/", join(page, "index.html"));
  for (const name of Object.values(wasmNames)) files.set(wasmPath(name), join(wasm, name));
  return files;
}
