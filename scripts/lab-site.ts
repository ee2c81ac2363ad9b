// The built site of the lab on a server of its own, and Debian's Chromium: for screenshots and measurements.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { build } from "vite";
import { siteFiles, wasmFolder } from "../src/cli/lab-files.ts";
import { serveLab } from "../src/cli/lab-server.ts";

const root = join(import.meta.dirname, "..");

/** The browser: `$CHROMIUM`, or Debian's. */
export const executablePath: string = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** An open site. */
export interface LabSite {
  /** `http://127.0.0.1:41233/`. */
  readonly url: string;
  /** The files of the site by path. */
  readonly files: ReadonlyMap<string, string>;
  readonly browser: Browser;
}

/** Builds the site (or takes the one in the folder `$LAB_SITE`), serves it with `more` files beside it (paths → files), and opens a browser for `work`. */
export async function withLabSite<T>(
  work: (site: LabSite) => Promise<T>,
  more: ReadonlyMap<string, string> = new Map(),
): Promise<T> {
  if (!existsSync(executablePath))
    throw new Error(`there is no Chromium at ${executablePath}; set CHROMIUM to its path`);
  const built = process.env.LAB_SITE;
  const folder = built ?? mkdtempSync(join(tmpdir(), "rampart-lab-site-"));
  if (built === undefined)
    await build({ configFile: join(root, "lab.config.ts"), build: { outDir: folder } });
  const files = new Map([...siteFiles(folder, wasmFolder()), ...more]);
  const server = await serveLab(files, 0);
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    return await work({ url: server.url, files, browser });
  } finally {
    await browser.close();
    await server.close();
    if (built === undefined) rmSync(folder, { recursive: true });
  }
}
