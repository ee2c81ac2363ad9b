// `rampart/web`: the same library in a page, on onnxruntime-web.

export * from "./index.ts";
export { webRuntime } from "./runtime/web.ts";
