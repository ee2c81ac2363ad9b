// Parts of the forms of several views.
import { useId } from "preact/hooks";
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

/** A slider with its value beside its name. */
export function Slider(props: {
  readonly text: string;
  /** The value for people. */
  readonly shown: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly value: number;
  /** Whether the value follows while one drags; otherwise it changes at the end. */
  readonly isLive?: boolean;
  set(value: number): void;
}) {
  // A label belongs to the first field inside it, and an output is one: so the slider is named by its id.
  const id = useId();
  const { isLive = false } = props;
  return (
    <div class="field slider">
      <label for={id}>
        {props.text} <output>{props.shown}</output>
      </label>
      <input
        id={id}
        type="range"
        min={props.min}
        max={props.max}
        step={props.step}
        value={props.value}
        aria-valuetext={props.shown}
        onInput={({ currentTarget }) => isLive && props.set(Number(currentTarget.value))}
        onChange={({ currentTarget }) => props.set(Number(currentTarget.value))}
      />
    </div>
  );
}

/** A radius up to `most`; small ones get more of the slider. */
export function RadiusSlider(props: {
  readonly text: string;
  readonly value: number;
  readonly most: number;
  readonly isLive?: boolean;
  set(value: number): void;
}) {
  const { text, most, value, isLive = false } = props;
  return (
    <Slider
      text={text}
      shown={short(value)}
      min={0.02}
      max={1}
      step={0.01}
      value={Math.sqrt(value / most)}
      isLive={isLive}
      set={(root) => props.set(Number((most * root ** 2).toPrecision(3)))}
    />
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
    <Slider
      text="Draws per step (EOT)"
      shown={String(props.value)}
      min={0}
      max={6}
      step={1}
      value={Math.log2(props.value)}
      set={(power) => props.set(2 ** power)}
    />
  );
}
