import { effect, signal } from "@preact/signals";
import { offersWebgpu, runtime, useDevice } from "../state/model.ts";
import { device, type View, view } from "../state/scene.ts";

const titles: readonly (readonly [View, string])[] = [
  ["attack", "Attack"],
  ["norms", "Three norms"],
  ["slice", "Figure 1"],
  ["noise", "Randomised"],
  ["guarantees", "Guarantees"],
  ["theorem", "Theorem 1"],
  ["audit", "Audit"],
];

type Theme = "light" | "dark";

const stored = (): Theme | null => {
  const found = localStorage.getItem("theme");
  return found === "light" || found === "dark" ? found : null;
};

/** The theme that the user chose; null for that of the system. */
const theme = signal<Theme | null>(stored());

effect(() => {
  if (theme.value === null) return;
  document.documentElement.dataset.theme = theme.value;
  localStorage.setItem("theme", theme.value);
});

const isDark = (): boolean =>
  (theme.value ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) ===
  "dark";

/** Where networks run, in words. */
function runtimeText(): string {
  const facts = runtime.value;
  if (facts === null) return "starting";
  if (facts.device === "webgpu") return "WebGPU";
  const threads = facts.threads === 1 ? "1 thread" : `${facts.threads} threads`;
  const reason = facts.isolated ? "" : ": the page is not isolated";
  return `WebAssembly, ${threads}${reason}`;
}

/** Where networks run, and a choice if the browser offers WebGPU. */
function Runtime() {
  return (
    <div class="runtime" title="Everything is computed in this page. Nothing leaves it.">
      <span class="runtime-text">{runtimeText()}</span>
      {offersWebgpu.value && (
        <select
          aria-label="Compute on"
          value={device.value}
          onChange={({ currentTarget }) =>
            void useDevice(currentTarget.value === "webgpu" ? "webgpu" : "cpu")
          }
        >
          <option value="cpu">on the CPU</option>
          <option value="webgpu">on the GPU</option>
        </select>
      )}
    </div>
  );
}

/** Scrolls the row of views, which is longer than a phone is wide, to the open one; the page itself stays where it is. */
function bringIntoView(link: HTMLAnchorElement | null): void {
  const row = link?.parentElement ?? null;
  if (link === null || row === null) return;
  row.scrollLeft = link.offsetLeft - row.offsetLeft - (row.clientWidth - link.offsetWidth) / 2;
}

/** The name of the page, its views, where it computes, and its theme. */
export function Header() {
  return (
    <header class="header">
      <h1>
        <span class="mark" aria-hidden="true" />
        Rampart <span class="quiet">lab</span>
      </h1>
      <nav aria-label="Views">
        {titles.map(([name, title]) => (
          <a
            key={name}
            href={`?view=${name}`}
            ref={view.value === name ? bringIntoView : undefined}
            aria-current={view.value === name ? "page" : undefined}
            onClick={(event) => {
              event.preventDefault();
              view.value = name;
            }}
          >
            {title}
          </a>
        ))}
      </nav>
      <Runtime />
      <button
        type="button"
        class="plain"
        aria-label={isDark() ? "Use the light theme" : "Use the dark theme"}
        onClick={() => {
          theme.value = isDark() ? "light" : "dark";
        }}
      >
        {isDark() ? "☀" : "☾"}
      </button>
    </header>
  );
}
