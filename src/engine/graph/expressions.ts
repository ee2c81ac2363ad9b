// All functions that build expressions, for `import * as g`.

export * from "./indexing.ts";
export * from "./ops.ts";
export * from "./windows.ts";
