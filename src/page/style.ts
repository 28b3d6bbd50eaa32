/** The page's style: the reader's own colours (light or dark) and fonts, no request. */
export const STYLE = `
:root { color-scheme: light dark; --fg: #1b1f24; --bg: #fff; --soft: #57606a; --line: #d0d7de; --box: #f6f8fa; --link: #0550ae;
  --good: #116329; --bad: #a40e26; --half: #7d4e00; --good-bg: #dafbe1; --bad-bg: #ffebe9; --half-bg: #fff8c5; --heat: #ffd8b5; --path: #ddf4ff; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6edf3; --bg: #0d1117; --soft: #9da7b3; --line: #3d444d; --box: #161b22; --link: #79c0ff;
  --good: #56d364; --bad: #ff8a80; --half: #e3b341; --good-bg: #12261e; --bad-bg: #2d1618; --half-bg: #272115; --heat: #5a3413; --path: #10304f; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0 auto; max-width: 76rem; padding: 0 1rem 4rem; color: var(--fg); background: var(--bg); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 1.2rem 0 .2rem; } h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.4rem 0 .4rem; } h4 { font-size: 1rem; margin: 1rem 0 .3rem; }
a { color: var(--link); } code, textarea, input.code, pre, svg text { font-family: ui-monospace, monospace; font-size: .85rem; }
.soft { color: var(--soft); font-weight: normal; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: .5rem; background: var(--bg); padding: .3rem .6rem; z-index: 2; }
nav ul { list-style: none; padding: 0; display: flex; gap: 1.2rem; flex-wrap: wrap; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 1px; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .15rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } .number { text-align: right; font-variant-numeric: tabular-nums; width: 1%; white-space: nowrap; }
table.rules { width: 100%; } table.rules code { overflow-wrap: anywhere; }
ul.findings li { margin-bottom: .5rem; overflow-wrap: anywhere; } table.regions ul { margin: 0; padding-left: 1.2rem; } table.regions p { margin: 0 0 .3rem; overflow-wrap: anywhere; } table.regions code { overflow-wrap: anywhere; }
td.heat { background: linear-gradient(to left, var(--heat) var(--heat-width, 0%), transparent 0); }
.good { color: var(--good); } .bad { color: var(--bad); } .half { color: var(--half); }
td.good a, td.bad a, td.half a { color: inherit; }
.verdict { padding: .1rem .5rem; border-radius: .3rem; } .verdict.good { background: var(--good-bg); } .verdict.bad { background: var(--bad-bg); } .verdict.half { background: var(--half-bg); }
.badge { font-size: .75rem; padding: 0 .4rem; border-radius: .8rem; background: var(--half-bg); color: var(--half); white-space: nowrap; }
.chain { content-visibility: auto; contain-intrinsic-size: auto 10rem; }
.graph { overflow: auto; max-height: 32rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--box); }
.graph rect { fill: var(--bg); stroke: var(--soft); } .graph text { fill: var(--fg); } .graph text.note { fill: var(--soft); font-size: .75rem; }
.graph path { fill: none; stroke: var(--soft); stroke-opacity: .6; } .graph a:focus-visible rect, .graph a:hover rect { stroke: var(--link); stroke-width: 2; }
.graph a.on-way rect { fill: var(--path); stroke: var(--link); } tr.on-way td { background: var(--path); } tr:target td, article:target > h4 { background: var(--half-bg); }
.panel h3 { margin-top: .2rem; }
.panel { border: 1px solid var(--line); border-radius: .4rem; padding: .8rem 1rem; background: var(--box); margin: .6rem 0; }
.fields { display: flex; gap: .8rem; flex-wrap: wrap; align-items: end; } .fields label { display: grid; gap: .2rem; } .fields .wide { flex: 1 1 28rem; }
input, select, button, textarea { font: inherit; color: inherit; background: var(--bg); border: 1px solid var(--soft); border-radius: .3rem; padding: .3rem .5rem; }
input.code, textarea { font-family: ui-monospace, monospace; font-size: .85rem; } input.code { width: 100%; } button { cursor: pointer; } textarea { width: 100%; min-height: 14rem; white-space: pre; }
.conclusion span { display: block; } .changed { color: var(--half); font-weight: 600; } ol.steps li { overflow-wrap: anywhere; } a.matched { color: inherit; font-weight: 600; }
pre { overflow: auto; padding: .6rem; border: 1px solid var(--line); border-radius: .3rem; max-height: 30rem; } pre ins { color: var(--good); text-decoration: none; } pre del { color: var(--bad); text-decoration: none; }
.scroll { overflow: auto; max-height: 26rem; } body.dropping { outline: 4px dashed var(--link); outline-offset: -8px; }
dl.figures { display: flex; flex-wrap: wrap; gap: .4rem 1.6rem; margin: .6rem 0; } dl.figures div { display: flex; gap: .4rem; } dl.figures dt { color: var(--soft); } dl.figures dd { margin: 0; font-weight: 600; }
@media print { .explorer { display: none; } .chain { content-visibility: visible; } }
`;
