// All functions that build expressions, under one name.

export * from "./indexing.ts";
export * from "./ops.ts";
export * from "./windows.ts";
