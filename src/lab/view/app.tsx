import { isDragged } from "../state/own.ts";
import { view } from "../state/scene.ts";
import { busy } from "../state/worker.ts";
import { AttackView } from "./attack-view.tsx";
import { AuditView } from "./audit-view.tsx";
import { GuaranteesView } from "./guarantees-view.tsx";
import { Header } from "./header.tsx";
import { ImagePanel } from "./image-panel.tsx";
import { ModelPanel } from "./model-panel.tsx";
import { NoiseView } from "./noise-view.tsx";
import { NormsView } from "./norms-view.tsx";
import { Notice } from "./notice.tsx";
import { SliceView } from "./slice-view.tsx";
import { TheoremView } from "./theorem-view.tsx";

function View() {
  switch (view.value) {
    case "attack":
      return <AttackView />;
    case "norms":
      return <NormsView />;
    case "slice":
      return <SliceView />;
    case "guarantees":
      return <GuaranteesView />;
    case "noise":
      return <NoiseView />;
    case "theorem":
      return <TheoremView />;
    case "audit":
      return <AuditView />;
  }
}

/** The page. */
export function App() {
  return (
    <div class="app" data-dragged={isDragged.value}>
      <Header />
      <div class="body">
        <aside class="side" aria-label="Model and image">
          <ModelPanel />
          <ImagePanel />
        </aside>
        <main class="main">
          <Notice />
          <View />
        </main>
      </div>
      <p class="busy" role="status">
        {busy.value === null ? "" : `${busy.value} …`}
      </p>
    </div>
  );
}
