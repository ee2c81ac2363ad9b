import type { Norm } from "../protocol.ts";
import { attacks, model } from "../state/model.ts";
import { attackName, eot, epsilon, norm, steps } from "../state/scene.ts";
import { normSigns, short } from "./numbers.ts";
import { largestRadius, radiusOf } from "./radii.ts";

/** Sets the norm, and the radius that belongs to it. */
function choose(next: Norm): void {
  norm.value = next;
  epsilon.value = radiusOf(next, model.value);
}

function Norms() {
  const found = attacks.value.find(({ name }) => name === attackName.value);
  return (
    <fieldset class="segments">
      <legend>Norm</legend>
      {(found?.norms ?? []).map((one) => (
        <label key={one}>
          <input
            type="radio"
            name="norm"
            value={one}
            checked={norm.value === one}
            onChange={() => choose(one)}
          />
          <span>{normSigns[one]}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Radius() {
  const most = largestRadius(norm.value, model.value);
  return (
    <label class="field">
      <span>
        Radius ε <output>{short(epsilon.value)}</output>
      </span>
      <input
        type="range"
        min="0.02"
        max="1"
        step="0.01"
        value={Math.sqrt(epsilon.value / most)}
        aria-valuetext={short(epsilon.value)}
        onChange={({ currentTarget }) => {
          epsilon.value = Number((most * Number(currentTarget.value) ** 2).toPrecision(3));
        }}
      />
    </label>
  );
}

function Whole(props: {
  readonly name: string;
  readonly value: number;
  readonly most: number;
  set(value: number): void;
}) {
  return (
    <label class="field narrow">
      <span>{props.name}</span>
      <input
        type="number"
        min={1}
        max={props.most}
        value={props.value}
        onChange={({ currentTarget }) => {
          const value = Math.round(Number(currentTarget.value));
          if (value >= 1 && value <= props.most) props.set(value);
          else currentTarget.value = String(props.value);
        }}
      />
    </label>
  );
}

/** The attack and its settings. */
export function AttackForm() {
  const found = attacks.value.find(({ name }) => name === attackName.value);
  const isRandom = model.value !== null && model.value.noise !== null;
  return (
    <form class="form" onSubmit={(event) => event.preventDefault()}>
      <label class="field">
        <span>Attack</span>
        <select
          value={attackName.value}
          title={found?.summary}
          onChange={({ currentTarget }) => {
            attackName.value = currentTarget.value;
          }}
        >
          {attacks.value.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Norms />
      {found?.bounded !== false && <Radius />}
      <Whole
        name="Steps"
        value={steps.value}
        most={1000}
        set={(value) => {
          steps.value = value;
        }}
      />
      {isRandom && (
        <Whole
          name="Draws per step"
          value={eot.value}
          most={256}
          set={(value) => {
            eot.value = value;
          }}
        />
      )}
    </form>
  );
}
