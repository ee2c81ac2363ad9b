// The formats that other programs read, against the schemas of their owners where there are any.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { DOMParser } from "linkedom";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { AuditedSetup } from "../src/audit/audited-setup.ts";
import { PROBE } from "../src/audit/checks.ts";
import type { Facts } from "../src/audit/diagnostic.ts";
import type { FormatContext } from "../src/audit/formats/result-format.ts";
import { summaryJsonSchema, summaryOf } from "../src/audit/formats/summary-schema.ts";
import { resultFormats } from "../src/audit/formats/table.ts";
import { nothingProbed } from "../src/audit/probe.ts";
import { type AuditResult, auditResult } from "../src/audit/result.ts";
import type { Row } from "../src/evaluate/row.ts";
import { rowWith } from "./fixtures/rows-fixture.ts";

const context: FormatContext = {
  version: "0.1.0",
  command: 'rampart audit "a & <b>.onnx"',
  finished: new Date("2026-01-02T03:04:05.678Z"),
};

const rowsOf = (attack: string, epsilon: number, right: readonly number[]): Row[] =>
  right.map((correct, index) =>
    rowWith({
      model: "a & <b> | c.onnx",
      attack,
      epsilon,
      norm: attack.split("-").at(-1) ?? null,
      index,
      clean: 1,
      correct,
      correctChoose: correct,
      majority: correct,
      correct8bit: correct,
    }),
  );

const rows = [...rowsOf("pgd-linf", 0.03, [1, 0, 1, 0]), ...rowsOf("pgd-l2", 0.5, [1, 1, 1, 0])];

const facts: Facts = {
  rows,
  probe: {
    examples: 4,
    zeroGradients: 4,
    saturated: 0,
    constant: false,
    changes: false,
    huge: { norm: "linf", epsilon: 0.5, cleanCorrect: 0, correct: 0 },
    transfer: null,
    norms: [],
  },
  preprocessings: null,
  classes: 2,
  notes: [],
};

function resultWith(
  changes: Partial<AuditedSetup> = {},
  factsGiven: Partial<Facts> = {},
): AuditResult {
  const setup: AuditedSetup = {
    sha256: "ab".repeat(32),
    preprocessing: "pixels in [0, 1]",
    head: [],
    budget: "quick",
    attacks: ["pgd-linf", "pgd-l2"],
    noise: null,
    classNames: ["cat", "dog"],
    required: 0.9,
  };
  return auditResult(Object.assign({}, facts, factsGiven), Object.assign(setup, changes));
}

const proofs: AuditedSetup["proofs"] = {
  kind: "proof",
  balls: [
    {
      norm: "linf",
      epsilon: 0.03,
      examples: 4,
      proven: 1,
      broken: 2,
      undecided: 1,
      contradicted: 0,
      methods: [{ status: "proven", method: "crown", images: 1 }],
    },
  ],
  unconfirmed: 0,
  contradictions: [],
};
const contradicted: AuditedSetup["proofs"] = Object.assign({}, proofs, {
  contradictions: [
    { index: 3, attack: "pgd-linf", norm: "linf", epsilon: 0.03, record: null, image: null },
  ],
});

/** An audit whose probe ran out of memory. */
const unfinished = resultWith(
  { required: 0.25 },
  {
    failures: [
      { what: PROBE, reason: "not enough memory for <32> images\nat once", fixable: true },
    ],
    probe: nothingProbed("linf"),
  },
);

/** An audit of a network that ignores its input. */
const constant = (changes: Partial<AuditedSetup> = {}): AuditResult =>
  resultWith(changes, { probe: Object.assign({}, facts.probe, { constant: true }) });

const results: readonly (readonly [string, AuditResult])[] = [
  ["below its requirement", resultWith()],
  ["without a requirement or a hash", resultWith({ required: null, sha256: null })],
  ["with external data", resultWith({ externalData: ["m.onnx.data"] })],
  ["with proofs", resultWith({ proofs })],
  ["with a contradicted proof", resultWith({ proofs: contradicted })],
  ["of a constant predictor", constant({ required: null })],
  ["whose probe failed", unfinished],
];

const rendered = (name: string, result: AuditResult): string =>
  resultFormats.named(name).render(result, context);

