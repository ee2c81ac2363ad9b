import { model, openShipped, shipped } from "../state/model.ts";
import { networkName } from "../state/scene.ts";
import { Choose } from "./choose.tsx";
import { Layers } from "./layers.tsx";
import { percent } from "./numbers.ts";
import { ReadingForm } from "./reading-form.tsx";

const kindOf = (data: string): string => (data === "shapes" ? "shapes" : data.toUpperCase());

/** The shipped networks. */
function Shipped() {
  return (
    <label class="field">
      <span>Network</span>
      <select
        value={networkName.value}
        onChange={({ currentTarget }) => void openShipped(currentTarget.value)}
      >
        {networkName.value === "file" && <option value="file">{model.value?.name ?? ""}</option>}
        {shipped.value.map(({ name, title, data }) => (
          <option key={name} value={name}>
            {`${title} · ${kindOf(data)}`}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What is known about the open network. */
function Facts() {
  const found = model.value;
  if (found === null) return null;
  const own = shipped.value.find(({ name }) => name === networkName.value);
  return (
    <dl class="facts">
      <dt>input</dt>
      <dd>{found.shape.join(" × ")}</dd>
      <dt>classes</dt>
      <dd>{found.classes.length}</dd>
      <dt>noise</dt>
      <dd>{found.noise ?? "none"}</dd>
      {own !== undefined && (
        <>
          <dt>clean accuracy</dt>
          <dd>{percent(own.accuracy.clean)}</dd>
          <dt>under PGD, ℓ∞ · ℓ2</dt>
          <dd>{`${percent(own.accuracy.linf)} · ${percent(own.accuracy.l2)}`}</dd>
        </>
      )}
    </dl>
  );
}

/** The model: which one, and what is known about it. */
export function ModelPanel() {
  return (
    <section class="panel" aria-labelledby="model-title">
      <h2 id="model-title">Model</h2>
      <Shipped />
      <Facts />
      <Choose
        text="Open a model …"
        accept=".onnx,.gz,.safetensors,.json,.txt,.data,.bin"
        isFolder={false}
      />
      <ReadingForm />
      <Layers />
    </section>
  );
}
