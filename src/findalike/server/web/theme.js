/**
 * Colours, sizes and controls that the widget and the pages around it share.
 *
 * A shop sets the `--findalike-…` properties on the element or anywhere above it; the short names
 * are what the styles here use. `color-scheme: light` on the element keeps it light in the dark.
 */
export const THEME = `
:host, .findalike {
  color-scheme: light dark;
  --accent: var(--findalike-accent, light-dark(#3454d1, #9fb2ff));
  --on-accent: var(--findalike-on-accent, light-dark(#fff, #10131c));
  --ink: var(--findalike-ink, light-dark(#181a1f, #eceef2));
  --muted: var(--findalike-muted, light-dark(#5c6370, #a3abb9));
  --paper: var(--findalike-paper, light-dark(#fafafb, #121419));
  --panel: var(--findalike-panel, light-dark(#fff, #1b1e25));
  --line: var(--findalike-line, light-dark(#dfe2e8, #313640));
  --edge: light-dark(#868d9b, #757d8c);
  --soft: var(--findalike-soft, light-dark(#eef1fc, #262d45));
  --good: light-dark(#13703a, #5fd38c);
  --warn: light-dark(#8a4b00, #ffb35c);
  --photo: #fff;
  --radius: var(--findalike-radius, 14px);
  --font: var(--findalike-font, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif);
}
`;

export const CONTROLS = `
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
h2, h3, p, ul, dl, dd, figure, fieldset { margin: 0; padding: 0; border: 0; }
ul { list-style: none; }
button, input, select { font: inherit; color: inherit; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 6px; }
.icon { width: 1.25em; height: 1.25em; flex: none; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.icon-camera { fill-rule: evenodd; }
.button {
  display: inline-flex; align-items: center; justify-content: center; gap: .55em; min-height: 48px; padding: .5em 1.15em;
  border: 1px solid var(--edge); border-radius: 999px; background: var(--panel); color: var(--ink);
  font-weight: 600; cursor: pointer; transition: background .15s, border-color .15s;
}
.button:hover { border-color: var(--accent); background: var(--soft); }
.button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
.button.primary:hover { filter: brightness(1.08); }
.button.small { min-height: 44px; padding: .3em .9em; font-size: .92em; }
.button:disabled, .button[aria-disabled=true] { opacity: .65; cursor: default; }
.plain { border: 0; background: none; padding: .45em .3em; min-height: 32px; color: var(--accent); font-weight: 600; cursor: pointer; text-align: start; }
.plain:hover { text-decoration: underline; }
.round {
  display: inline-grid; place-items: center; width: 44px; height: 44px; border-radius: 50%; padding: 0; flex: none;
  border: 1px solid var(--line); background: var(--panel); cursor: pointer;
}
.round:hover { border-color: var(--accent); color: var(--accent); }
.muted { color: var(--muted); }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
input[type=url], input[type=number], input[type=text], input[type=password], select {
  min-height: 44px; width: 100%; min-width: 0; padding: .4em .8em; border: 1px solid var(--edge); border-radius: 10px; background: var(--panel);
}
input[type=checkbox] { width: 1.2rem; height: 1.2rem; margin: 0; flex: none; accent-color: var(--accent); }
::placeholder { color: var(--muted); opacity: 1; }
dialog { color: var(--ink); }
dialog::backdrop { background: #0a0c11b3; }
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after, ::backdrop { animation: none !important; transition: none !important; scroll-behavior: auto !important; }
}
`;

/** One style sheet of several texts; it is allowed where a strict policy forbids inline styles. */
export function sheet(...texts) {
  const made = new CSSStyleSheet();
  made.replaceSync(texts.join("\n"));
  return made;
}
