import { UsageError } from "../../math/usage-error.ts";
import { originOf } from "../graph/origins.ts";
import { refusalOf } from "../graph/unproven.ts";
import type { Value } from "../graph/value.ts";

const text = (node: Value): string => {
  const origin = originOf(node);
  const shape = `[${node.shape.join(", ")}]`;
  return origin === undefined
    ? `operator ${node.op} of shape ${shape}`
    : `operator ${node.op} of shape ${shape}, from ${origin} of the file,`;
};

/** How the message of a network without proofs begins. */
export const NOTHING_PROVEN = "nothing can be proven about this network";

const nothingProven = (why: string): UsageError =>
  new UsageError(`${NOTHING_PROVEN}: ${why}`, {
    code: "misfit",
    next: "attacks work on every network: rampart falsify, rampart audit",
  });

/** Throws `UsageError` if the import of a file has recorded that its real numbers are not known. */
export function requireProvable(nodes: readonly Value[]): void {
  for (const node of nodes) {
    const reason = refusalOf(node);
    if (reason !== undefined) throw nothingProven(reason);
  }
}

/** The `UsageError` for a node that no bound is known for. It names the operator and the file's node. */
export const withoutBound = (node: Value, why: string): UsageError =>
  nothingProven(`${text(node)} ${why}`);
