import { dataTable, type TableLine } from "../../report/data-table.ts";
import type { Evaluation } from "../../report/evaluation.ts";
import { counted, dateText, percent, percentsApart, range } from "../../report/format.ts";
import { html, type Markup } from "../../report/html.ts";
import { statusBar } from "../../report/sections/status-bar.ts";
import { type AuditResult, atLargest } from "../result.ts";
import {
  auditVerdict,
  ballText,
  breaksFirst,
  convergenceLines,
  smallestLines,
  unionText,
} from "../text.ts";
import { tally } from "./checks.ts";
import { decidedBalls, decidedOverNorms } from "./decided.ts";

type Accuracy = AuditResult["union"];

/** The text of the badge, and its meaning. */
function badgeOf({ valid, required, passed, union }: AuditResult): Markup {
  if (!valid)
    return html`<span class="badge invalid">INVALID</span> <span>The numbers are meaningless until the cause is resolved.</span>`;
  if (required === null)
    return html`<span class="badge open">NO THRESHOLD</span> <span>No accuracy was required (<code>--require</code>).</span>`;
  if (passed)
    return html`<span class="badge pass">PASS</span> <span>${percent(required)} required</span>`;
  const [reached, wanted] = percentsApart(union.mean, required);
  const what = wanted === percent(required) ? "" : `, ${reached} right`;
  return html`<span class="badge fail">FAIL</span> <span>${wanted} required${what}</span>`;
}

const radii = ({ norms }: AuditResult): string => atLargest(norms).map(ballText).join(" or ");

/** The large number and the badge. */
const score = (result: AuditResult): Markup => html`
<div class="score"><p class="outcome">${badgeOf(result)}</p>
<p class="big${result.valid ? "" : " void"}">${percent(result.union.mean)}</p>
<p>of images are right under every attack in ${radii(result)}; ${percent(result.clean.mean)} without an attack.<small>95 % interval: ${range(result.union)} %.</small></p></div>`;

/** The facts of the audit: model, date, images and settings. */
function facts(result: AuditResult, evaluation: Evaluation | undefined): Markup {
  const { model, sha256, data, examples, budget, noise, preprocessing, required } = result;
  const settings = evaluation?.settings ?? null;
  const hash =
    sha256 === null
      ? { title: "Hash of the weights", text: settings?.model.weights }
      : { title: "SHA-256", text: sha256 };
  const lines = [
    { title: "File", text: settings?.model.path ?? model },
    hash,
    { title: "Audited", text: settings === null ? undefined : dateText(settings.started) },
    { title: "Images", text: `the first ${counted(examples, "test image")} of ${data}` },
    { title: "Attacks", text: `budget ${budget}, ${radii(result)}` },
    { title: "Preprocessing", text: preprocessing },
    {
      title: "Deployment",
      text:
        noise === null
          ? "deterministic"
          : `noise ${noise} at every prediction, attacked through EOT`,
    },
    { title: "Required", text: required === null ? undefined : percent(required) },
  ];
  const known = lines.filter(({ text }) => text !== undefined && text !== "");
  return html`<dl class="facts">${known.map(({ title, text = "" }) => html`<dt>${title}</dt><dd>${text}</dd>`)}</dl>`;
}

/** Proven, broken and undecided images over all norms, as a bar; null for a classifier under noise without certificates. */
function decided(result: AuditResult, evaluation: Evaluation | undefined): Markup | null {
  const ball = decidedOverNorms(result, evaluation ?? { rows: [] });
  if (ball === null) return null;
  const { proofs } = result;
  const kind = proofs?.kind ?? "proof";
  const remark =
    proofs === null
      ? " Nothing was proven, since the audit ran without --prove: attacks alone cannot show that an image is robust."
      : "";
  const name = decidedBalls(result).map(ballText).join(" or ");
  return statusBar({ name, ball, kind, remark });
}

/** One line of the table of accuracies; `rounded` is the accuracy after rounding to 8 bits. */
const accuracyLine = (name: string, accuracy: Accuracy, rounded: string): TableLine => ({
  head: name,
  cells: [
    {
      content: html`<b>${percent(accuracy.mean)}</b><small>${range(accuracy)}</small>`,
      className: "value",
      tint: accuracy.mean,
    },
    { content: rounded, className: rounded === "" ? "empty" : "" },
  ],
});

/** Clean accuracy, the union of each ball, and the union over norms. */
const overview = ({ clean, unions }: AuditResult): Markup =>
  dataTable({
    label: "Accuracies",
    caption:
      "Share of images that are right under the strongest attack inside the ball, with its 95 % interval; and the same after adversarial images are rounded to 8 bits, as in a file.",
    heads: [{ title: "" }, { title: "accuracy" }, { title: "at 8 bits" }],
    lines: [
      accuracyLine("clean", clean, ""),
      ...unions.map(({ balls, accuracy, accuracy8bit }) =>
        accuracyLine(unionText(balls), accuracy, percent(accuracy8bit.mean)),
      ),
    ],
  });

/** The verdict in words. For a valid result it omits the numbers, which are shown above it. */
function summary(result: AuditResult): string {
  const { valid, proofs, checks } = result;
  if (!valid || (proofs !== null && proofs.contradictions.length > 0)) return auditVerdict(result);
  const sentences = [...smallestLines(result), breaksFirst(result), ...convergenceLines(result)];
  return sentences.concat(tally(checks)).join(" ");
}

/** The first screen: badge, one number, the facts of the audit, the shares of decided images, and the verdict in words. */
export const verdictSection = (
  result: AuditResult,
  evaluation: Evaluation | undefined,
): Markup => html`
<section aria-labelledby="audit">
<h2 id="audit">Verdict on ${result.model}</h2>
<div class="hero"><div>${score(result)}
${decided(result, evaluation)}
<p class="finding">${summary(result)}</p></div>
${facts(result, evaluation)}</div>
${result.head.map((sentence) => html`<p>${sentence}</p>`)}
${overview(result)}
</section>`;
