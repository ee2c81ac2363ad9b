// Instances of WebAssembly kernels. Their sources are AssemblyScript, in assembly/; `npm run build:wasm` compiles them to the
// files *.wasm.ts.

/** The part of WebAssembly's API that is used here. TypeScript declares it in its DOM library only. */
interface Api {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

interface Memory {
  readonly buffer: ArrayBuffer;
  /** Adds pages of zeros, which replaces `buffer`; throws if the host has no memory left. */
  grow(pages: number): number;
}

/** Size of a page of memory in bytes. */
const PAGE = 2 ** 16;

/** An instance of a module with its own memory, initially zeros. */
export interface Instance<Kernels> {
  readonly buffer: ArrayBuffer;
  /** The exported functions. Addresses are in bytes from the start of `buffer`, and multiples of 8. */
  readonly run: Kernels;
}

const bytesOf = (base64: string): Uint8Array =>
  Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/**
 * A function that instantiates a module with at least `bytes` of memory, or returns null if there is no WebAssembly, no SIMD
 * or not enough memory. The first call compiles the module. `base64` is the module: it imports nothing, and exports
 * `Kernels` and its `memory`.
 */
export function instances<Kernels>(base64: string): (bytes: number) => Instance<Kernels> | null {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: Api };
  let module: object | undefined;
  return (bytes) => {
    if (WebAssembly === undefined) return null;
    try {
      module ??= new WebAssembly.Module(bytesOf(base64));
      const { exports } = new WebAssembly.Instance(module);
      const { memory } = exports as { readonly memory: Memory };
      const missing = Math.ceil((bytes - memory.buffer.byteLength) / PAGE);
      if (missing > 0) memory.grow(missing);
      return { buffer: memory.buffer, run: exports as Kernels };
    } catch {
      return null;
    }
  };
}
