import { setTimeout as sleep } from "node:timers/promises";
import type { LeaseClock } from "../files/lease/lease.ts";

/** The monotonic clock of this process. */
export const nodeClock: LeaseClock = {
  now: () => performance.now() / 1000,
  sleep: (seconds) => sleep(1000 * seconds),
};
