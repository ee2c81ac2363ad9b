// The static site of the lab: npm run build:lab writes it to dist/lab.
import { join } from "node:path";
import { defineConfig } from "vite";

/** The .wasm files keep their names in a folder of their own: the package leaves them out, and its server adds them. */
const assetFileNames = ({ names }: { readonly names: readonly string[] }): string =>
  names.some((name) => name.endsWith(".wasm"))
    ? "ort/[name][extname]"
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
