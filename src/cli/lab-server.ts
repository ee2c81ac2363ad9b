// The server of the lab. It answers this machine alone, and only with the files that it was given.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { extname } from "node:path";
import { UsageError } from "../math/usage-error.ts";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".wasm": "application/wasm",
};

/**
 * Sent with every answer. The first two isolate the page, which threads of WebAssembly need. The policy lets the page talk to
 * this server alone.
 */
const headers: Readonly<Record<string, string>> = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  "content-security-policy": [
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "worker-src 'self' blob:",
    "connect-src 'self'",
    "frame-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/**
 * Host headers that a browser on this machine sends. A foreign site whose name resolves to this machine sends its own
 * name.
 */
const isOwnHost = (host: string | undefined, port: number): boolean =>
  host === `127.0.0.1:${port}` || host === `localhost:${port}`;

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { ...headers, "content-type": "text/plain; charset=utf-8" });
  response.end(`${reason}\n`);
}

/** The path without its query, as it was sent: nothing is decoded, so only names of files match. */
const pathOf = (request: IncomingMessage): string => (request.url ?? "").split(/[?#]/, 1)[0];

/**
 * Files whose path bears a hash or a version never change. A browser keeps the compiled code of a .wasm file only while it need
 * not ask for the file again.
 */
const cachingOf = (path: string): string =>
  /^\/(assets|ort)\//.test(path) ? "public, max-age=31536000, immutable" : "no-cache";

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  file: string,
): Promise<void> {
  const { size, mtimeMs } = await stat(file);
  const tag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`;
  const own = { etag: tag, "cache-control": cachingOf(pathOf(request)) };
  if (request.headers["if-none-match"] === tag) {
    response.writeHead(304, { ...headers, ...own });
    response.end();
    return;
  }
  response.writeHead(200, {
    ...headers,
    ...own,
    "content-type": types[extname(file)] ?? "application/octet-stream",
    "content-length": size,
  });
  if (request.method === "HEAD") response.end();
  else
    createReadStream(file)
      .on("error", () => response.destroy())
      .pipe(response);
}

/** A server that listens. */
export interface LabServer {
  /** `http://127.0.0.1:7317/`. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Why a port is unavailable. */
function portProblem(port: number, { code, message }: NodeJS.ErrnoException): UsageError {
  const reason = code === "EADDRINUSE" ? "another program uses it" : message;
  return new UsageError(`port ${port} of 127.0.0.1 is unavailable: ${reason}`, {
    code: "in-use",
    next: "choose another one with --port, or any free one with --port 0",
  });
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(portProblem(port, error)));
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

/**
 * Serves `files` (paths of the site → files) on 127.0.0.1; port 0 takes a free one. Refuses paths that are not in
 * `files`, a foreign Host header, and methods other than GET and HEAD. Throws a `UsageError` (`in-use`) if the port is
 * unavailable.
 */
export async function serveLab(
  files: ReadonlyMap<string, string>,
  wanted: number,
): Promise<LabServer> {
  let port = wanted;
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    if (!isOwnHost(request.headers.host, port)) {
      refuse(response, 403, `this server answers 127.0.0.1:${port} only`);
      return;
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      refuse(response, 405, "only GET and HEAD are answered");
      return;
    }
    const file = files.get(pathOf(request));
    if (file === undefined) refuse(response, 404, "the lab has no such file");
    else
      await send(request, response, file).catch(() =>
        refuse(response, 500, "a file of the lab cannot be read"),
      );
  };
  const server = createServer((request, response) => void answer(request, response));
  port = await listen(server, wanted);
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
