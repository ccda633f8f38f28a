import { CONTROLS, THEME, sheet } from "./theme.js";

const LAYOUT = `
:host { display: block; container: findalike / inline-size; font: 16px/1.45 var(--font); color: var(--ink); text-align: start; }
.root { position: relative; font-variant-numeric: tabular-nums; }
`;

const START = `
.start { max-width: 760px; margin-inline: auto; }
.drop {
  display: grid; justify-items: center; gap: .9rem; padding: clamp(1.5rem, 6cqi, 3.25rem) clamp(1rem, 4cqi, 2.5rem);
  border: 2px dashed var(--line); border-radius: calc(var(--radius) + 8px); background: var(--panel); text-align: center;
}
.intro { display: grid; gap: .35rem; }
.intro h2 { font-size: clamp(1.35rem, 1rem + 2cqi, 1.8rem); line-height: 1.2; letter-spacing: -.015em; text-wrap: balance; }
.ways { display: flex; flex-wrap: wrap; justify-content: center; gap: .6rem; margin-top: .4rem; }
.small-print { font-size: .86rem; color: var(--muted); max-width: 34rem; text-wrap: pretty; }
.linked { display: flex; gap: .5rem; width: min(100%, 30rem); }
.linked label { flex: 1; min-width: 0; }
.ask { border-style: solid; }
.hint { min-height: 1.3em; font-size: .9rem; color: var(--warn); font-weight: 600; }
.hint:empty { display: none; }
.examples { margin-top: 1.6rem; }
.examples h3 { font-size: .95rem; font-weight: 600; color: var(--muted); margin-bottom: .6rem; text-align: center; }
.examples ul { display: flex; flex-wrap: wrap; justify-content: center; gap: .6rem; }
.examples li { width: clamp(80px, 14cqi, 104px); }
.examples button { display: block; width: 100%; padding: 0; border: 1px solid var(--line); border-radius: var(--radius); overflow: hidden; background: var(--panel); cursor: pointer; }
.examples img { display: block; width: 100%; height: auto; aspect-ratio: 1; object-fit: cover; transition: transform .25s; }
.examples button:hover img { transform: scale(1.05); }
.over { position: absolute; inset: -8px; z-index: 9; display: grid; place-items: center; pointer-events: none; border: 3px solid var(--accent); border-radius: calc(var(--radius) + 12px); background: color-mix(in srgb, var(--paper) 88%, transparent); font-size: 1.2rem; font-weight: 650; }
`;

