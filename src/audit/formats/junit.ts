import type { AuditResult } from "../result.ts";
import { auditVerdict } from "../text.ts";
import { CONTRADICTIONS, contradictionTexts, GATE, gateFailure, NOT_RUN } from "./gate.ts";
import type { FormatContext, ResultFormat } from "./result-format.ts";

/** Characters that XML 1.0 allows, apart from the five that it escapes. */
const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Text for XML: escaped, without the control characters that XML 1.0 forbids. */
export const xmlText = (text: string): string =>
  Array.from(text)
    .filter((one) => one >= " " || one === "\n" || one === "\t")
    .map((one) => escapes[one] ?? one)
    .join("");

/** A test of the suite. */
interface TestCase {
  readonly name: string;
  readonly failure: string | null;
  /** Why the test could not be decided, which makes the command fail; null if it was. */
  readonly error: string | null;
  /** Why the test did not run; null if it ran. */
  readonly skipped: string | null;
  /** Remarks that do not fail the test. */
  readonly output: string | null;
}

const testCase = (name: string, found: Partial<TestCase>): TestCase =>
  Object.assign({ name, failure: null, error: null, skipped: null, output: null }, found);

/** The checks of an audit as tests: an `invalid` check fails, and a warning is a remark. */
const checkCases = ({ checks, diagnostics }: AuditResult): readonly TestCase[] =>
  checks.map(({ code, claim, outcome }) => {
    const found = diagnostics
      .filter((one) => one.code === code)
      .map(({ severity, text, advice }) => `${severity}: ${text} ${advice}`)
      .join("\n");
    const isAnswered = ["passed", "invalid", "warning", "note"].includes(outcome);
    return testCase(`${code}: ${claim}`, {
      failure: outcome === "invalid" ? found : null,
      skipped: isAnswered ? null : outcome,
      output: outcome === "warning" || outcome === "note" ? found : null,
    });
  });

function gateCases(result: AuditResult): readonly TestCase[] {
  const cases: TestCase[] = [];
  const { required, proofs } = result;
  if (required !== null)
    cases.push(
      testCase(`${GATE}: accuracy under attack is at least ${required}`, {
        failure: gateFailure(result),
      }),
    );
  if (proofs !== null) {
    const contradictions = contradictionTexts(result);
    cases.push(
      testCase(`${CONTRADICTIONS}: no attack contradicts a proof`, {
        failure: contradictions.length === 0 ? null : contradictions.join("\n"),
      }),
    );
  }
  return cases;
}

/** One test per diagnostic that failed; one that passes if all ran. */
function runCases({ notRun }: AuditResult): readonly TestCase[] {
  if (notRun.length === 0) return [testCase(`${NOT_RUN}: all diagnostics ran`, {})];
  return notRun.map(({ what, reason }) =>
    testCase(`${NOT_RUN}: ${what} ran`, { error: `${what} did not run: ${reason}` }),
  );
}

function caseLines({ name, failure, error, skipped, output }: TestCase, suite: string): string[] {
  const start = `    <testcase name="${xmlText(name)}" classname="${xmlText(suite)}" time="0"`;
  const inner: string[] = [];
  if (failure !== null) {
    const [first] = failure.split("\n");
    inner.push(`      <failure message="${xmlText(first)}">${xmlText(failure)}</failure>`);
  }
  if (error !== null) {
    const [first] = error.split("\n");
    inner.push(`      <error message="${xmlText(first)}">${xmlText(error)}</error>`);
  }
  if (skipped !== null) inner.push(`      <skipped message="${xmlText(skipped)}"/>`);
  if (output !== null) inner.push(`      <system-out>${xmlText(output)}</system-out>`);
  return inner.length === 0 ? [`${start}/>`] : [`${start}>`, ...inner, "    </testcase>"];
}

/** JUnit XML: the requirement and each check as a test, for the test pages of CI servers. */
export const junit = {
  name: "junit",
  file: "junit.xml",
  summary: "JUnit XML: the requirement and each check as a test, for CI servers",
  render(result: AuditResult, { finished }: FormatContext): string {
    const cases = [...gateCases(result), ...runCases(result), ...checkCases(result)];
    const count = (is: (one: TestCase) => boolean) => cases.filter(is).length;
    const failures = count(({ failure }) => failure !== null);
    const skipped = count((one) => one.skipped !== null);
    const seconds = result.norms
      .flatMap(({ attacks }) => attacks.map((attack) => attack.seconds))
      .reduce((sum, one) => sum + one, 0);
    const suite = `rampart audit ${result.model}`;
    const errors = count(({ error }) => error !== null);
    const totals = `tests="${cases.length}" failures="${failures}" errors="${errors}"`;
    const time = `time="${seconds.toFixed(3)}"`;
    return [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<testsuites name="rampart" ${totals} ${time}>`,
      `  <testsuite name="${xmlText(suite)}" ${totals} skipped="${skipped}" ${time} timestamp="${finished.toISOString().slice(0, 19)}">`,
      ...cases.flatMap((one) => caseLines(one, suite)),
      `    <system-out>${xmlText(auditVerdict(result))}</system-out>`,
      "  </testsuite>",
      "</testsuites>",
      "",
    ].join("\n");
  },
} as const satisfies ResultFormat;
