// `rampart/web`: the same library in a page, on onnxruntime-web.

export { webRuntime } from "./engine/runtime/web.ts";
export * from "./index.ts";