const WORK = `
.work { display: grid; gap: .9rem; }
.side { display: grid; gap: 1.6rem; align-content: start; min-width: 0; }
.yours { display: grid; gap: .75rem; }
.mat { display: grid; place-items: center; background: light-dark(#eceef2, #0c0e12); border-radius: var(--radius); padding: 14px; min-height: 200px; }
.stage { container-type: size; position: relative; width: min(100%, calc(var(--tall, 48vh) * var(--ratio, 1))); aspect-ratio: var(--ratio, 1); touch-action: pan-y pinch-zoom; cursor: crosshair; user-select: none; -webkit-user-select: none; -webkit-touch-callout: none; }
.photo-image { position: absolute; inset: 0; width: 100%; height: 100%; border-radius: 6px; pointer-events: none; }
.shade { position: absolute; inset: 0; overflow: hidden; border-radius: 6px; pointer-events: none; }
.hole, .box { position: absolute; left: 0; top: 0; width: calc(var(--w) * 1cqw); height: calc(var(--h) * 1cqh); transform: translate(calc(var(--x) * 1cqw), calc(var(--y) * 1cqh)); }
.hole { border-radius: 10px; box-shadow: 0 0 0 4000px #0b0d1273; }
.box { touch-action: none; cursor: move; border-radius: 10px; outline: 2px solid #fff; outline-offset: -1px; box-shadow: 0 0 0 1px #0006, inset 0 0 0 1px #0004; }
.box:focus-visible { outline: 3px solid #fff; box-shadow: 0 0 0 3px #1b3fd6, 0 0 0 5px #fff; border-radius: 10px; }
.handle { position: absolute; left: 0; top: 0; width: 32px; height: 32px; margin: -16px; touch-action: none; }
.handle::after { content: ""; position: absolute; inset: 10px; border-radius: 50%; background: #fff; box-shadow: 0 0 0 1px #0007, 0 1px 3px #0006; }
.handle { --right: 0; --down: 0; transform: translate(calc(var(--right) * var(--w) * 1cqw), calc(var(--down) * var(--h) * 1cqh)); }
.handle-sw, .handle-s, .handle-se { --down: 1; } .handle-e, .handle-w { --down: .5; }
.handle-ne, .handle-e, .handle-se { --right: 1; } .handle-n, .handle-s { --right: .5; }
.handle-nw, .handle-se { cursor: nwse-resize; } .handle-ne, .handle-sw { cursor: nesw-resize; }
.handle-n, .handle-s { cursor: ns-resize; } .handle-e, .handle-w { cursor: ew-resize; }
.small :is(.handle-n, .handle-e, .handle-s, .handle-w) { display: none; }
@media (pointer: coarse) { .handle { width: 44px; height: 44px; margin: -22px; } .handle::after { inset: 14px; } }
.searching .box { animation: breathe 1.2s ease-in-out infinite alternate; }
@keyframes breathe { to { outline-color: #ffffff80; } }
.dots { position: absolute; inset: 0; pointer-events: none; }
.dot { position: absolute; width: 32px; height: 32px; margin: -16px; padding: 0; border: 0; border-radius: 50%; background: none; cursor: pointer; pointer-events: auto; }
.dot::after { content: ""; position: absolute; inset: 8px; border-radius: 50%; background: #fff; box-shadow: 0 0 0 1px #0006, 0 0 0 5px #ffffff66; }
.no-preview { display: grid; place-items: center; gap: .5rem; padding: 2rem 1rem; text-align: center; color: var(--muted); }
.tools { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; justify-content: center; }
.photo-hint { font-size: .86rem; color: var(--muted); text-align: center; text-wrap: balance; }
.remark { color: var(--warn); } .remark::first-letter { text-transform: uppercase; }
.consent { display: flex; align-items: center; justify-content: center; gap: .6rem; min-height: 32px; font-size: .86rem; cursor: pointer; }
.found { min-width: 0; }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .8rem; min-height: 48px; margin-bottom: .8rem; }
.heading { flex: 1 1 auto; min-width: 0; display: flex; align-items: center; gap: .7rem; }
.heading h2:focus { outline: none; }
.heading h2 { font-size: 1.15rem; letter-spacing: -.01em; overflow-wrap: anywhere; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden; }
.heading .muted { font-size: .92rem; white-space: nowrap; }
.sorted { display: flex; align-items: center; gap: .5rem; font-size: .92rem; }
.sorted select { width: auto; padding-block: .2em; }
.notice { display: grid; grid-template-columns: auto 1fr; gap: .2rem .9rem; align-items: start; padding: 1rem 1.1rem; margin-bottom: 1rem; border: 1px solid var(--line); border-inline-start: 4px solid var(--warn); border-radius: var(--radius); background: var(--panel); }
.notice .icon { width: 1.7rem; height: 1.7rem; color: var(--warn); grid-row: span 3; }
.notice h3 { font-size: 1.05rem; } .notice p { color: var(--muted); overflow-wrap: anywhere; }
.notice .button { margin-top: .6rem; justify-self: start; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(var(--findalike-card, 150px), 46cqi), 1fr)); gap: clamp(.6rem, 1.6cqi, 1.1rem); transition: opacity .2s; }
.found[aria-busy=true] .grid:not(:has(.ghost)) { opacity: .45; }
.card { display: flex; flex-direction: column; position: relative; min-width: 0; background: var(--panel); border: 1px solid var(--line); border-radius: var(--radius); overflow: hidden; transition: border-color .15s, box-shadow .2s; }
.card:hover { border-color: var(--edge); box-shadow: 0 6px 24px #0d122014; }
.picture, .thumb { background: var(--photo); display: grid; place-items: center; overflow: hidden; aspect-ratio: 1; color-scheme: light; }
.picture img, .thumb img { display: block; width: 100%; height: 100%; object-fit: contain; }
.picture img { padding: 6%; transition: transform .3s; }
.card:not(.refused):hover > .picture img { transform: scale(1.04); }
@media (prefers-color-scheme: dark) { .picture img, .thumb img { filter: brightness(.94); } }
.missing img { display: none; }
.missing::before { content: ""; width: 30%; aspect-ratio: 1; border: 2px solid #c3c8d2; border-radius: 18%; background: linear-gradient(135deg, #0000 48%, #c3c8d2 48% 52%, #0000 52%); }
.text { display: flex; flex-direction: column; gap: .3rem; padding: .7rem .8rem .55rem; flex: 1; border-top: 1px solid var(--line); }
.title { min-height: 2.64em; font-size: .94rem; font-weight: 500; line-height: 1.32; }
.title > * { display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden; overflow-wrap: anywhere; width: 100%; padding: 0; border: 0; background: none; font-weight: inherit; color: inherit; text-align: start; text-decoration: none; cursor: pointer; }
.title > *::after { content: ""; position: absolute; inset: 0; border-radius: var(--radius); }
.title > *:focus-visible { outline: none; }
.title > *:focus-visible::after { outline: 3px solid var(--accent); outline-offset: -3px; }
.card:hover .title > * { color: var(--accent); }
.price { font-weight: 700; font-size: 1.02rem; }
.score { display: flex; flex-wrap: wrap; gap: .3rem .5rem; align-items: center; font-size: .82rem; color: var(--muted); }
.like { display: inline-flex; align-items: center; gap: .4em; font-weight: 600; }
.like::before { content: ""; width: .55em; height: .55em; border-radius: 50%; background: currentColor; }
.like-0, .like-1 { color: var(--good); } .like-2 { color: var(--accent); } .like-3 { color: var(--muted); }
.acts { display: flex; align-items: center; justify-content: space-between; gap: .4rem; margin-top: auto; }
.act { position: relative; z-index: 1; display: inline-flex; align-items: center; gap: .35em; min-height: 36px; padding: 0; border: 0; background: none; font-size: .82rem; font-weight: 600; color: var(--accent); cursor: pointer; }
.act:not(.quiet) { min-width: 0; line-height: 1.15; text-align: start; }
.act .icon { width: 1.1em; height: 1.1em; }
.act.quiet { color: var(--muted); min-width: 36px; justify-content: center; margin-inline-end: -.5rem; font-size: 1rem; flex: none; } .act:hover { text-decoration: underline; }
.refused .picture { opacity: .35; } .act[aria-pressed=true] { color: var(--warn); font-weight: 600; }
.variants { position: relative; z-index: 1; font-size: .86rem; }
.variants summary { min-height: 32px; display: flex; align-items: center; gap: .4em; cursor: pointer; font-weight: 600; color: var(--muted); list-style: none; }
.variants summary::-webkit-details-marker { display: none; }
.variants summary::before { content: ""; width: .45em; height: .45em; border: solid currentColor; border-width: 0 2px 2px 0; transform: rotate(45deg) translate(-1px, -1px); transition: transform .15s; }
.variants[open] summary::before { transform: rotate(225deg) translate(-2px, -2px); }
.variants ul { display: grid; gap: .3rem; padding-block: .2rem .4rem; }
.variants li > * { display: grid; grid-template-columns: 44px 1fr auto; gap: .6rem; align-items: center; width: 100%; padding: .2rem; border: 0; border-radius: 10px; background: none; color: inherit; text-align: start; text-decoration: none; cursor: pointer; }
.variants li > :hover { background: var(--soft); }
.thumb { width: 44px; border: 1px solid var(--line); border-radius: 8px; }
.variant-title { display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden; overflow-wrap: anywhere; line-height: 1.25; }
.ghost .picture { color-scheme: inherit; } .ghost .picture, .ghost i { background: light-dark(#eceef2, #262a33); animation: pulse 1.3s ease-in-out infinite alternate; }
.ghost i { display: block; height: .8rem; border-radius: 6px; } .ghost i:nth-child(2) { width: 70%; } .ghost i:nth-child(3) { width: 40%; }
.less { grid-column: 1 / -1; display: flex; align-items: center; gap: .8rem; padding-block: .4rem; color: var(--muted); font-size: .9rem; font-weight: 600; }
.less::before, .less::after { content: ""; flex: 1; border-top: 1px solid var(--edge); }
.ghost .text { min-height: 148px; gap: .6rem; }
@keyframes pulse { to { opacity: .5; } }
.after { display: grid; justify-items: center; margin-top: 1.3rem; min-height: 48px; }
.toast { position: fixed; inset-block-end: 1.2rem; inset-inline: 0; margin-inline: auto; width: max-content; max-width: calc(100% - 2rem); z-index: 20; padding: .7rem 1.2rem; border-radius: 999px; background: light-dark(#181a1f, #eceef2); color: light-dark(#fff, #181a1f); font-size: .92rem; box-shadow: 0 8px 30px #0005; }
`;

