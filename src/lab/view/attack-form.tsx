import type { Norm } from "../protocol.ts";
import { attacks, model } from "../state/model.ts";
import { attackName, eot, epsilon, norm, steps } from "../state/scene.ts";
import { AttackSelect, EotSlider, NormChoice, RadiusSlider, Whole } from "./form-parts.tsx";
import { largestRadius, radiusOf } from "./radii.ts";

/** Sets the norm, and the radius that belongs to it. */
function choose(next: Norm): void {
  norm.value = next;
  epsilon.value = radiusOf(next, model.value);
}

/** The attack and its settings. */
export function AttackForm() {
  const found = attacks.value.find(({ name }) => name === attackName.value);
  const isRandom = model.value !== null && model.value.noise !== null;
  return (
    <form class="form" onSubmit={(event) => event.preventDefault()}>
      <AttackSelect
        value={attackName.value}
        attacks={attacks.value}
        set={(name) => {
          attackName.value = name;
        }}
      />
      <NormChoice name="norm" value={norm.value} norms={found?.norms ?? []} set={choose} />
      {found?.bounded !== false && (
        <RadiusSlider
          text="Radius ε"
          value={epsilon.value}
          most={largestRadius(norm.value, model.value)}
          set={(value) => {
            epsilon.value = value;
          }}
        />
      )}
      <Whole
        name="Steps"
        value={steps.value}
        most={1000}
        set={(value) => {
          steps.value = value;
        }}
      />
      {isRandom && (
        <EotSlider
          value={eot.value}
          set={(value) => {
            eot.value = value;
          }}
        />
      )}
    </form>
  );
}
