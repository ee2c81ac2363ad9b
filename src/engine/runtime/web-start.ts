// Loads onnxruntime-web and starts its WebAssembly, which it does once per page.

import { messageOf } from "../../math/message-of.ts";
import { UsageError } from "../../math/usage-error.ts";
import { type FileAddresses, faultOf, RequestLog } from "./web-files.ts";

/** The build of onnxruntime-web for each provider. Only the needed one is loaded. */
const builds = {
  wasm: () => import("onnxruntime-web/wasm"),
  webgpu: () => import("onnxruntime-web/webgpu"),
} as const;
export type Provider = keyof typeof builds;
export type Ort = Awaited<ReturnType<(typeof builds)[Provider]>>;

/** The .wasm file of each build, in node_modules/onnxruntime-web/dist. */
export const wasmNames: { readonly [P in Provider]: string } = {
  wasm: "ort-wasm-simd-threaded.wasm",
  webgpu: "ort-wasm-simd-threaded.asyncify.wasm",
};

/** A build of onnxruntime-web that runs. */
export interface StartedOrt {
  readonly ort: Ort;
  /** Threads that it has, which may be fewer than were asked for. */
  readonly threads: number;
}

/** How the first runtime of a provider starts it. */
export interface StartOptions {
  readonly threads: number;
  readonly addresses: FileAddresses;
}

const unavailable = (message: string, next: string, cause?: unknown) =>
  new UsageError(message, { code: "unavailable", next, cause });

const firstLine = (error: unknown): string => messageOf(error).split("\n")[0];

const starts = new Map<Provider, Promise<StartedOrt>>();
/** Starts that nobody has asked for yet. */
const early = new Map<Provider, Promise<StartedOrt>>();

/**
 * Begins to start a build, so that it loads while other code does. The first `startOrt` gets the result, also if it is an error.
 * This file imports little: a page can call it before the rest of the library is there.
 */
export function beginOrt(provider: Provider, options: StartOptions): void {
  if (starts.has(provider) || early.has(provider)) return;
  const start = firstStart(provider, options);
  start.catch(() => undefined);
  early.set(provider, start);
}

/**
 * Starts a build of onnxruntime-web, or returns the one that the page has started already: its options are then those of
 * the first call. Throws a `UsageError` (`unavailable`) if a file is missing or WebAssembly does not start.
 */
export async function startOrt(provider: Provider, options: StartOptions): Promise<StartedOrt> {
  const earlier = starts.get(provider);
  if (earlier === undefined) {
    const start = early.get(provider) ?? firstStart(provider, options);
    starts.set(provider, start);
    return start;
  }
  return earlier.catch((cause: unknown) => {
    throw unavailable(
      `an earlier start of onnxruntime-web failed, and it starts once per page: ${firstLine(cause)}`,
      "load the page again",
      cause,
    );
  });
}

async function firstStart(
  provider: Provider,
  { threads, addresses }: StartOptions,
): Promise<StartedOrt> {
  const ort = await builds[provider]().catch((cause: unknown) => {
    throw unavailable(
      `onnxruntime-web/${provider} cannot be loaded: ${firstLine(cause)}`,

      "install onnxruntime-web, and publish all files of the bundle; without a bundler, name it in the import map (docs/page.md)",
      cause,
    );
  });
  const { wasm } = ort.env;
  wasm.numThreads = threads;
  if (Object.keys(addresses).length > 0) wasm.wasmPaths = addresses;
  const requests = new RequestLog();
  try {
    await runOnce(ort);
  } catch (cause) {
    const found = Object.values(addresses).concat(await requests.end());
    throw await startError(ort, wasmNames[provider], found, cause);
  }
  requests.stop();
  return { ort, threads: wasm.numThreads };
}

/** The ONNX file of y = Relu(x), x [1], in base64. */
export const RELU =
  "CAgSB3JhbXBhcnQ6UQodCgF4EghvdXRwdXQ6eRoGUmVsdV8wIgRSZWx1OgASB3JhbXBhcnRaDwoBeBIKCggIARIECgIIAWIWCghvdXRwdXQ6eRIKCggIARIECgIIAUIECgAQEQ==";

/** Opens a graph of one operator on the CPU, which loads and starts WebAssembly. */
async function runOnce(ort: Ort): Promise<void> {
  const bytes = Uint8Array.from(atob(RELU), (letter) => letter.charCodeAt(0));
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ["wasm"],
    logSeverityLevel: 3,
  });
  await session.release();
}

/** Why WebAssembly did not start. `requested` are the addresses of the files that were given or requested. */
async function startError(
  ort: Ort,
  wasmName: string,
  requested: readonly string[],
  cause: unknown,
): Promise<UsageError> {
  for (const address of new Set(requested)) {
    const fault = await faultOf(address);
    if (fault === undefined) continue;
    const name = address.includes(".mjs") ? wasmName.replace(/wasm$/, "mjs") : wasmName;
    return unavailable(
      `onnxruntime-web looks for ${name} at ${address}, but ${fault}`,
      advice(name),
      cause,
    );
  }
  const version = ort.env.versions.web ?? "of this version";
  return unavailable(
    `onnxruntime-web did not start: ${firstLine(cause)}`,
    `${advice(wasmName)}; it must be the file of onnxruntime-web ${version}`,
    cause,
  );
}

/** What to do about a missing file. */
function advice(name: string): string {
  const option = name.endsWith(".mjs")
    ? `webRuntime({ wasmPaths: { mjs: "/ort/${name}", wasm: "/ort/${name.replace(/mjs$/, "wasm")}" } })`
    : `webRuntime({ wasmPaths: "/ort/" })`;
  return `copy node_modules/onnxruntime-web/dist/${name} there, or say where it is, for example ${option}`;
}