const FILTERS = `
.side > .place { display: none; }
.filters { display: grid; gap: 1.1rem; align-content: start; }
.facet { min-width: 0; } .facet legend { font-weight: 650; font-size: .95rem; padding: 0; margin-bottom: .35rem; }
.facet label, .branch { display: flex; align-items: center; gap: .6rem; min-height: 36px; width: 100%; cursor: pointer; font-size: .93rem; overflow-wrap: anywhere; text-align: start; }
.branch { border: 0; background: none; padding: .2rem .6rem; padding-inline-start: calc(.6rem + var(--depth, 0) * .9rem); border-radius: 9px; }
.tree li { --depth: 0; } .tree { margin-inline: -.6rem; }
.branch:hover { background: var(--soft); } .branch[aria-pressed=true] { background: var(--soft); font-weight: 650; color: var(--accent); }
.count { margin-inline-start: auto; color: var(--muted); font-size: .85rem; font-weight: 400; }
.range { display: grid; grid-template-columns: 1fr 1fr; gap: .6rem; } .range label { display: grid; gap: .15rem; font-size: .85rem; color: var(--muted); } .range input { color: var(--ink); font-size: .95rem; }
.bars { display: flex; align-items: end; gap: 2px; height: 34px; margin-bottom: .5rem; direction: ltr; } .bars i { flex: 1; border-radius: 3px 3px 0 0; background: color-mix(in srgb, var(--accent) 45%, transparent); }
.clear { justify-self: start; }
.sheet { border: 0; padding: 0; margin: auto; background: var(--panel); border-radius: calc(var(--radius) + 6px); width: min(460px, calc(100% - 2rem)); max-height: min(86vh, 820px); overflow: hidden auto; box-shadow: 0 20px 70px #0006; }
.sheet-inside { display: grid; gap: .8rem; padding: 1.2rem; }
.sheet-head { display: flex; align-items: center; justify-content: space-between; }
.sheet .button.primary { position: sticky; inset-block-end: 1rem; width: 100%; }
.product .close { position: absolute; z-index: 1; inset-block-start: .8rem; inset-inline-end: .8rem; }
.product .picture { border-radius: var(--radius); } .product h2 { font-size: 1.2rem; overflow-wrap: anywhere; }
.product dl { display: grid; grid-template-columns: auto 1fr; gap: .3rem 1rem; font-size: .93rem; } .product dt { color: var(--muted); } .product dd { overflow-wrap: anywhere; }
.camera { border: 0; padding: 0; width: min(980px, 100%); height: min(760px, 100%); max-width: 100%; max-height: 100%; margin: auto; background: #0b0d12; color: #fff; border-radius: calc(var(--radius) + 6px); overflow: hidden; color-scheme: dark; }
.live { width: 100%; height: 100%; object-fit: contain; display: block; }
.camera-says { position: absolute; inset: 0 1.5rem 6rem; display: grid; place-items: center; text-align: center; pointer-events: none; }
.camera-bar { position: absolute; inset: auto 0 0; display: grid; grid-template-columns: 1fr auto 1fr; align-items: center; padding: 1rem 1.4rem; background: linear-gradient(#0000, #000a); }
.camera-bar > :last-child { justify-self: end; } .camera .round { background: #0009; border-color: #fff8; color: #fff; }
.shutter { width: 72px; height: 72px; border-radius: 50%; border: 4px solid #fff; background: radial-gradient(circle, #fff 60%, #0000 62%); cursor: pointer; } .shutter:disabled { opacity: .4; }
.camera :focus-visible { outline-color: #9fb2ff; border-radius: 50%; }
@container findalike (max-width: 519px) {
  .ways .button { flex: 1 1 100%; }
  .sorted span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .heading { flex-basis: 100%; }
  .bar:not(.alike) .opener, .bar .sorted { flex: 1; } .sorted select { width: 100%; }
  .text { padding: .6rem .65rem .4rem; } .acts { gap: 0; } .act { font-size: .78rem; letter-spacing: -.01em; }
}
/* The photo takes a third of the height and no more, with its buttons beside it: products begin soon. */
@container findalike (max-width: 899px) {
  .yours { grid-template-columns: minmax(0, 1fr) auto; gap: .5rem .6rem; align-items: center; }
  .yours > * { grid-column: 1 / -1; } .yours > .tools { grid-area: 1 / 2; flex-direction: column; }
  .yours > .mat { grid-column: 1; padding: 8px; } .stage { --tall: max(184px, 28svh); }
  .tools > .button { flex-direction: column; gap: .1rem; width: 3.6rem; padding: .3rem .1rem; border: 0; background: none; font-size: .74rem; line-height: 1.15; overflow-wrap: anywhere; }
}
@media (max-height: 500px) { @container findalike (min-width: 600px) { .work { grid-template-columns: minmax(250px, 36cqi) minmax(0, 1fr); gap: 1.2rem; align-items: start; } } }
@container findalike (min-width: 900px) {
  .side > .place { display: block; }
  .work { grid-template-columns: minmax(300px, 27cqi) minmax(0, 1fr); gap: 2rem; align-items: start; }
  .grid { grid-template-columns: repeat(auto-fill, minmax(var(--findalike-card, 190px), 1fr)); }
  .opener { display: none; }
}
@media (max-width: 560px) { .sheet { margin-block-end: 0; margin-inline: 0; width: 100%; max-width: 100%; border-end-start-radius: 0; border-end-end-radius: 0; } .camera { border-radius: 0; height: 100%; } }
@media (forced-colors: active) { .box { outline-color: Highlight; } .handle::after { background: Highlight; } .like::before { background: CanvasText; } }
`;

let made = null;

/** The widget's style sheet, made once for all widgets of a page. */
export const styles = () => (made ??= sheet(THEME, CONTROLS, LAYOUT, START, WORK, FILTERS));
