import type { Diagnostic } from "../diagnostic.ts";
import type { AuditResult } from "../result.ts";
import { auditVerdict } from "../text.ts";
import { CONTRADICTIONS, contradictionTexts, GATE, gateFailure, NOT_RUN } from "./gate.ts";
import type { FormatContext, ResultFormat } from "./result-format.ts";

const SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json";

type Level = "error" | "warning" | "note";

const levels: Readonly<Record<Diagnostic["severity"], Level>> = {
  invalid: "error",
  warning: "warning",
  note: "note",
};

/** A rule of SARIF: the statement that is checked, and the advice for a finding. */
interface Rule {
  readonly id: string;
  readonly text: string;
  readonly help: string;
}

/** A finding of SARIF. */
interface Finding {
  readonly id: string;
  readonly level: Level;
  readonly text: string;
}

/** `black-box-wins` → `BlackBoxWins`. */
const pascalCase = (code: string): string =>
  code.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** One rule per check, and three for the requirement, for proofs and for diagnostics that failed. */
function rulesOf({ checks, diagnostics }: AuditResult): readonly Rule[] {
  const ofChecks = checks.map(({ code, claim }) => {
    const advice = diagnostics.find((one) => one.code === code)?.advice;
    return {
      id: code,
      text: `${claim}.`,
      help: advice ?? `docs/diagnostics.md says when ${code} fires and what to do about it.`,
    };
  });
  const gate = {
    id: GATE,
    text: "Accuracy under attack is at least the value of --require.",
    help: "Compare the report with that of the last release; harden the model, or lower --require.",
  };
  const proofs = {
    id: CONTRADICTIONS,
    text: "No attack breaks an image that is proven or certified.",
    help: "The folder contradictions holds both artefacts. A wrong proof is a bug in Rampart.",
  };
  const notRun = {
    id: NOT_RUN,
    text: "All diagnostics ran.",
    help: "The attacks are done and saved. Remove the reason, and repeat the command with --resume.",
  };
  return [...ofChecks, gate, proofs, notRun];
}

function findingsOf(result: AuditResult): readonly Finding[] {
  const findings: Finding[] = result.diagnostics.map(({ code, severity, text }) => ({
    id: code,
    level: levels[severity],
    text,
  }));
  const failure = gateFailure(result);
  if (failure !== null) findings.push({ id: GATE, level: "error", text: `${failure}.` });
  for (const text of contradictionTexts(result))
    findings.push({ id: CONTRADICTIONS, level: "error", text: `${text}.` });
  return findings;
}

/** SARIF 2.1.0: one rule per check, and a result per finding, for code-scanning pages. */
export const sarif = {
  name: "sarif",
  file: "results.sarif",
  summary: "SARIF 2.1.0: one rule per check and a result per finding, for code scanning",
  render(result: AuditResult, { version, command, finished }: FormatContext): string {
    const rules = rulesOf(result);
    const index = new Map(rules.map(({ id }, i) => [id, i]));
    const uri = encodeURI(result.model);
    const artifact: Record<string, unknown> = { location: { uri } };
    // With external data the checksum is that of several files, and an artifact is one.
    if (result.sha256 !== null && result.externalData.length === 0)
      artifact.hashes = { "sha-256": result.sha256 };
    const invocation: Record<string, unknown> = {
      executionSuccessful: result.notRun.length === 0,
      endTimeUtc: finished.toISOString(),
    };
    if (result.notRun.length > 0)
      invocation.toolExecutionNotifications = result.notRun.map(({ what, reason }) => ({
        level: "error",
        message: { text: `${what} did not run: ${reason}` },
        associatedRule: { id: NOT_RUN, index: index.get(NOT_RUN) },
      }));
    if (command !== null) invocation.commandLine = command;
    const run = {
      tool: {
        driver: {
          name: "Rampart",
          semanticVersion: version,
          rules: rules.map(({ id, text, help }) => ({
            id,
            name: pascalCase(id),
            shortDescription: { text },
            help: { text: help },
          })),
        },
      },
      invocations: [invocation],
      artifacts: [artifact],
      results: findingsOf(result).map(({ id, level, text }) => ({
        ruleId: id,
        ruleIndex: index.get(id),
        level,
        message: { text },
        locations: [{ physicalLocation: { artifactLocation: { uri, index: 0 } } }],
        partialFingerprints: { "rampart/v1": `${result.model}:${result.data}:${id}` },
      })),
      properties: { verdict: auditVerdict(result), clean: result.clean, union: result.union },
    };
    return `${JSON.stringify({ $schema: SCHEMA, version: "2.1.0", runs: [run] }, null, 2)}\n`;
  },
} as const satisfies ResultFormat;
