// The files that onnxruntime-web loads while it starts: where they are, and what is wrong with those that fail.

import { UsageError } from "../../math/usage-error.ts";

/** The address of a file or folder, relative to the page. */
export type Address = string | URL;

/**
 * Where the files of onnxruntime-web are, if not beside its code: the folder that holds its .wasm file, or the addresses of
 * single files.
 */
export type WasmPaths = Address | { readonly wasm?: Address; readonly mjs?: Address };

/** Addresses in the form that onnxruntime-web takes. */
export interface FileAddresses {
  readonly wasm?: string;
  readonly mjs?: string;
}

const isAddress = (value: unknown): value is Address =>
  (typeof value === "string" && value !== "") || value instanceof URL;

/** The address relative to the page, not to the script. A program without a page keeps what it is given. */
function absolute(address: Address): string {
  const { location } = globalThis as { readonly location?: { readonly href: string } };
  return location === undefined ? String(address) : new URL(address, location.href).href;
}

/** The absolute addresses that `wasmPaths` gives; `wasmName` is the file to take from a folder. Throws a `UsageError`. */
export function fileAddresses(wasmPaths: unknown, wasmName: string): FileAddresses {
  if (wasmPaths === undefined) return {};
  if (isAddress(wasmPaths)) {
    const folder = absolute(wasmPaths);
    return { wasm: `${folder}${folder.endsWith("/") ? "" : "/"}${wasmName}` };
  }
  if (typeof wasmPaths !== "object" || wasmPaths === null) throw badPaths(wasmPaths);
  const addresses: Record<string, string> = {};
  for (const [name, address] of Object.entries(wasmPaths)) {
    if ((name !== "wasm" && name !== "mjs") || !isAddress(address)) throw badPaths(wasmPaths);
    addresses[name] = absolute(address);
  }
  return addresses;
}

const badPaths = (wasmPaths: unknown) =>
  new UsageError(
    `wasmPaths is ${JSON.stringify(wasmPaths)}, but it must be the address of a folder, or { wasm, mjs } with addresses of files`,
    { code: "bad-option" },
  );

/** Milliseconds in which a browser lists a request that has failed. */
const LISTED_WITHIN = 100;

/** Notes which .wasm and .mjs files the page requests, from now until `end`. */
export class RequestLog {
  readonly #addresses = new Set<string>();
  readonly #observer: InstanceType<typeof PerformanceObserver> | undefined;

  constructor() {
    if (typeof PerformanceObserver === "undefined") return;
    this.#observer = new PerformanceObserver((list) => this.#note(list.getEntries()));
    this.#observer.observe({ type: "resource" });
  }

  #note(entries: readonly { readonly name: string }[]): void {
    for (const { name } of entries)
      if (/\.(wasm|mjs)$/.test(name.replace(/[?#].*$/, ""))) this.#addresses.add(name);
  }

  /** Stops, and returns the addresses in the order of the requests. */
  async end(): Promise<string[]> {
    await new Promise((resolve) => setTimeout(resolve, LISTED_WITHIN));
    this.stop();
    return [...this.#addresses];
  }

  /** Stops without an answer. */
  stop(): void {
    this.#note(this.#observer?.takeRecords() ?? []);
    this.#observer?.disconnect();
  }
}

/** First bytes of a WebAssembly module. */
const MAGIC = [0, 0x61, 0x73, 0x6d];

/** The first bytes of a response. The rest is not downloaded. */
async function beginning(response: Response): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const chunk = await reader?.read();
  await reader?.cancel();
  return chunk?.value ?? new Uint8Array();
}

/** Requests a file of onnxruntime-web once more, and says why it is unusable; undefined if it looks right. */
export async function faultOf(address: string): Promise<string | undefined> {
  const response = await fetch(address).catch(() => undefined);
  if (response === undefined) return "it cannot be fetched";
  const bytes = await beginning(response);
  if (!response.ok) return `the server answers ${response.status} ${response.statusText}`.trim();
  const type = response.headers.get("content-type") ?? "a file without a type";
  if (/\.wasm($|[?#])/.test(address))
    return MAGIC.every((byte, i) => bytes[i] === byte)
      ? undefined
      : `the server sends ${type}, which is not WebAssembly`;
  return /javascript/.test(type) ? undefined : `the server sends ${type}, which is not JavaScript`;
}
