// The static site of the lab: npm run build:lab writes it to dist/lab.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vite";

const { peerDependencies } = JSON.parse(
  readFileSync(join(import.meta.dirname, "package.json"), "utf8"),
);

/** The folder of the .wasm files bears the version of onnxruntime-web, so a browser may keep them for good. */
const wasmFolder = `ort/${peerDependencies["onnxruntime-web"]}`;

/** The .wasm files keep their names: the package leaves them out, and its server adds them. */
const assetFileNames = ({ names }: { readonly names: readonly string[] }): string =>
  names.some((name) => name.endsWith(".wasm"))
    ? `${wasmFolder}/[name][extname]`
    : "assets/[name]-[hash][extname]";

const output = { assetFileNames };

export default defineConfig({
  root: join(import.meta.dirname, "src/lab"),
  base: "./",
  logLevel: "warn",
  build: {
    outDir: join(import.meta.dirname, "dist/lab"),
    emptyOutDir: true,
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    chunkSizeWarningLimit: 2000,
    rolldownOptions: { output },
  },
  worker: { format: "es", rolldownOptions: { output } },
});
