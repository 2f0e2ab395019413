/** The page: its controls, and what they redraw. */

const data = JSON.parse(byId('data').textContent);
const state = {
  view: 0,
  metric: 'val_accuracy',
  x: 'epochs',
  logX: false,
  logY: false,
  band: true,
  hidden: new Set(),
  seeds: new Set(data.seeds),
  at: undefined,
};
let drawing;

const PAPER = 640;
let printing = false;

/** How wide to draw: as the element, or so that text has its size on paper. */
const pictureWidth = (element) => (printing ? PAPER : Math.max(element.clientWidth, 260));

function redraw() {
  const plot = byId('plot');
  drawing = drawCurves(data, state, pictureWidth(plot));
  plot.querySelector('svg')?.remove();
  plot.prepend(drawing.image);
  fillTable();
  moveTo(undefined);
}

/** Stand the cursor at a position, or nowhere. */
function moveTo(at) {
  state.at = at;
  drawing.image.querySelector('.cursor')?.remove();
  const readout = byId('readout');
  readout.hidden = at === undefined;
  const places = stops(drawing, state);
  const values = at === undefined ? [] : valuesAt(drawing, state, at);
  announce(places, values, at);
  if (at === undefined) return;
  drawing.image.append(drawCursor(drawing, values, at));
  fillReadout(readout, data, state, values, at);
  placeReadout(readout, drawing, values, at);
}

/** Tell assistive technology where the cursor stands: the plot is a slider over x. */
function announce(places, values, at) {
  const now = at ?? places.at(-1) ?? 0;
  const text = at === undefined ? 'no position chosen; arrow keys move' : spoken(data, state, values, at);
  const said = { label: `Values by ${X_NAMES[state.x]}`, valuemin: places[0] ?? 0, valuemax: places.at(-1) ?? 0, valuenow: now, valuetext: text };
  for (const [key, value] of Object.entries(said)) byId('plot').setAttribute(`aria-${key}`, value);
}

/** The same values as a table, for whoever prefers one. */
function fillTable() {
  const table = byId('curve-table');
  const arms = visibleArms(data, state);
  const epochs = Math.max(0, ...arms.map((arm) => arm.x.epochs.length));
  const head = ['epoch', ...arms.flatMap((arm) => [data.labels[arm.variant], '95 % interval', 'n'])];
  table.caption.textContent = `Mean ${data.metrics[state.metric]} over seeds, by epoch`;
  table.tHead.replaceChildren(html('tr', {}, ...head.map((name) => html('th', { scope: 'col' }, name))));
  const points = arms.map((arm) => meanPoints(arm, state));
  table.tBodies[0].replaceChildren(...Array.from({ length: epochs }, (_, place) => tableRow(points, place)));
}

function tableRow(curves, place) {
  const cells = curves.flatMap((points) => cellTexts(points[place])).map((text) => html('td', {}, text));
  return html('tr', {}, html('th', { scope: 'row' }, String(place + 1)), ...cells);
}

const cellTexts = (point) => (point ? [shown(point.y), interval(point.low, point.high), String(point.n)] : ['–', '–', '–']);

function redrawDots() {
  const figures = [...document.querySelectorAll('.dots')];
  for (const group of new Set(figures.map((figure) => figure.dataset.group))) {
    const members = figures.filter((figure) => figure.dataset.group === group);
    const plots = members.map((figure) => data.dots[figure.dataset.plot]);
    const range = dotRange(plots);
    members.forEach((figure, place) => figure.replaceChildren(drawDots(plots[place], range, pictureWidth(figure))));
  }
}

function pointerPosition(event) {
  const place = event.clientX - drawing.image.getBoundingClientRect().left;
  return nearestTo(stops(drawing, state), (at) => Math.abs(drawing.x(at) - place));
}

function onKey(event) {
  const at = event.key === 'Escape' ? undefined : stopAfter(event.key, stops(drawing, state), state.at);
  if (at === undefined && event.key !== 'Escape') return;
  event.preventDefault();
  moveTo(at);
}

/** Change the state as a control says and draw again. */
function control(selector, change) {
  for (const input of document.querySelectorAll(selector)) {
    input.addEventListener('change', () => {
      change(input);
      redraw();
    });
  }
}

const switched = (set, value, present) => (present ? set.add(value) : set.delete(value));

function connectControls() {
  control('#view', (input) => (state.view = Number(input.value)));
  control('#metric', (input) => (state.metric = input.value));
  control('[name=x]', (input) => (state.x = input.value));
  control('#log-x', (input) => (state.logX = input.checked));
  control('#log-y', (input) => (state.logY = input.checked));
  control('#band', (input) => (state.band = input.checked));
  control('[name=variant]', (input) => switched(state.hidden, Number(input.value), !input.checked));
  control('[name=seed]', (input) => switched(state.seeds, Number(input.value), input.checked));
  byId('all-seeds').addEventListener('change', (event) => showSeeds(event.target.checked));
}

function showSeeds(shownAll) {
  for (const input of document.querySelectorAll('[name=seed]')) input.checked = shownAll;
  state.seeds = new Set(shownAll ? data.seeds : []);
  redraw();
}

function connectPlot() {
  const plot = byId('plot');
  for (const kind of ['pointermove', 'pointerdown']) plot.addEventListener(kind, (event) => moveTo(pointerPosition(event)));
  plot.addEventListener('pointerleave', () => moveTo(undefined));
  plot.addEventListener('blur', () => moveTo(undefined));
  plot.addEventListener('focus', () => state.at ?? (plot.matches(':focus-visible') && moveTo(stops(drawing, state).at(-1))));
  plot.addEventListener('keydown', onKey);
}

/** Light or dark: the reader's system decides until the button does. */
function connectTheme() {
  const button = byId('theme');
  let chosen = matchMedia('(prefers-color-scheme: dark)').matches;
  const show = () => button.setAttribute('aria-pressed', String(chosen));
  button.addEventListener('click', () => {
    chosen = !chosen;
    document.documentElement.dataset.theme = chosen ? 'dark' : 'light';
    show();
  });
  show();
}

/** Paper unfolds nothing: open all that is folded, and fold it again afterwards. */
function connectPrinting() {
  let folded = [];
  const prepare = (forPaper) => {
    printing = forPaper;
    if (forPaper) folded = [...document.querySelectorAll('details:not([open])')];
    for (const each of folded) each.open = forPaper;
    redrawAll();
  };
  addEventListener('beforeprint', () => prepare(true));
  addEventListener('afterprint', () => prepare(false));
}

function redrawAll() {
  redraw();
  redrawDots();
}

function start() {
  document.documentElement.classList.add('scripted');
  document.querySelectorAll('table.sortable').forEach(makeSortable);
  connectControls();
  connectPlot();
  connectTheme();
  connectPrinting();
  onWidth(byId('plot'), redrawAll);
}

/** Draw now and whenever the width changes; drawing changes the height alone. */
function onWidth(element, draw) {
  let width;
  new ResizeObserver(([entry]) => {
    if (entry.contentRect.width === width) return;
    width = entry.contentRect.width;
    draw();
  }).observe(element);
}

start();
