import { spawn } from "node:child_process";
import { once } from "node:events";
import { z } from "zod";
import { command } from "./kit/command.ts";
import { orphaned } from "./kit/orphan.ts";
import { pageFolder, siteFiles, wasmFolder } from "./lab-files.ts";
import { serveLab } from "./lab-server.ts";

/** The default. A fixed port keeps the address of the page, to which the browser ties what the page has stored. */
const PORT = 7317;

/** The program that opens an address in the user's browser. */
function opener(): readonly [string, readonly string[]] {
  if (process.platform === "darwin") return ["open", []];
  if (process.platform === "win32") return ["cmd", ["/c", "start", ""]];
  return ["xdg-open", []];
}

/** Opens an address in the browser. Where there is no browser, the user still has the printed address. */
function openInBrowser(url: string): void {
  const [program, words] = opener();
  const child = spawn(program, [...words, url], { stdio: "ignore", detached: true });
  child.on("error", () => undefined);
  child.unref();
}

/** Waits for Ctrl-C or another signal, or for the end of the npx that started this process. */
async function ended(signal: AbortSignal): Promise<void> {
  const aborted = async () => {
    if (!signal.aborted) await once(signal, "abort");
  };
  await Promise.race([
    aborted(),
    orphaned(signal).then((isOrphan) => (isOrphan ? undefined : aborted())),
  ]);
}

/** `rampart lab`: serves the page of the lab on this machine until it is interrupted. */
export const labCommand = command({
  summary: "Open the lab: attack and audit a model in the browser; nothing leaves this machine.",
  options: z.strictObject({
    port: z.int().min(0).max(65535).default(PORT).describe("port on 127.0.0.1; 0 for any free one"),
    open: z.boolean().default(true).describe("open the page in the browser"),
  }),
  examples: ["rampart lab", "rampart lab --port 0 --no-open"],
  async run({ port, open }, context) {
    const server = await serveLab(siteFiles(pageFolder, wasmFolder()), port);
    context.print(`the lab is at ${server.url} (Ctrl-C ends it)`);
    context.emit({ url: server.url });
    if (open) openInBrowser(server.url);
    await ended(context.signal);
    await server.close();
  },
});
