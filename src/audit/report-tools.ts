// What reports and comparisons need of other folders, for rows of evaluations and of audits.
import { parseNpz } from "../data/npz.ts";
import { summarize } from "../evaluate/summary.ts";
import type { Tools } from "../report/evaluation.ts";
import { readSearches } from "./smallest/radius-row.ts";
import { rowsInBalls } from "./smallest/search-attack.ts";

/** Reads rows, images, and what an audit counts beside the rows of its attacks. */
export const reportTools: Tools = {
  summarize,
  parseNpz,
  inBalls: (rows, searches) => rowsInBalls(rows, readSearches(searches)),
};
