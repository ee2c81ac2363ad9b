import { signal } from "@preact/signals";
import type { AuditSettings, Norm } from "../protocol.ts";
import {
  available,
  discard,
  goOn,
  isRunning,
  pauseAudit,
  progress,
  report,
  type Summary,
  secondsLeft,
  startAudit,
  state,
  summary,
} from "../state/audit.ts";
import { model } from "../state/model.ts";
import { norms } from "../state/scene.ts";
import { lab } from "../state/worker.ts";
import { NormChecks, Whole } from "./form-parts.tsx";
import { normSigns, percent, short } from "./numbers.ts";
import { saveBlob } from "./pixels.ts";

const budgets: readonly (readonly [AuditSettings["budget"], string])[] = [
  ["quick", "quick: a first look"],
  ["standard", "standard: the attacks of AutoAttack"],
  ["full", "full: every attack"],
];

const chosenNorms = signal<readonly Norm[]>(["linf", "l2"]);
const budget = signal<AuditSettings["budget"]>("quick");
const count = signal(20);

function Form() {
  const most = available.value;
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        void startAudit(chosenNorms.value, budget.value, Math.min(count.value, most));
      }}
    >
      <NormChecks
        value={chosenNorms.value}
        norms={norms}
        set={(next) => {
          chosenNorms.value = next;
        }}
      />
      <label class="field">
        <span>Budget</span>
        <select
          value={budget.value}
          onChange={({ currentTarget }) => {
            const found = budgets.find(([name]) => name === currentTarget.value);
            if (found !== undefined) budget.value = found[0];
          }}
        >
          {budgets.map(([name, text]) => (
            <option key={name} value={name}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <Whole
        name={`Images (of ${most})`}
        value={Math.min(count.value, Math.max(1, most))}
        most={Math.max(1, most)}
        set={(value) => {
          count.value = value;
        }}
      />
      <button type="submit" class="primary" disabled={isRunning.value || most === 0}>
        Start the audit
      </button>
    </form>
  );
}

/** `2 min 5 s left`. */
function leftText(seconds: number | null): string {
  if (seconds === null) return "";
  const whole = Math.ceil(seconds);
  const minutes = Math.floor(whole / 60);
  return minutes === 0 ? `, ${whole} s left` : `, ${minutes} min ${whole % 60} s left`;
}

function Progress() {
  const stored = state.value;
  if (stored === null || stored.isDone) return null;
  const now = progress.value;
  const text = now === null ? "not begun in this visit" : `${now.done} of ${now.total} rows`;
  return (
    <section class="panel" aria-label="Progress of the audit">
      <p>
        <b>{stored.model}</b>, {stored.images} images, {stored.settings.budget} budget:{" "}
        <span class="quiet">{`${text}${isRunning.value ? leftText(secondsLeft.value) : ", paused"}`}</span>
      </p>
      <progress aria-label="Rows done" max={now?.total ?? 1} value={now?.done ?? 0} />
      <div class="transport">
        {isRunning.value ? (
          <button type="button" onClick={pauseAudit}>
            Pause
          </button>
        ) : (
          <button type="button" class="primary" onClick={() => void goOn()}>
            Resume
          </button>
        )}
        <button type="button" onClick={() => void discard()}>
          Discard
        </button>
      </div>
    </section>
  );
}

async function save(name: string, type: string): Promise<void> {
  const bytes = name.endsWith(".zip") ? await lab.auditZip() : await lab.auditFile(name);
  if (bytes !== null) saveBlob(new Blob([bytes as Uint8Array<ArrayBuffer>], { type }), name);
}

const downloads = [
  ["report.html", "text/html", "Report"],
  ["rows.jsonl", "application/jsonl", "Rows"],
  ["audit.zip", "application/zip", "Everything, with images"],
] as const;

function Verdict({ found }: { readonly found: Summary }) {
  const { union, clean } = found;
  return (
    <section class="panel" aria-label="Result of the audit">
      <p class="large">{percent(union.mean)}</p>
      <p>
        {`of ${found.examples} images withstand every attack (95 % interval ${percent(union.low)} to ${percent(union.high)}); ${percent(clean.mean)} are right without one.`}
        {found.valid ? "" : " A check failed, so this number is not valid; the report says why."}
      </p>
      <dl class="sizes">
        {found.norms.map(({ norm, epsilon, accuracy }) => (
          <div key={`${norm} ${epsilon}`}>
            <dt>{`${normSigns[norm]} ε = ${short(epsilon)}`}</dt>
            <dd>{percent(accuracy.mean)}</dd>
          </div>
        ))}
      </dl>
      <div class="transport">
        {downloads.map(([name, type, title]) => (
          <button key={name} type="button" onClick={() => void save(name, type)}>
            {title}
          </button>
        ))}
        <button type="button" onClick={() => void discard()}>
          Discard
        </button>
      </div>
    </section>
  );
}

/** The view in which the open model is audited. */
export function AuditView() {
  return (
    <>
      <p class="quiet">
        An audit attacks many images in several norms, checks whether the numbers can be trusted,
        and writes the report of the command line. It continues after a reload.
      </p>
      {model.value !== null && <Form />}
      {model.value !== null && available.value === 0 && (
        <p class="quiet">
          An audit needs the true class of each image: drop a folder per class, named after the
          class or its number.
        </p>
      )}
      <Progress />
      {summary.value !== null && <Verdict found={summary.value} />}
      {report.value !== null && <iframe class="report" title="Report" src={report.value} />}
    </>
  );
}
