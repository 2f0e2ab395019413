// @ts-check

/** The page: its controls, and what they redraw. */

/** @type {Data} */
const data = JSON.parse(byId('data', HTMLScriptElement).text);
const plot = byId('plot', HTMLElement);
const readout = byId('readout', HTMLElement);

/** @type {State} */
const state = {
  view: 0,
  metric: data.headline,
  x: 'epochs',
  logX: false,
  logY: false,
  band: true,
  hidden: new Set(),
  seeds: new Set(data.seeds),
  cursor: undefined,
};

const PAPER = 640;
let printing = false;

/** How wide to draw: as the element, or so that text has its size on paper. @param {Element} element */
const pictureWidth = (element) => (printing ? PAPER : Math.max(element.clientWidth, 260));

let drawing = drawCurves(data, state, pictureWidth(plot));

function redrawCurves() {
  drawing.image.remove();
  drawing = drawCurves(data, state, pictureWidth(plot));
  plot.prepend(drawing.image);
  fillTable();
  moveCursor(undefined);
}

/** Stand the cursor at a position, or nowhere. @param {number | undefined} position */
function moveCursor(position) {
  state.cursor = position;
  drawing.image.querySelector('.cursor')?.remove();
  readout.hidden = position === undefined;
  if (position === undefined) return announce(undefined, 'no position chosen; arrow keys move');
  const readings = readingsAt(drawing, state, position);
  announce(position, spoken(data, state, readings, position));
  drawing.image.append(drawCursor(drawing, readings, position));
  fillReadout(readout, data, state, readings, position);
  placeReadout(readout, drawing, readings, position);
}

/**
 * Tell assistive technology where the cursor stands: the plot is a slider over x.
 * @param {number | undefined} position
 * @param {string} text
 */
function announce(position, text) {
  const positions = stops(drawing, state);
  const [first, last] = [positions[0] ?? 0, positions.at(-1) ?? 0];
  plot.setAttribute('aria-label', `Values by ${X_NAMES[state.x]}`);
  plot.setAttribute('aria-valuemin', String(first));
  plot.setAttribute('aria-valuemax', String(last));
  plot.setAttribute('aria-valuenow', String(position ?? last));
  plot.setAttribute('aria-valuetext', text);
}

/** The same values as a table, for whoever prefers one. */
function fillTable() {
  const arms = visibleArms(data, state);
  const epochs = Math.max(0, ...arms.map((arm) => arm.x.epochs.length));
  const head = ['epoch', ...arms.flatMap((arm) => [data.labels[arm.variant], '95 % interval', 'n'])];
  const lines = arms.map((arm) => linePoints(arm, state));
  const table = byId('curve-table', HTMLTableElement);
  table.createCaption().textContent = `Mean ${data.metrics[state.metric]} over seeds, by epoch`;
  table.createTHead().replaceChildren(html('tr', {}, ...head.map((name) => html('th', { scope: 'col' }, name))));
  table.tBodies[0].replaceChildren(...Array.from({ length: epochs }, (_, index) => tableRow(lines, index)));
}

/**
 * @param {LinePoint[][]} lines
 * @param {number} index
 */
function tableRow(lines, index) {
  const cells = lines.flatMap((points) => cellTexts(points[index])).map((text) => html('td', {}, text));
  return html('tr', {}, html('th', { scope: 'row' }, String(index + 1)), ...cells);
}

/** @param {LinePoint | undefined} point */
function cellTexts(point) {
  if (!point) return ['–', '–', '–'];
  return [formatted(point.y), point.isMedian ? 'median: a run diverged' : interval(point.low, point.high), String(point.n)];
}

function redrawDots() {
  for (const figure of elements('.dots')) {
    figure.replaceChildren(drawDots(data.dots[Number(figure.dataset.plot)], pictureWidth(figure)));
  }
}

/** The stop that is nearest to the pointer. @param {PointerEvent} event */
function pointedAt(event) {
  const pixels = event.clientX - drawing.image.getBoundingClientRect().left;
  return nearest(stops(drawing, state), (position) => Math.abs(drawing.x(position) - pixels));
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const position = event.key === 'Escape' ? undefined : stopAfter(event.key, stops(drawing, state), state.cursor);
  if (position === undefined && event.key !== 'Escape') return;
  event.preventDefault();
  moveCursor(position);
}

