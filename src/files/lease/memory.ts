import { type LeaseRecord, type LeaseStorage, leaseText } from "./lease.ts";

/** Leases in memory, for tests and the browser. `tick` increments the counters of all attempts that are not stopped. */
export function memoryLeases(): LeaseStorage & { tick(): void } {
  const files = new Map<number, string>();
  const beating = new Map<number, { readonly record: LeaseRecord; beat: number }>();
  return {
    async attempts() {
      return [...files.keys()];
    },
    async create(attempt, contents) {
      if (files.has(attempt)) return null;
      files.set(attempt, contents);
      return {
        beat: (record) => void beating.set(attempt, { record, beat: 0 }),
        stop: async () => void beating.delete(attempt),
      };
    },
    async read(attempt) {
      return files.get(attempt) ?? null;
    },
    async remove(attempt) {
      files.delete(attempt);
    },
    tick() {
      for (const [attempt, one] of beating) {
        one.beat++;
        if (files.has(attempt)) files.set(attempt, leaseText(one.record, one.beat));
      }
    },
  };
}
