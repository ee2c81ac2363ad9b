import { signal } from "@preact/signals";
import type { ReadingField } from "../protocol.ts";
import { model } from "../state/model.ts";
import { dropped, openOwn } from "../state/own.ts";
import { networkName } from "../state/scene.ts";
import { lab, problem } from "../state/worker.ts";

/** The fields, which the worker makes from the schema of the flags. */
const fields = signal<readonly ReadingField[]>([]);

/** `channelOrder` → `channel order`. */
const titleOf = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** The value that a text stands for; undefined for none. Numbers that are none reach the schema, which names them. */
function valueOfField({ kind }: ReadingField, text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (kind === "choice") return trimmed;
  if (kind === "number") return Number(trimmed);
  return trimmed.split(/[\s,]+/).map(Number);
}

function submit(form: HTMLFormElement): void {
  const given = new FormData(form);
  const reading: Record<string, unknown> = {};
  for (const field of fields.value) {
    const value = valueOfField(field, String(given.get(field.name) ?? ""));
    if (value !== undefined) reading[field.name] = value;
  }
  void openOwn(reading);
}

function Control({ field, id }: { readonly field: ReadingField; readonly id: string }) {
  if (field.kind === "choice")
    return (
      <select id={id} name={field.name}>
        <option value="">as guessed</option>
        {field.choices.map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </select>
    );
  const placeholder = field.kind === "numbers" ? "one number, or one per channel" : "a number";
  return <input id={id} type="text" name={field.name} placeholder={placeholder} />;
}

function Field({ field }: { readonly field: ReadingField }) {
  const id = `reading-${field.name}`;
  return (
    <div class="field" title={field.text}>
      <label for={id}>{titleOf(field.name)}</label>
      <Control field={field} id={id} />
    </div>
  );
}

/** How pixels reach a dropped model, and a form to say it where the guess is wrong. */
export function ReadingForm() {
  const isShown =
    dropped.value !== null && (networkName.value === "file" || problem.value !== null);
  const stated = model.value?.preprocessing ?? null;
  if (!isShown || (networkName.value === "file" && stated === null)) return null;
  if (fields.value.length === 0)
    void lab.readingFields().then((found) => {
      fields.value = found;
    });
  return (
    <details open={stated?.isStated === false}>
      <summary>How pixels reach the network</summary>
      <p class="hint">{stated?.text ?? "The file could not be opened; say how it is read."}</p>
      <form
        class="reading"
        onSubmit={(event) => {
          event.preventDefault();
          submit(event.currentTarget);
        }}
      >
        {fields.value.map((field) => (
          <Field key={field.name} field={field} />
        ))}
        <button type="submit">Open again</button>
      </form>
    </details>
  );
}
