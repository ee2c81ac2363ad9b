import { expect, it } from "vitest";
import { portableHost } from "../../files/host/host.ts";
import { memoryStorage, type Storage, textIfThere } from "../../files/storage/storage.ts";
import { BreakRow } from "./break-row.ts";
import { CERTIFICATES, openCertificateRows } from "./certificate-rows.ts";
import { CheckRow } from "./check-row.ts";
import type { ProvedAudit } from "./proved-audit.ts";

/** An audit of a model with these weights, as far as its files of rows depend on it. */
const auditOf = (out: Storage, more: object = {}, options: object = {}): ProvedAudit =>
  Object.assign(
    {
      model: { name: "m", path: "m.onnx", defense: "unknown", weights: "a" },
      dataset: { name: "quarters" },
      options: Object.assign({ proveN: 1000, seed: 0, batch: 128 }, options),
      target: { device: "cpu" },
      host: portableHost,
      out,
      resume: true,
    },
    more,
  ) as unknown as ProvedAudit;

const distances = { linf: 0, l2: 0, l1: 0 };
const judged = { index: 0, attack: "none", norm: null, epsilon: null, ...distances, level: 0.001 };
const broken = { label: 1, prediction: 0, n: 100, counts: [99, 1], alpha: 0.001, broken: true };
const files = [
  {
    name: "rows.breaks.jsonl",
    schema: BreakRow,
    row: Object.assign({}, judged, broken),
  },
  {
    name: "rows.checks.jsonl",
    schema: CheckRow,
    row: Object.assign({}, judged, { prediction: 0, of: 100, draws: 9, votes: 1, refuted: true }),
  },
] as const;

it.each(files)("$name is continued by the same audit alone", async ({ name, schema, row }) => {
  const out = memoryStorage();
  const open = (audit: ProvedAudit, noise = "normal:0.25") =>
    openCertificateRows<object>(audit, noise, { name, schema, what: "row" });
  const first = await open(auditOf(out));
  await first?.prepare();
  await first?.append([row]);
  await first?.close();
  const again = await open(auditOf(out));
  expect(again?.rows).toEqual([row]);
  await again?.close();
  const others: readonly (readonly [string, ProvedAudit, string?])[] = [
    ["model", auditOf(out, { model: { weights: "b" } })],
    ["mean", auditOf(out, { model: { weights: "a", reading: { mean: [0.5] } } })],
    ["data", auditOf(out, { dataset: { name: "others" } })],
    ["noise", auditOf(out), "normal:0.5"],
    ["n", auditOf(out, {}, { proveN: 10 })],
    ["seed", auditOf(out, {}, { seed: 1 })],
    ["target", auditOf(out, { target: { device: "gpu" } })],
  ];
  for (const [what, audit, noise] of others) {
    const opening = open(audit, noise);
    await expect(opening).rejects.toMatchObject({ code: "misfit" });
    await expect(opening).rejects.toThrow(`${name} holds rows with ${what} `);
  }
});

it("rows without settings are those of the certificates beside them, and refused without certificates", async () => {
  const [{ name, schema, row }] = files;
  const out = memoryStorage();
  const open = () =>
    openCertificateRows<object>(auditOf(out), "normal:0.25", { name, schema, what: "test" });
  await out.write(name, `${JSON.stringify(row)}\n`);
  await expect(open()).rejects.toThrow("has no settings beside it");
  await out.write(CERTIFICATES, "");
  const file = await open();
  expect(file?.rows).toEqual([row]);
  expect(await textIfThere(out, "rows.breaks.settings.json")).toBeNull();
  await file?.prepare();
  expect(await textIfThere(out, "rows.breaks.settings.json")).toContain('"noise":');
});
