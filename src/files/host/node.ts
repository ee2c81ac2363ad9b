import { createHash } from "node:crypto";
import { machine } from "../node.ts";
import type { Host } from "./host.ts";

/** This machine. */
export const nodeHost: Host = {
  machine,
  now: () => new Date(),
  async sha256(parts) {
    const hash = createHash("sha256");
    for (const part of parts) hash.update(part);
    return hash.digest("hex");
  },
};
