import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tarOf } from "../../test/fixtures/tar-fixture.ts";
import { fetchDataset, type NodeFetchOptions } from "./download/node.ts";
import type { DownloadSource } from "./download-source.ts";
import type { FetchEvent } from "./fetch.ts";
import { nodeDataFiles } from "./node.ts";
import { unofficialNotes } from "./record.ts";

const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");
const inside = Uint8Array.from({ length: 200_000 }, (_, i) => (i * i) % 251);
const archive = gzipSync(
  tarOf([
    { name: "official/", type: "5" },
    { name: "official/a.bin", data: inside },
  ]),
);

let root = "";
let server: Server;
let serve: RequestListener = (_, response) => response.end(archive);
let source: DownloadSource;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "fetch-"));
  server = createServer((request, response) => serve(request, response));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  source = {
    address: `http://127.0.0.1:${port}/`,
    downloads: [
      { file: "a.tar.gz", md5: md5(archive), unpack: { folder: "official", files: ["a.bin"] } },
      { file: "b.gz", md5: md5(archive) },
    ],
  };
});
afterEach(async () => {
  serve = (_, response) => response.end(archive);
  server.closeAllConnections();
  server.close();
  await rm(root, { recursive: true });
});

async function eventsOf(name: string, options: NodeFetchOptions): Promise<FetchEvent[]> {
  const events: FetchEvent[] = [];
  for await (const event of fetchDataset(name, options)) events.push(event);
  return events;
}
const fetched = (options: NodeFetchOptions = {}) =>
  eventsOf("cifar10", { dataDir: join(root, "data"), source, ...options });

/** Everything below the root, so that a test sees what a failure left behind. */
const left = async () => (await readdir(root, { recursive: true })).sort();

describe("fetching a data set", () => {
  it("puts verified files in place, tells how far it is, and leaves nothing else", async () => {
    const path = join(root, "data", "cifar10");
    serve = (_, response) =>
      response.writeHead(200, { "content-length": archive.length }).end(archive);
    const events = await fetched();
    expect(events.at(-1)).toEqual({ event: "done", path, files: ["a.bin", "b.gz"] });
    const progress = events.filter((event) => event.event === "progress");
    expect(progress.at(-1)).toEqual({
      event: "progress",
      file: "b.gz",
      bytes: archive.length,
      total: archive.length,
    });
    expect(md5(await readFile(join(path, "a.bin")))).toBe(md5(inside));
    expect(await left()).toEqual([
      "data",
      "data/cifar10",
      "data/cifar10/a.bin",
      "data/cifar10/b.gz",
      "data/cifar10/rampart-download.json",
    ]);
  });

  it("repairs a folder that lacks a file, and keeps what else is there", async () => {
    const path = join(root, "data", "cifar10");
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "a.bin"), "half");
    await writeFile(join(path, "mine.txt"), "mine");
    await fetched();
    expect((await readFile(join(path, "a.bin"))).length).toBe(inside.length);
    expect(await readFile(join(path, "mine.txt"), "utf8")).toBe("mine");
  });

  it("remembers what it fetched, so that a later change is noticed", async () => {
    await fetched();
    const [from, path] = [nodeDataFiles(), join(root, "data", "cifar10")];
    expect(await unofficialNotes(path, from, md5)).toEqual([]);
    await writeFile(join(path, "a.bin"), "other");
    expect(await unofficialNotes(path, from, md5)).toEqual([
      {
        code: "changed-file",
        text: expect.stringMatching(/a.bin has changed since its download: MD5 [0-9a-f]{32}, now/),
      },
    ]);
    await rm(join(path, "rampart-download.json"));
    expect(await unofficialNotes(path, from, md5)).toEqual([
      { code: "unverified-files", text: expect.any(String) },
    ]);
  });

  it.each(["null", "[]", '{"address":"x","files":null}', '{"address":"x","files":{"a.bin":7}}'])(
    "takes a record that holds %s for none",
    async (text) => {
      await fetched();
      const path = join(root, "data", "cifar10");
      await writeFile(join(path, "rampart-download.json"), text);
      expect(await unofficialNotes(path, nodeDataFiles(), md5)).toEqual([
        { code: "unverified-files", text: expect.any(String) },
      ]);
    },
  );

  const failures: readonly (readonly [string, RequestListener, RegExp])[] = [
    [
      "a wrong checksum",
      (_, response) => response.end(archive.subarray(1)),
      /a.tar.gz \(\d+ bytes\) has MD5 [0-9a-f]{32} instead of [0-9a-f]{32}, so it is not the official file; nothing was kept/,
    ],
    [
      "a missing file",
      (_, response) => response.writeHead(404).end(),
      /a.tar.gz answered 404 Not Found; try again later, or download a.tar.gz yourself/,
    ],
    [
      "a connection that breaks",
      (request, response) => {
        response.writeHead(200, { "content-length": archive.length });
        response.write(archive.subarray(0, 1000), () => request.socket.destroy());
      },
      /a.tar.gz failed after \d+ of \d+ bytes: .*; try again later/,
    ],
    [
      "a second file that fails",
      (request, response) =>
        request.url === "/b.gz" ? response.writeHead(500).end() : response.end(archive),
      /b.gz answered 500/,
    ],
  ];
  it.each(failures)("leaves nothing behind after %s", async (_, listener, message) => {
    serve = listener;
    const attempt = fetched();
    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.toHaveProperty("name", "UsageError");
    expect(await left()).toEqual([]);
  });

  it("says why nobody answered", async () => {
    const attempt = fetched({ source: { ...source, address: "http://127.0.0.1:1/" } });
    await expect(attempt).rejects.toThrow(/http:\/\/127.0.0.1:1\/a.tar.gz failed: /);
  });

  it("from a mirror holds it to the official checksum", async () => {
    const dataDir = join(root, "data");
    const attempt = eventsOf("mnist", { dataDir, address: source.address });
    await expect(attempt).rejects.toThrow("instead of f68b3c2dcbeaaa9fbdd348bbdeb94873");
  });

  it("refuses an archive without the file it is fetched for", async () => {
    const [first] = source.downloads;
    const unpack = { folder: "official", files: ["a.bin", "b.bin"] };
    const attempt = fetched({ source: { ...source, downloads: [{ ...first, unpack }] } });
    await expect(attempt).rejects.toMatchObject({ code: "bad-file" });
    expect(await left()).toEqual([]);
  });

  it("says when the place cannot be written", async () => {
    await writeFile(join(root, "file"), "");
    const attempt = fetched({ dataDir: join(root, "file") });
    await expect(attempt).rejects.toThrow(/file\/cifar10 cannot be written \((ENOTDIR|EEXIST)\)/);
    await expect(access(join(root, "file"))).resolves.toBeUndefined();
  });

  it("stops when told to", async () => {
    const signal = AbortSignal.abort();
    await expect(fetched({ signal })).rejects.toHaveProperty("name", "AbortError");
  });

  it.each([
    ["shapes", "shapes is computed, there is nothing to fetch; fetch cifar10, cifar100, mnist"],
    ["folder:photos", "folder:photos is your own"],
    ["cifar11", "did you mean cifar10?"],
  ])("of %s is refused", async (name, message) => {
    await expect(eventsOf(name, {})).rejects.toThrow(message);
  });
});
