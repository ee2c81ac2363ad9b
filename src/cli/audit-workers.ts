// The options of `rampart audit` that share out its attacks among processes and machines.
import { availableParallelism } from "node:os";
import { z } from "zod";
import type { AttackByOthers } from "../audit/sharing.ts";
import { UsageError } from "../math/usage-error.ts";
import type { AttackWorkers } from "../sweep/parts/node.ts";
import { requireRedisUrl } from "../sweep/queue/node-redis.ts";
import { Patience } from "./sweep-output.ts";

/** How an audit is shared out. */
export const sharingOptions = {
  workers: z
    .int()
    .positive()
    .max(256)
    .optional()
    .describe(
      "number of processes that run the attacks; they share the images and, by default, the cores; rows equal those of one process with the same --threads",
    ),
  queue: z
    .string()
    .optional()
    .meta({ placeholder: "url" })
    .describe(
      "queue the attacks on this Redis (redis://host:6379) for rampart worker --store OUT/parts, where all machines share OUT",
    ),
  patience: Patience,
};

interface Sharing {
  readonly workers?: number | undefined;
  readonly queue?: string | undefined;
}

/** Threads of each worker if --threads does not state them; undefined if there is one process. */
export const threadsOfWorkers = ({ workers = 1 }: Sharing): number | undefined =>
  workers === 1 ? undefined : Math.max(1, Math.floor(availableParallelism() / workers));

/** Throws `UsageError` for a queue that is not a Redis URL, and for --workers together with --queue. */
export function requireSharing({ workers, queue }: Sharing): void {
  if (queue !== undefined) requireRedisUrl(queue);
  if (queue !== undefined && workers !== undefined)
    throw new UsageError(
      "--queue leaves the attacks to rampart worker, and --workers runs them here; leave one of them out",
      { code: "bad-option" },
    );
}

/** A function that runs the attacks in other processes; undefined if the audit attacks in its own process. */
export async function attackElsewhere(
  given: Omit<AttackWorkers, "workers"> & Sharing,
): Promise<AttackByOthers | undefined> {
  const { workers = 1, queue } = given;
  if (queue === undefined && workers === 1) return undefined;
  // Loaded late: an audit in one process needs none of it.
  const { attackByWorkers } = await import("../sweep/parts/node.ts");
  return attackByWorkers({ ...given, workers });
}
