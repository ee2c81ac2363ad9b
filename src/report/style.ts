/** The style sheet of a report: light and dark, screen, phone and print. Loads nothing. */
export const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #56606b; --paper: #ffffff; --raised: #f5f7f9; --line: #d5dae0; --accent: #1f6feb;
--good: #1a7f37; --bad: #b3261e; --note: #fff6dd; --note-line: #c69026; --tint: 34%;
--series-1: #0b66c3; --series-2: #c2410c; --series-3: #12805c; --series-4: #8b3fb5; --series-5: #a36a00; --series-6: #c2266a; --series-7: #4b5563; --series-8: #0e7c86; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaef; --soft: #a0abb7; --paper: #0f1318; --raised: #181e25; --line: #313a45; --accent: #4c8df6;
--good: #56c271; --bad: #ff8a80; --note: #2a2412; --note-line: #c69026; --tint: 52%;
--series-1: #6cb0ff; --series-2: #ff9a62; --series-3: #4cc79a; --series-4: #d29bf2; --series-5: #e8b84a; --series-6: #ff8bbd; --series-7: #b4bec9; --series-8: #5fd0d9; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main, header, footer { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
h1 { font-size: clamp(1.6rem, 4vw, 2.2rem); line-height: 1.15; margin: 0 0 .5rem; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 1.25rem 0 .5rem; overflow-wrap: anywhere; } .settings h3 { font-size: .95rem; margin: 0 0 .35rem; }
p { max-width: 54rem; margin: .5rem 0 1rem; overflow-wrap: anywhere; }
section { margin: 2.75rem 0 0; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; margin: 1rem 0 0; padding: 0; }
a { color: var(--accent); }
small { display: block; color: var(--soft); font-size: .8rem; font-weight: 400; line-height: 1.35; }
aside { border-left: 4px solid var(--note-line); background: var(--note); padding: .6rem 1rem; margin: 1.5rem 0 0; border-radius: 0 .35rem .35rem 0; }
aside h2 { font-size: 1rem; margin: 0; }
aside ul { margin: .25rem 0 0; padding-left: 1.1rem; overflow-wrap: anywhere; }
.hero { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); gap: 1rem 2.5rem; margin: 1rem 0 1.5rem; align-items: start; }
.score { margin-bottom: 1.25rem; } .score p { margin: 0; } .outcome { display: flex; flex-wrap: wrap; align-items: center; gap: .35rem .75rem; color: var(--soft); font-size: .9rem; }
.big { font-size: clamp(3.2rem, 11vw, 5rem); font-weight: 700; line-height: 1.1; letter-spacing: -.03em; font-variant-numeric: tabular-nums; } .big.void { color: var(--soft); text-decoration: line-through; text-decoration-thickness: 3px; }
.badge { display: inline-block; padding: .2rem .8rem; border-radius: .4rem; font-weight: 700; font-size: 1rem; letter-spacing: .04em; color: #ffffff; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.badge.pass { background: #1a7f37; } .badge.fail, .badge.invalid { background: #b3261e; } .badge.open { background: #56606b; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .2rem 1rem; margin: 0; padding: .75rem 1rem; background: var(--raised); border-radius: .5rem; font-size: .9rem; } .facts dt { color: var(--soft); } .facts dd { margin: 0; overflow-wrap: anywhere; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 0 1rem; align-items: start; } .pair > * { min-width: 0; } .stack { display: grid; gap: 1rem; } .stack > * { margin: 0; min-width: 0; }
.mark { display: inline-block; width: 1.2em; text-align: center; font-weight: 700; } .check { color: var(--soft); } .check.passed .mark { color: var(--good); } .check.invalid, .check.warning { color: var(--bad); font-weight: 600; }
.checks td { text-align: left; } .checks tbody th[scope="row"] { max-width: 30rem; font-weight: 500; }
.matrix th, .matrix td { padding: .3rem .15rem; text-align: center; font-size: .8rem; } .matrix th[scope="row"] { min-width: 4.5rem; max-width: 7rem; padding-left: .6rem; white-space: normal; overflow-wrap: anywhere; } .matrix thead th span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 8rem; overflow: hidden; text-overflow: ellipsis; } .matrix thead th:first-child { padding-left: .6rem; }
.matrix .stays { background: color-mix(in oklab, #1a7f37 calc(var(--value) * var(--tint) / 100), var(--paper)); } .matrix .moves { background: color-mix(in oklab, #b3261e calc(var(--value) * var(--tint) / 100), var(--paper)); }
.finding { border-left: 4px solid var(--accent); padding: .1rem 0 .1rem 1rem; }
.sign { border-left: 4px solid var(--note-line); background: var(--note); padding: .6rem 1rem; margin: 0 0 .75rem; border-radius: 0 .35rem .35rem 0; max-width: 56rem; }
.sign p { margin: 0 0 .25rem; } .sign.invalid { border-color: var(--bad); } .sign.note { border-color: var(--line); background: var(--raised); }
.scroll { overflow-x: auto; margin: 0 0 1rem; border: 1px solid var(--line); border-radius: .5rem; }
.scroll:focus-visible, summary:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .6rem .75rem; color: var(--soft); font-size: .875rem; }
th, td { padding: .5rem .75rem; text-align: right; vertical-align: top; border-top: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; }
th:first-child, td:first-child, th[scope="row"] { text-align: left; }
thead th { background: var(--raised); font-size: .9rem; vertical-align: bottom; }
thead th small { max-width: 11rem; margin-left: auto; white-space: normal; }
tbody th[scope="row"] { position: sticky; left: 0; background: var(--paper); min-width: 9rem; max-width: 17rem; white-space: normal; overflow-wrap: anywhere; }
td.value { background: color-mix(in oklab, var(--accent) calc(var(--value) * var(--tint) / 100), var(--paper)); }
td.value small { color: inherit; }
td.none { color: var(--soft); font-size: .875rem; }
.words { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; font-size: .9rem; max-width: 54rem; margin: 0; }
.words dt { font-weight: 600; } .words dd { margin: 0; color: var(--soft); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 0 0 .75rem; padding: 0; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem; }
.chart { margin: 0; border: 1px solid var(--line); border-radius: .5rem; padding: .75rem; min-width: 0; max-width: 40rem; }
.chart figcaption { font-size: .875rem; color: var(--soft); margin: 0 0 .25rem; }
.chart svg { width: 100%; height: auto; display: block; }
.gallery { list-style: none; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(19rem, 100%), 1fr)); gap: 1rem; margin: 0 0 1rem; padding: 0; }
.gallery li { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .75rem; font-size: .85rem; overflow-wrap: anywhere; break-inside: avoid; } .gallery p { margin: 0 0 .4rem; }
.trio { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .5rem; } .trio figure { margin: 0; } .trio figcaption { font-size: .8rem; line-height: 1.35; margin-top: .25rem; }
.view img { width: 100%; height: auto; image-rendering: pixelated; display: block; border-radius: .2rem; } .view > a:first-child { cursor: zoom-in; display: block; } .view .close { display: none; }
.view:target { position: fixed; inset: 0; z-index: 10; display: flex; flex-direction: column; align-items: center; justify-content: center; gap: .75rem; padding: 1rem; background: var(--paper); }
.view:target img { width: min(92vw, 78vh); } .view:target figcaption { font-size: 1rem; text-align: center; } .view:target .close { display: inline-block; padding: .4rem 1.25rem; border: 1px solid var(--line); border-radius: .4rem; }
.right { color: var(--good); } .wrong { color: var(--bad); }
.settings { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr)); gap: 1.25rem; margin: .75rem 0; }
.settings dl { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .1rem .8rem; margin: 0; font-size: .85rem; }
.settings dt { color: var(--soft); } .settings dd { margin: 0; overflow-wrap: anywhere; }
.between { margin: 0 0 1rem; max-width: 56rem; } .between p { margin: 0 0 .35rem; }
.bar { display: flex; height: 1.9rem; border-radius: .4rem; overflow: hidden; gap: 2px; }
.bar span { flex: 1 1 0; min-width: 0; overflow: hidden; padding: 0 .5rem; line-height: 1.9rem; font-size: .85rem; font-weight: 600; color: #ffffff; white-space: nowrap; }
.bar .proven, .swatch.proven { background: #1a7f37; } .bar .broken, .swatch.broken { background: #b3261e; } .bar .undecided, .swatch.undecided { background: #6b7480; }
.swatch { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem; vertical-align: -.05rem; }
.count { display: block; height: .9rem; min-width: 1px; margin-top: .3rem; background: var(--series-1); border-radius: .15rem; } td.counts { width: 40%; }
details { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem 1rem; margin: 0 0 .75rem; }
summary { cursor: pointer; font-weight: 600; overflow-wrap: anywhere; }
details .scroll { margin-top: .75rem; }
pre { background: var(--raised); border-radius: .35rem; padding: .6rem .8rem; margin: 0 0 .75rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
footer { color: var(--soft); font-size: .85rem; padding-top: 2.5rem; padding-bottom: 2.5rem; }
@media screen and (max-width: 40rem) { .words { grid-template-columns: 1fr; } .words dd { margin-bottom: .4rem; }
.hero { grid-template-columns: minmax(0, 1fr); } .facts { grid-template-columns: minmax(0, 1fr); gap: 0; } .facts dd { margin-bottom: .35rem; }
.data, .data caption, .data tbody, .data tr, .data th, .data td { display: block; } .data thead { display: none; }
.data tbody th[scope="row"] { position: static; min-width: 0; max-width: none; background: var(--raised); }
.data td { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0 .75rem; padding: .3rem .75rem; text-align: left; white-space: normal; overflow-wrap: anywhere; border-top-style: dashed; }
.data td::before { content: attr(data-label); grid-row: 1 / span 9; color: var(--soft); font-size: .85rem; } .data td > * { grid-column: 2; } .data td.empty { display: none; } }
@page { size: A4; margin: 14mm; }
@media print { main, header, footer { max-width: none; padding: 0; } .scroll { overflow: visible; break-inside: avoid; } tr, figure { break-inside: avoid; } h2 + p, h3 + p { break-inside: avoid; break-after: avoid; } summary, summary + p { break-after: avoid; }
table { table-layout: auto; font-size: 8pt; } th, td { padding: 2pt 3pt; white-space: normal; } thead th { overflow-wrap: break-word; } td, td *, td.none { font-size: 7.5pt; } td.value { white-space: nowrap; } thead th, thead th small { font-size: 7pt; max-width: none; }
tbody th[scope="row"] { position: static; min-width: 4.2rem; max-width: none; } .gallery { grid-template-columns: repeat(2, minmax(0, 1fr)); } nav, .view .close { display: none; } section { margin-top: 1.5rem; } h2, h3 { break-after: avoid; } .bar span, .swatch, .count, td.value, .matrix td { print-color-adjust: exact; -webkit-print-color-adjust: exact; } body { font-size: 10.5pt; } .big { font-size: 36pt; } .charts, .pair { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
`;