const schema = (name: string): object =>
  JSON.parse(String(gunzipSync(readFileSync(join(import.meta.dirname, "fixtures/schemas", name)))));

describe("the SARIF file", () => {
  const ajv = new Ajv({ strict: false, logger: false });
  formats.default(ajv);
  // It is of draft 4, whose keywords here mean the same in draft 7.
  const draft7 = { $schema: "http://json-schema.org/draft-07/schema#", id: undefined };
  const validate = ajv.compile(Object.assign(schema("sarif-2.1.0.json.gz"), draft7));

  it.each(results)("is valid for an audit %s", (_, result) => {
    const log = JSON.parse(rendered("sarif", result));
    expect(validate(log), JSON.stringify(validate.errors)).toBe(true);
    delete log.runs[0].tool.driver.name;
    expect(validate(log)).toBe(false);
  });

  it("has a rule with help for each check, and an error for a failed requirement", () => {
    const [run] = JSON.parse(rendered("sarif", resultWith())).runs;
    const { rules } = run.tool.driver;
    const ids = rules.map(({ id }: { id: string }) => id);
    for (const { code } of resultWith().checks) expect(ids).toContain(code);
    expect(rules.every(({ help }: { help: { text: string } }) => help.text.length > 20)).toBe(true);
    const levels = run.results.map(({ ruleId, level }: { ruleId: string; level: string }) => [
      ruleId,
      level,
    ]);
    expect(levels).toContainEqual(["robust-accuracy", "error"]);
    expect(levels).toContainEqual(["zero-gradients", "warning"]);
    for (const { ruleId, ruleIndex } of run.results) expect(ids[ruleIndex]).toBe(ruleId);
  });

  it("has a rule, a result and a notification for a diagnostic that failed", () => {
    const [run] = JSON.parse(rendered("sarif", unfinished)).runs;
    const { ruleIndex } = run.results.find(
      ({ ruleId }: { ruleId: string }) => ruleId === "not-run",
    );
    expect(run.tool.driver.rules[ruleIndex].id).toBe("not-run");
    const [{ executionSuccessful, toolExecutionNotifications }] = run.invocations;
    expect(executionSuccessful).toBe(false);
    expect(toolExecutionNotifications[0].message.text).toContain(
      `${PROBE} did not run: not enough`,
    );
  });

  it("has the hash of one file, so none for a model with external data", () => {
    const hashesOf = (changes: Partial<AuditedSetup>) =>
      JSON.parse(rendered("sarif", resultWith(changes))).runs[0].artifacts[0].hashes;
    expect(hashesOf({})).toEqual({ "sha-256": "ab".repeat(32) });
    expect(hashesOf({ externalData: ["m.onnx.data"] })).toBeUndefined();
  });

  it("has no result for a requirement that is met", () => {
    const text = rendered("sarif", resultWith({ required: 0.25 }));
    const ids = JSON.parse(text).runs[0].results.map(({ ruleId }: { ruleId: string }) => ruleId);
    expect(ids).not.toContain("robust-accuracy");
  });
});

describe("the CycloneDX file", () => {
  const ajv = new Ajv({ strict: false, logger: false });
  formats.default(ajv);
  ajv.addSchema(schema("spdx.schema.json.gz"), "http://cyclonedx.org/schema/spdx.schema.json");
  ajv.addSchema(
    schema("jsf-0.82.schema.json.gz"),
    "http://cyclonedx.org/schema/jsf-0.82.schema.json",
  );
  const validate = ajv.compile(schema("bom-1.6.schema.json.gz"));

  it.each(results)("is valid for an audit %s", (_, result) => {
    const bom = JSON.parse(rendered("cyclonedx", result));
    expect(validate(bom), JSON.stringify(validate.errors)).toBe(true);
    bom.components[0].type = "model";
    expect(validate(bom)).toBe(false);
  });

  it("names the files of external data that the hash covers", () => {
    const text = rendered("cyclonedx", resultWith({ externalData: ["a.data", "b.data"] }));
    expect(JSON.parse(text).components[0].properties).toEqual([
      { name: "rampart:externalData", value: "a.data" },
      { name: "rampart:externalData", value: "b.data" },
    ]);
  });

  it("states each accuracy with its interval, and the hash of the model", () => {
    const result = resultWith();
    const [component] = JSON.parse(rendered("cyclonedx", result)).components;
    expect(component.hashes).toEqual([{ alg: "SHA-256", content: "ab".repeat(32) }]);
    const metrics = component.modelCard.quantitativeAnalysis.performanceMetrics;
    expect(metrics.map(({ value }: { value: string }) => Number(value))).toEqual([
      result.clean.mean,
      ...result.unions.map(({ accuracy }) => accuracy.mean),
    ]);
    expect(Number(metrics[1].confidenceInterval.lowerBound)).toBe(result.unions[0].accuracy.low);
  });
});

