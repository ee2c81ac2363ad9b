import { type LeaseStorage, leaseRecord } from "../../files/lease/lease.ts";
import { memoryLeases } from "../../files/lease/memory.ts";
import { memoryFiles } from "../../files/run/run-files.ts";
import { memoryStorage, type Storage } from "../../files/storage/storage.ts";
import { attemptFolder, cellFolder, type Store } from "./store.ts";

/** A store in memory, for tests and pages. `tick` increments the counters of all leases except those of owners in `stopped`. */
export function memoryStore(path = "memory"): Store & { tick(stopped?: readonly string[]): void } {
  const files = memoryFiles(path);
  const names = new Set<string>();
  const leases = new Map<string, ReturnType<typeof memoryLeases>>();
  const attempts = new Map<string, Storage>();
  const owners = new Map<string, string>();
  const leasesOf = (cell: string) => {
    const found = leases.get(cell) ?? memoryLeases();
    leases.set(cell, found);
    return found;
  };
  const put = async (name: string, contents: Uint8Array | string) => {
    names.add(name);
    await files.write(name, contents);
  };
  return {
    path,
    read: async (name) => (names.has(name) ? files.read(name) : null),
    async create(name, contents) {
      if (names.has(name)) return false;
      await put(name, contents);
      return true;
    },
    write: put,
    async list(folder) {
      const inside = [...names]
        .filter((name) => name.startsWith(`${folder}/`))
        .map((name) => name.slice(folder.length + 1).split("/")[0]);
      const cell = /^cells\/(\w+)$/.exec(folder)?.[1];
      const numbers = cell === undefined ? [] : await leasesOf(cell).attempts();
      return [...new Set([...inside, ...numbers.map((number) => `lease.${number}`)])];
    },
    async remove(name) {
      for (const one of [...names])
        if (one === name || one.startsWith(`${name}/`)) {
          names.delete(one);
          await files.remove(one);
        }
      for (const [cell] of leases) if (cellFolder(cell) === name) leases.delete(cell);
    },
    leases(cell): LeaseStorage {
      return {
        attempts: () => leasesOf(cell).attempts(),
        async create(attempt, contents) {
          const created = await leasesOf(cell).create(attempt, contents);
          if (created !== null) owners.set(cell, leaseRecord(contents)?.owner ?? "");
          return created;
        },
        read: (attempt) => leasesOf(cell).read(attempt),
        remove: (attempt) => leasesOf(cell).remove(attempt),
      };
    },
    attempt(cell, number) {
      const name = attemptFolder(cell, number);
      const found = attempts.get(name) ?? memoryStorage(`${path}/${name}`);
      attempts.set(name, found);
      return found;
    },
    tick(stopped = []) {
      for (const [cell, one] of leases) if (!stopped.includes(owners.get(cell) ?? "")) one.tick();
    },
  };
}
