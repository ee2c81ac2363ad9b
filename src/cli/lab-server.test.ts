// The server of the lab, asked over real connections.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { siteFiles, wasmFolder, wasmPath } from "./lab-files.ts";
import { type LabServer, serveLab } from "./lab-server.ts";

const work = mkdtempSync(join(tmpdir(), "rampart-lab-"));
const page = join(work, "page");
const wasm = join(work, "wasm");
let server: LabServer;

beforeAll(async () => {
  mkdirSync(join(page, "assets"), { recursive: true });
  mkdirSync(join(page, "ort"));
  mkdirSync(wasm);
  writeFileSync(join(work, "secret.txt"), "secret");
  writeFileSync(join(page, "index.html"), "<!doctype html>hello");
  writeFileSync(join(page, "assets", "a-1.js"), "let a;");
  writeFileSync(join(page, "ort", "stale.wasm"), "stale");
  writeFileSync(join(wasm, "ort-wasm-simd-threaded.wasm"), "wasm");
  writeFileSync(join(wasm, "ort.js"), "let ort;");
  symlinkSync(join(work, "secret.txt"), join(page, "link.txt"));
  server = await serveLab(siteFiles(page, wasm), 0);
});

afterAll(async () => {
  await server.close();
  rmSync(work, { recursive: true });
});

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

/** Sends a request as it is: unlike fetch, `node:http` normalises no path. */
const ask = ({ path = "/", method = "GET", headers = {} }: Asked) =>
  new Promise<{ status?: number; headers: NodeJS.Dict<string | string[]>; body: string }>(
    (resolve, reject) => {
      const host = "127.0.0.1";
      httpRequest({ host, port: server.port, path, method, headers }, (response) => {
        let body = "";
        response.on("data", (part) => {
          body += part;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode, headers: response.headers, body }),
        );
      })
        .on("error", reject)
        .end();
    },
  );

const rawStatus = (text: string) =>
  new Promise<string>((resolve, reject) => {
    let answer = "";
    const socket = connect(server.port, "127.0.0.1", () => socket.end(text));
    socket.on("data", (part) => {
      answer += part;
    });
    socket.on("close", () => resolve(answer.split("\r\n", 1)[0]));
    socket.on("error", reject);
  });

describe("the server of the lab", () => {
  it("sends the page with headers that isolate it and keep it to this server", async () => {
    const { status, headers, body } = await ask({});
    expect(status).toBe(200);
    expect(body).toBe("<!doctype html>hello");
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(headers["cross-origin-opener-policy"]).toBe("same-origin");
    expect(headers["cross-origin-embedder-policy"]).toBe("require-corp");
    expect(headers["content-security-policy"]).toContain("connect-src 'self'");
    expect(headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("sends no body to HEAD, and ignores the query, which holds the scene", async () => {
    const { status, headers, body } = await ask({ path: "/?norm=l2", method: "HEAD" });
    expect(status).toBe(200);
    expect(body).toBe("");
    expect(headers["content-length"]).toBe("20");
  });

  it("answers 304 to a browser that has the file", async () => {
    const { headers } = await ask({ path: "/assets/a-1.js" });
    expect(headers["cache-control"]).toContain("immutable");
    const again = await ask({
      path: "/assets/a-1.js",
      headers: { "if-none-match": String(headers.etag) },
    });
    expect(again.status).toBe(304);
  });

  it("takes the .wasm files from onnxruntime-web, not from the folder of the page", async () => {
    const path = wasmPath("ort-wasm-simd-threaded.wasm");
    const { status, headers, body } = await ask({ path });
    expect([status, body]).toEqual([200, "wasm"]);
    expect(headers["content-type"]).toBe("application/wasm");
    expect((await ask({ path: "/ort/stale.wasm" })).status).toBe(404);
    expect((await ask({ path: wasmPath("ort.js") })).status).toBe(404);
  });

  it("lets a browser keep the .wasm file, whose path names the version, but asks for the page again", async () => {
    const path = wasmPath("ort-wasm-simd-threaded.wasm");
    expect(path).toMatch(/^\/ort\/\d+\.\d+\.\d+\/ort-wasm-simd-threaded\.wasm$/);
    expect((await ask({ path })).headers["cache-control"]).toContain("immutable");
    expect((await ask({})).headers["cache-control"]).toBe("no-cache");
  });

  it.each([
    "/../secret.txt",
    "/assets/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/assets/..%5c..%5csecret.txt",
    "/link.txt",
    "//etc/passwd",
    "/assets",
    "/assets/",
    "/index.html%00.js",
    "/__proto__",
  ])("has nothing at %s", async (path) => {
    const { status, body, headers } = await ask({ path });
    expect(status).toBe(404);
    expect(body).not.toContain("secret");
    expect(headers["cross-origin-embedder-policy"]).toBe("require-corp");
  });

  it.each([
    "evil.example",
    "evil.example:PORT",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.0.0.1.evil.example:PORT",
    "localhost.evil.example:PORT",
    "[::1]:PORT",
    "0.0.0.0:PORT",
  ])("refuses the Host %s", async (host) => {
    const given = host.replace("PORT", String(server.port));
    const { status, body } = await ask({ headers: { host: given } });
    expect(status).toBe(403);
    expect(body).not.toContain("hello");
  });

  it("answers localhost, and refuses a request without a Host", async () => {
    expect((await ask({ headers: { host: `localhost:${server.port}` } })).status).toBe(200);
    expect(await rawStatus("GET / HTTP/1.0\r\n\r\n")).toContain("403");
    expect(
      await rawStatus(`GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n`),
    ).toContain("403");
  });

  it.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])("refuses %s", async (method) => {
    const { status, headers } = await ask({ method });
    expect(status).toBe(405);
    expect(headers.allow).toBe("GET, HEAD");
  });

  it("listens on the loopback address alone", async () => {
    const outside = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .filter(({ internal, family }) => !internal && family === "IPv4");
    for (const { address } of outside) {
      const refused = await new Promise<boolean>((resolve) => {
        const socket = connect(server.port, address, () => resolve(false));
        socket.on("error", () => resolve(true));
      });
      expect(refused, address).toBe(true);
    }
    expect(server.url).toBe(`http://127.0.0.1:${server.port}/`);
  });

  it("says which port another program uses, and what to do", async () => {
    await expect(serveLab(new Map(), server.port)).rejects.toMatchObject({
      code: "in-use",
      message: expect.stringContaining(`port ${server.port}`),
    });
  });
});

describe("the files of the lab", () => {
  it("name the command that installs onnxruntime-web where it is missing", () => {
    const missing = () => {
      throw new Error("Cannot find module");
    };
    expect(() => wasmFolder(missing)).toThrow(
      /onnxruntime-web is not installed[\s\S]*npm install --ignore-scripts onnxruntime-web@\d+\.\d+\.\d+/,
    );
  });

  it("refuse another version of onnxruntime-web, whose .wasm does not fit the page", () => {
    mkdirSync(join(work, "other", "dist"), { recursive: true });
    writeFileSync(join(work, "other", "package.json"), '{ "version": "1.2.3" }');
    expect(() => wasmFolder(() => join(work, "other", "dist", "ort.js"))).toThrow(
      /in version 1\.2\.3, but this page needs \d/,
    );
  });

  it("are found beside this package", () => {
    expect(wasmFolder()).toMatch(/onnxruntime-web.dist$/);
  });

  it("name the command that builds the page where it is not built", () => {
    expect(() => siteFiles(join(work, "nothing"), wasm)).toThrow(/npm run build:lab/);
  });
});