/**
 * Change the state as a control says and draw again.
 * @template {HTMLInputElement | HTMLSelectElement} T
 * @param {string} selector
 * @param {(control: T) => void} change
 */
function onChange(selector, change) {
  for (const control of /** @type {NodeListOf<T>} */ (document.querySelectorAll(selector))) {
    control.addEventListener('change', () => {
      change(control);
      redrawCurves();
    });
  }
}

/**
 * @param {Set<number>} set
 * @param {string} value
 * @param {boolean} present
 */
function toggle(set, value, present) {
  if (present) set.add(Number(value));
  else set.delete(Number(value));
}

/** @typedef {HTMLInputElement} Input */

function connectControls() {
  onChange('#view', (/** @type {HTMLSelectElement} */ { value }) => void (state.view = Number(value)));
  onChange('#metric', ({ value }) => void (state.metric = /** @type {Metric} */ (value)));
  onChange('[name=x]', ({ value }) => void (state.x = /** @type {Cost} */ (value)));
  onChange('#log-x', (/** @type {Input} */ { checked }) => void (state.logX = checked));
  onChange('#log-y', (/** @type {Input} */ { checked }) => void (state.logY = checked));
  onChange('#band', (/** @type {Input} */ { checked }) => void (state.band = checked));
  onChange('[name=variant]', (/** @type {Input} */ { value, checked }) => toggle(state.hidden, value, !checked));
  onChange('[name=seed]', (/** @type {Input} */ { value, checked }) => toggle(state.seeds, value, checked));
  onChange('#all-seeds', (/** @type {Input} */ { checked }) => showSeeds(checked));
}

/** @param {boolean} all */
function showSeeds(all) {
  const switches = /** @type {NodeListOf<Input>} */ (document.querySelectorAll('[name=seed]'));
  for (const each of switches) each.checked = all;
  state.seeds = new Set(all ? data.seeds : []);
}

function connectPlot() {
  plot.addEventListener('pointermove', (event) => moveCursor(pointedAt(event)));
  plot.addEventListener('pointerdown', (event) => moveCursor(pointedAt(event)));
  plot.addEventListener('pointerleave', () => moveCursor(undefined));
  plot.addEventListener('blur', () => moveCursor(undefined));
  plot.addEventListener('focus', () => {
    if (state.cursor === undefined && plot.matches(':focus-visible')) moveCursor(stops(drawing, state).at(-1));
  });
  plot.addEventListener('keydown', onKey);
}

/** Light or dark: the reader's system decides until the button does. */
function connectTheme() {
  const button = byId('theme', HTMLButtonElement);
  let dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const show = () => button.setAttribute('aria-pressed', String(dark));
  button.addEventListener('click', () => {
    dark = !dark;
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
    show();
  });
  show();
}

/** Paper unfolds nothing: open all that is folded, and fold it again afterwards. */
function connectPrinting() {
  /** @type {HTMLDetailsElement[]} */
  let folded = [];
  /** @param {boolean} forPaper */
  const prepare = (forPaper) => {
    printing = forPaper;
    if (forPaper) folded = [.../** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll('details:not([open])'))];
    for (const each of folded) each.open = forPaper;
    redrawAll();
  };
  addEventListener('beforeprint', () => prepare(true));
  addEventListener('afterprint', () => prepare(false));
}

function redrawAll() {
  redrawCurves();
  redrawDots();
}

/**
 * Draw now and whenever the width changes; drawing changes the height alone.
 * @param {Element} element
 * @param {() => void} draw
 */
function onWidth(element, draw) {
  /** @type {number | undefined} */
  let width;
  new ResizeObserver(([entry]) => {
    if (entry.contentRect.width === width) return;
    width = entry.contentRect.width;
    draw();
  }).observe(element);
}

document.documentElement.classList.add('scripted');
for (const table of /** @type {NodeListOf<HTMLTableElement>} */ (document.querySelectorAll('table.sortable'))) makeSortable(table);
connectControls();
connectPlot();
connectTheme();
connectPrinting();
onWidth(plot, redrawAll);
