/** Threads that the lab asks for; more gain little on images of a few pixels. */
const MAX_THREADS = 4;

/** Whether the page is cross-origin isolated, without which there is one thread. */
export const isIsolated = (): boolean => globalThis.crossOriginIsolated === true;

/** Threads of WebAssembly where `wanted` were asked for; 0 for one per core, up to four. */
export function threadCount(wanted: number): number {
  if (!isIsolated()) return 1;
  return wanted === 0 ? Math.min(MAX_THREADS, navigator.hardwareConcurrency) : wanted;
}
