import { expect, it } from "vitest";
import { canMount, type KillRun, killCampaign } from "./kill.ts";

const slow = process.env.SLOW === "1";
const count = slow ? 100 : 8;
const disks = canMount() ? "" : " (no full and read-only disks: only root may mount them)";

it(`${count} commands that are ended in the middle go on to the same bits, with the right exit codes${disks}`, {
  timeout: slow ? 7_200_000 : 1_200_000,
}, async () => {
  const runs: KillRun[] = [];
  for await (const run of killCampaign(count)) runs.push(run);
  expect(runs.filter(({ problems }) => problems.length > 0)).toEqual([]);
  expect(runs.some(({ late }) => !late)).toBe(true);
});
