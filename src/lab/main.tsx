// The page of the lab.
import { render } from "preact";
import "./styles/theme.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/layout.css";
import "./styles/pictures.css";
import "./styles/charts.css";
import "./styles/plane.css";
import "./styles/small-screens.css";
import { begin } from "./state/begin.ts";
import { App } from "./view/app.tsx";

// The worker takes longest, so it is the first to begin.
void begin();
const root = document.getElementById("lab");
if (root !== null) render(<App />, root);