describe("the JUnit file", () => {
  const suiteOf = (result: AuditResult) => {
    const text = rendered("junit", result);
    expect(text).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n/);
    const document = new DOMParser().parseFromString(text, "text/xml");
    const [suite] = document.querySelectorAll("testsuite");
    return { suite, cases: [...document.querySelectorAll("testcase")] };
  };

  it("counts what it holds", () => {
    for (const [, result] of results) {
      const { suite, cases } = suiteOf(result);
      const failures = cases.filter((one) => one.querySelector("failure") !== null);
      const skipped = cases.filter((one) => one.querySelector("skipped") !== null);
      expect(Number(suite.getAttribute("tests"))).toBe(cases.length);
      expect(Number(suite.getAttribute("failures"))).toBe(failures.length);
      expect(Number(suite.getAttribute("skipped"))).toBe(skipped.length);
    }
  });

  it("fails for a missed requirement and a contradicted proof, and not for a warning", () => {
    const failed = (result: AuditResult) =>
      suiteOf(result)
        .cases.filter((one) => one.querySelector("failure") !== null)
        .map((one) => String(one.getAttribute("name")).split(":")[0]);
    expect(failed(resultWith())).toEqual(["robust-accuracy"]);
    expect(failed(resultWith({ required: 0.25 }))).toEqual([]);
    expect(failed(resultWith({ required: null, proofs: contradicted }))).toEqual([
      "contradicted-proof",
    ]);
  });

  it("has an error for a diagnostic that failed, and skips the checks that depend on it", () => {
    const { suite, cases } = suiteOf(unfinished);
    const errors = cases.filter((one) => one.querySelector("error") !== null);
    expect(errors.map((one) => one.getAttribute("name"))).toEqual([`not-run: ${PROBE} ran`]);
    expect(errors[0].querySelector("error")?.textContent).toContain("not enough memory for <32>");
    expect(suite.getAttribute("errors")).toBe("1");
    expect(suite.getAttribute("failures")).toBe("0");
    const skipped = cases.filter((one) => one.querySelector("skipped") !== null);
    const names = skipped.map((one) => String(one.getAttribute("name")).split(":")[0]);
    expect(names).toEqual(expect.arrayContaining(["zero-gradients", "saturated-softmax"]));
    const complete = suiteOf(resultWith());
    expect(complete.suite.getAttribute("errors")).toBe("0");
    const allRan = complete.cases.map((one) => one.getAttribute("name"));
    expect(allRan).toContain("not-run: all diagnostics ran");
  });

  it("escapes the name of the model", () => {
    const text = rendered("junit", resultWith());
    expect(text).toContain("a &amp; &lt;b&gt; | c.onnx");
    expect(text).not.toContain("<b>");
  });
});

