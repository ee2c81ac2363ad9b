import { useLayoutEffect, useRef } from "preact/hooks";
import { layers } from "../state/own.ts";
import { networkName } from "../state/scene.ts";

/** The operators of a dropped file with the shapes of what they return. Opens at the one that cannot be read. */
export function Layers() {
  const wrong = useRef<HTMLTableRowElement>(null);
  const rows = layers.value;
  const isBroken = rows.some(({ isWrong }) => isWrong);
  useLayoutEffect(() => {
    wrong.current?.scrollIntoView({ block: "nearest" });
  }, [rows]);
  if (rows.length === 0 || (networkName.value !== "file" && !isBroken)) return null;
  return (
    <details open={isBroken}>
      <summary>{`${rows.length} operators`}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be reached by keyboard */}
      <section class="layers" aria-label="Operators of the file" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">operator</th>
              <th scope="col">node</th>
              <th scope="col">result</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, op, shape, isWrong }) => (
              <tr key={name} ref={isWrong ? wrong : undefined} data-wrong={isWrong}>
                <td>{op}</td>
                <td>{name}</td>
                <td>{isWrong ? "cannot be read" : shape}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}
