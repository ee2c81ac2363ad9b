// Parts of the forms of several views.
import type { AttackFacts, Norm } from "../protocol.ts";
import { normSigns, short } from "./numbers.ts";

/** A list of attacks to choose from. */
export function AttackSelect(props: {
  readonly value: string;
  readonly attacks: readonly AttackFacts[];
  set(name: string): void;
}) {
  return (
    <label class="field">
      <span>Attack</span>
      <select
        value={props.value}
        title={props.attacks.find(({ name }) => name === props.value)?.summary}
        onChange={({ currentTarget }) => props.set(currentTarget.value)}
      >
        {props.attacks.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** One norm of several. */
export function NormChoice(props: {
  /** Names the group of buttons. */
  readonly name: string;
  readonly value: Norm;
  readonly norms: readonly Norm[];
  set(norm: Norm): void;
}) {
  return (
    <fieldset class="segments">
      <legend>Norm</legend>
      {props.norms.map((one) => (
        <label key={one}>
          <input
            type="radio"
            name={props.name}
            value={one}
            checked={props.value === one}
            onChange={() => props.set(one)}
          />
          <span>{normSigns[one]}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** Several norms of several; at least one. */
export function NormChecks(props: {
  readonly value: readonly Norm[];
  readonly norms: readonly Norm[];
  set(norms: readonly Norm[]): void;
}) {
  const toggled = (norm: Norm) =>
    props.norms.filter((one) => props.value.includes(one) !== (one === norm));
  return (
    <fieldset class="checks">
      <legend>Norms</legend>
      {props.norms.map((norm) => (
        <label key={norm} class="inline">
          <input
            type="checkbox"
            checked={props.value.includes(norm)}
            onChange={({ currentTarget }) => {
              const next = toggled(norm);
              if (next.length > 0) props.set(next);
              else currentTarget.checked = true;
            }}
          />
          {normSigns[norm]}
        </label>
      ))}
    </fieldset>
  );
}

/** A radius up to `most`; small ones get more of the slider. */
export function RadiusSlider(props: {
  readonly text: string;
  readonly value: number;
  readonly most: number;
  /** Whether the value follows while one drags; otherwise it changes at the end. */
  readonly isLive?: boolean;
  set(value: number): void;
}) {
  const { most, value, isLive = false } = props;
  const take = (text: string) => props.set(Number((most * Number(text) ** 2).toPrecision(3)));
  return (
    <label class="field">
      <span>
        {props.text} <output>{short(value)}</output>
      </span>
      <input
        type="range"
        min="0.02"
        max="1"
        step="0.01"
        value={Math.sqrt(value / most)}
        aria-valuetext={short(value)}
        onInput={({ currentTarget }) => isLive && take(currentTarget.value)}
        onChange={({ currentTarget }) => take(currentTarget.value)}
      />
    </label>
  );
}

/** A whole number from 1 to `most`. */
export function Whole(props: {
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

/** Draws per step of an attack on a randomised model: 1, 2, 4 … 64. */
export function EotSlider(props: { readonly value: number; set(value: number): void }) {
  return (
    <label class="field">
      <span>
        Draws per step (EOT) <output>{props.value}</output>
      </span>
      <input
        type="range"
        min="0"
        max="6"
        step="1"
        value={Math.log2(props.value)}
        aria-valuetext={String(props.value)}
        onChange={({ currentTarget }) => props.set(2 ** Number(currentTarget.value))}
      />
    </label>
  );
}
