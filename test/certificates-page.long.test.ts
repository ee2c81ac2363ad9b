// The tables of docs/certifying.md and docs/sequential.md, and the rows that it is made from.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import {
  certificatesTable,
  certifyingPage,
  sequentialPage,
} from "../scripts/certificates-table.ts";
import { readPage, root } from "./fixtures/docs.ts";

it("docs/certifying.md has the table of results/certify; run npx tsx scripts/certificates.ts", () => {
  const page = readPage("docs/certifying.md");
  expect(page).toContain(certificatesTable(join(root, "results/certify")));
  expect(certifyingPage(page, join(root, "results/certify"))).toBe(page);
});

it("docs/sequential.md has the table of results/certify; run npx tsx scripts/certificates.ts", () => {
  const page = readPage("docs/sequential.md");
  expect(page).toContain("| `ni-normal` |");
  expect(sequentialPage(page, join(root, "results/certify"))).toBe(page);
});

it("counts what is right and certified, what no attack broke, and what fresh draws refuted", () => {
  const folder = mkdtempSync(join(tmpdir(), "rampart-certificates-"));
  const certificate = (index: number, prediction: number | null, l2: number) => ({
    index,
    label: 1,
    prediction,
    noise: "normal:0.25",
    alpha: 0.001,
    n0: 100,
    components: [{ noise: "normal:0.25", n: 10_000, counts: [0, 1], pLower: 0.9 }],
    radius: { l2, l1: l2, linf: 0 },
    sampling: "sound",
    runtime: {},
    seconds: index,
  });
  const rows = [
    certificate(0, 1, 0.8),
    certificate(1, 1, 0.3),
    certificate(2, 0, 0.9),
    certificate(3, null, 0),
  ];
  const lines = (values: readonly object[]) =>
    `${values.map((value) => JSON.stringify(value)).join("\n")}\n`;
  writeFileSync(join(folder, "net-1e4.jsonl.gz"), gzipSync(lines(rows)));
  const attack = (index: number, epsilon: number, majority: number) => ({
    index,
    norm: "l2",
    epsilon,
    majority,
  });
  const attacks = [0, 1, 2, 3].flatMap((i) => [
    attack(i, 0.25, i < 2 ? 1 : 0),
    attack(i, 0.25, i === 3 ? 0 : 1),
  ]);
  writeFileSync(join(folder, "attacked-net.jsonl"), lines([...attacks, attack(0, 0.5, 1)]));
  writeFileSync(join(folder, "checks-net.jsonl"), lines([{ refuted: false }, { refuted: true }]));
  const [, , line] = certificatesTable(folder).split("\n");
  expect(line).toBe(
    "| `net-1e4` | `normal:0.25` | 4 | 10,000 | 2 | 50 | 50 / 50 | 25 | 25 | 25 | 0 | 4 | 1 of 2 |",
  );
  rmSync(folder, { recursive: true });
});
