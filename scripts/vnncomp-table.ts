// Rows of the VNN-COMP campaign, and the table of docs/proving.md that they add up to.

import { type Stage, stages } from "../src/verify/prove.ts";

/** What `scripts/vnncomp.ts` writes per instance. */
export interface CampaignRow {
  readonly benchmark: string;
  readonly model: string;
  readonly property: string;
  /** What the competition found. */
  readonly known: "sat" | "unsat";
  /** Whether an attack came first. */
  readonly attack: boolean;
  readonly result: "sat" | "unsat" | "unknown";
  /** The last method that a proof needed. */
  readonly method: Stage | null;
  readonly seconds: number;
  /** What an unfinished proof lacks; negative. */
  readonly gap: number | null;
  /** The time limit, in seconds of this clock: the time that passes, or processor time. */
  readonly limit: number;
  readonly clock: "wall" | "cpu";
  /** The load average of the machine, over a minute, at the end. */
  readonly load: number;
}

/** The key of an instance: a later row replaces an earlier one. */
export const keyOf = ({
  benchmark,
  model,
  property,
  attack,
}: Pick<CampaignRow, "benchmark" | "model" | "property" | "attack">): string =>
  [benchmark, model, property, attack ? "attack" : "proof"].join(" ");

/** The rows of a file of JSON lines, the last of each instance. An incomplete last line is left out. */
export function campaignRows(text: string): CampaignRow[] {
  const rows = new Map<string, CampaignRow>();
  for (const line of text.split("\n").filter((one) => one.endsWith("}"))) {
    const row = JSON.parse(line) as CampaignRow;
    rows.set(keyOf(row), row);
  }
  return [...rows.values()];
}

const nameOf = (model: string): string =>
  model
    .replace(/^.*\//, "")
    .replace(/\.onnx$/, "")
    .replace(/^mnist-net_/, "")
    .replace(/^resnet_3b2.*/, "resnet_3b2");

/** The `q` quantile of numbers; null of none. */
function quantile(values: readonly number[], q: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? null;
}

const secondsText = (seconds: number | null): string =>
  seconds === null ? "–" : seconds.toFixed(seconds < 10 ? 1 : 0);

/** The least time that an undecided instance was given; null if all are decided. */
function leastLimit(rows: readonly CampaignRow[]): number | null {
  const limits = rows.filter(({ result }) => result === "unknown").map(({ limit }) => limit);
  return quantile(limits, 0);
}

function line(benchmark: string, network: string, rows: readonly CampaignRow[]): string {
  const unsat = rows.filter(({ known }) => known === "unsat");
  const proven = unsat.filter(({ result }) => result === "unsat");
  const cumulative = stages.map(
    (_, last) => proven.filter(({ method }) => stages.indexOf(method as Stage) <= last).length,
  );
  const sat = rows.filter(({ known }) => known === "sat");
  const wrong = sat.filter(({ result }) => result === "unsat").length;
  const seconds = proven.map((row) => row.seconds);
  const cells = [
    benchmark,
    network,
    unsat.length,
    ...cumulative,
    secondsText(quantile(seconds, 0.5)),
    secondsText(quantile(seconds, 1)),
    secondsText(leastLimit(unsat)),
    `${wrong} of ${sat.length}`,
  ];
  return `| ${cells.join(" | ")} |`;
}

const [START, END] = ["<!-- table of proofs -->", "<!-- end of table -->"];

/** A page with the table of some rows between its marks. */
export function withTable(page: string, rows: readonly CampaignRow[]): string {
  const [before, rest] = page.split(START);
  const [, after] = rest.split(END);
  return `${before}${START}\n\n${campaignTable(rows)}\n\n${END}${after}`;
}

/** The Markdown table of proofs without an attack: a line per network, and one for all. */
export function campaignTable(all: readonly CampaignRow[]): string {
  const rows = all.filter(({ attack }) => !attack);
  const names = stages.map((stage) => `\`${stage}\``);
  const heads = [
    "benchmark",
    "network",
    "`unsat` tried",
    ...names,
    "median s",
    "most s",
    "limit s",
    "`sat` proven",
  ];
  const lines = [`| ${heads.join(" | ")} |`];
  lines.push(`| --- | --- |${" ---: |".repeat(heads.length - 2)}`);
  const groups = new Map<string, CampaignRow[]>();
  for (const row of rows) {
    const key = `${row.benchmark} ${row.model}`;
    groups.set(key, (groups.get(key) ?? []).concat(row));
  }
  const sorted = [...groups.keys()].sort();
  for (const key of sorted) {
    const group = groups.get(key) as CampaignRow[];
    lines.push(line(group[0].benchmark, nameOf(group[0].model), group));
  }
  lines.push(line("all", "", rows));
  return lines.join("\n");
}
