// The page of the lab.
import { render } from "preact";
import "./style.css";
import { begin } from "./state/begin.ts";
import { App } from "./view/app.tsx";

const root = document.getElementById("lab");
if (root !== null) render(<App />, root);
void begin();