describe("an invalid audit", () => {
  const invalid: readonly (readonly [string, AuditResult, RegExp])[] = [
    ["of a constant predictor", constant(), /invalid: constant-predictor: the logits are the same/],
    ["with a contradicted proof", resultWith({ proofs: contradicted }), /invalid: contradicted-/],
  ];

  it.each(invalid)(
    "%s has no accuracy in the model-index, and the reason as a comment",
    (...of) => {
      const [, result, reason] = of;
      expect(result.valid).toBe(false);
      const text = rendered("model-index", result);
      expect(parse(text)["model-index"]).toEqual([{ name: result.model, results: [] }]);
      const comments = text.split("\n").filter((line) => line.startsWith("# "));
      expect(comments.join("\n")).toMatch(/The audit is invalid/);
      expect(comments.join("\n")).toMatch(reason);
    },
  );

  it.each(invalid)("%s has no metric in CycloneDX, and the reason as a limitation", (...of) => {
    const [, result, reason] = of;
    const { modelCard } = JSON.parse(rendered("cyclonedx", result)).components[0];
    expect(modelCard.quantitativeAnalysis.performanceMetrics).toEqual([]);
    expect(modelCard.considerations.technicalLimitations.join("\n")).toMatch(reason);
  });

  it.each(invalid)("%s says why in Markdown, JUnit and SARIF too", (...of) => {
    const [, result] = of;
    expect(rendered("markdown", result)).toMatch(/^### INVALID/);
    expect(rendered("junit", result)).toMatch(
      /<failure message="[^"]+(logits are the same|proven)/,
    );
    const levels = JSON.parse(rendered("sarif", result)).runs[0].results;
    expect(levels.some(({ level }: { level: string }) => level === "error")).toBe(true);
  });
});

it("a warning is a comment of the model-index, beside its metrics", () => {
  const text = rendered("model-index", resultWith());
  expect(text).toMatch(/^# warning: zero-gradients: /);
  expect(parse(text)["model-index"][0].results[0].metrics.length).toBeGreaterThan(2);
});

it("model-index survives a round trip through YAML, with every accuracy", () => {
  const result = resultWith({ proofs });
  const [{ name, results: of }] = parse(rendered("model-index", result))["model-index"];
  expect(name).toBe("a & <b> | c.onnx");
  const [{ task, dataset, metrics }] = of;
  const { balls, attacks } = metrics.at(-2).args;
  expect(balls).toEqual(result.unions.at(-1)?.balls);
  expect(attacks).toEqual(result.unions.at(-1)?.attacks);
  expect([task.type, dataset.name]).toEqual(["image-classification", result.data]);
  expect(metrics.map(({ value }: { value: number }) => value)).toEqual([
    result.clean.mean,
    ...result.unions.map(({ accuracy }) => accuracy.mean),
    0.25,
  ]);
});

it("the Markdown summary says whether the gate is passed, and its table has equal rows", () => {
  for (const [, result] of results) {
    const lines = rendered("markdown", result).split("\n");
    const cells = lines.filter((line) => line.startsWith("|"));
    const columns = cells.map((line) => line.replaceAll("\\|", "").split("|").length);
    expect(new Set(columns).size).toBe(1);
  }
  expect(rendered("markdown", resultWith())).toMatch(/^### FAIL: a & \\<b\\> \\\| c\.onnx\n/);
  expect(rendered("markdown", resultWith({ required: 0.25 }))).toMatch(/^### PASS/);
  expect(rendered("markdown", resultWith({ proofs: contradicted }))).toMatch(/^### INVALID/);
});

describe("summary.json", () => {
  const ajv = new Ajv2020({ strict: false });
  const validate = ajv.compile(summaryJsonSchema());

  it.each(results)("is valid for an audit %s", (_, result) => {
    const summary = JSON.parse(JSON.stringify(summaryOf(result)));
    expect(validate(summary), JSON.stringify(validate.errors)).toBe(true);
    expect(summary.schemaVersion).toBe(2);
    delete summary.union;
    expect(validate(summary)).toBe(false);
  });

  it("is valid where a network answers NaN to an adversarial image, which gets no class", () => {
    const broken = rowWith({ index: 4, label: 1, prediction: 1, adversarialPrediction: -1 });
    const result = resultWith({}, { rows: [...rows, broken] });
    const none = result.confusions.find(({ predicted }) => predicted === -1);
    expect(none).toMatchObject({ predictedName: "no class", images: 1 });
    const summary = JSON.parse(JSON.stringify(summaryOf(result)));
    expect(validate(summary), JSON.stringify(validate.errors)).toBe(true);
    summary.confusions[0].predicted = -2;
    expect(validate(summary)).toBe(false);
  });

  it("has its schema in docs", () => {
    const path = join(import.meta.dirname, "../docs/audit-summary.schema.json");
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(summaryJsonSchema());
  });
});
