/** The curves: each visible variant's mean with its interval as a band, and single seeds as thin lines. */

const X_NAMES = { epochs: 'epoch', steps: 'training step', seconds: 'training time, seconds' };

/** One arm's mean curve as points, in the shape that everything below reads. */
function meanPoints(arm, { metric, x }) {
  const band = arm.bands[metric];
  return band.mean.map((mean, place) => ({
    x: arm.x[x][place],
    y: number(mean),
    low: number(band.low[place]),
    high: number(band.high[place]),
    n: band.n[place],
    epoch: place + 1,
  }));
}

const runPoints = (run, { metric, x }) =>
  run.metrics[metric].map((value, place) => ({ x: run.x[x][place], y: number(value) }));

/** What of the data is on show. */
function visibleArms(data, state) {
  return data.arms.filter((arm) => data.views[state.view][arm.variant] === arm.point && !state.hidden.has(arm.variant));
}

/** Ranges of both axes: every ended run, and the bands but for what wide ones of few seeds would flatten. */
function ranges(arms, state) {
  const runs = arms.flatMap((arm) => arm.runs);
  const steady = runs.filter((run) => run.status !== 'diverged');
  const points = (steady.length ? steady : runs).flatMap((run) => runPoints(run, state));
  const bands = arms.flatMap((arm) => meanPoints(arm, state));
  const xs = runs.flatMap((run) => run.x[state.x]);
  return {
    x: widened(extent(xs, [1, 2]), 0),
    y: valueRange(points.map((point) => point.y), bands, state),
  };
}

function valueRange(values, bands, { metric, logY }) {
  const [low, high] = extent(values, [0, 1]);
  const room = (high - low || 0.1) / 2;
  const [bandLow, bandHigh] = extent(bands.flatMap((point) => [point.low, point.high]), [low, high]);
  const from = Math.min(low, Math.max(bandLow, low - room));
  const to = Math.max(high, Math.min(bandHigh, high + room));
  const margin = 0.06 * (to - from || 0.1);
  const isAccuracy = metric.endsWith('accuracy');
  const least = logY ? positiveFloor(values) : isAccuracy || low >= 0 ? 0 : -Infinity;
  return [Math.max(from - margin, least), isAccuracy ? Math.min(to + margin, 1) : to + margin];
}

/** Logarithms need a positive start. */
const positiveFloor = (values) => extent(values.filter((value) => value > 0), [1e-3, 1])[0] * 0.8;

const widened = ([low, high]) => (low === high ? [low - 0.5, high + 0.5] : [low, high]);

/** A path through the points, broken where a value is missing. */
function path(points, x, y) {
  let pen = 'M';
  let text = '';
  for (const point of points) {
    const drawn = Number.isFinite(point.y) && Number.isFinite(y(point.y));
    if (drawn) text += `${pen}${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`;
    pen = drawn ? 'L' : 'M';
  }
  return text;
}

/** The band as a closed outline. */
function outline(points, x, y, floor) {
  const known = points.filter((point) => Number.isFinite(point.low));
  if (!known.length) return '';
  const upper = known.map((point) => `${x(point.x).toFixed(1)},${y(point.high).toFixed(1)}`);
  const lower = known.map((point) => `${x(point.x).toFixed(1)},${y(Math.max(point.low, floor)).toFixed(1)}`);
  return `M${upper.join('L')}L${lower.reverse().join('L')}Z`;
}

/** All marks of one arm. */
function drawArm(arm, state, x, y, floor) {
  const group = svg('g', { class: `arm series-${arm.variant}` });
  const mean = meanPoints(arm, state);
  if (state.band) group.append(svg('path', { class: 'band', d: outline(mean, x, y, floor) }));
  for (const run of arm.runs.filter((each) => state.seeds.has(each.seed))) group.append(...drawRun(run, state, x, y));
  group.append(svg('path', { class: 'mean', d: path(mean, x, y) }));
  if (mean.length === 1 && Number.isFinite(mean[0].y)) group.append(dot(x(mean[0].x), y(mean[0].y), 4));
  return group;
}

/** One seed's line; a run that did not finish is dashed and ends in a cross. */
function drawRun(run, state, x, y) {
  const points = runPoints(run, state);
  const finished = run.status === 'finished';
  const title = `seed ${run.seed}${finished ? '' : `, ${run.status}`}`;
  const marks = [svg('path', { class: `seed${finished ? '' : ' broken'}`, d: path(points, x, y) }, svg('title', {}, title))];
  const last = points.filter((point) => Number.isFinite(point.y)).at(-1);
  if (last && !finished) marks.push(cross(x(last.x), y(last.y), title));
  else if (last && points.length === 1) marks.push(dot(x(last.x), y(last.y), 2));
  return marks;
}

const dot = (cx, cy, r) => svg('circle', { class: 'dot', cx, cy, r });

const cross = (x, y, title) =>
  svg('path', { class: 'cross', d: `M${x - 4},${y - 4}l8,8m0,-8l-8,8` }, svg('title', {}, title));

/** Names at the ends of the lines, moved apart where they would overlap. */
function drawLabels(arms, state, data, frame, x, y) {
  const ends = arms.map((arm) => ({ arm, end: meanPoints(arm, state).filter((point) => Number.isFinite(point.y)).at(-1) }));
  const labels = ends.filter(({ end }) => end).map(({ arm, end }) => ({ arm, x: x(end.x), y: y(end.y), at: y(end.y) }));
  spread(labels, frame.top + 6, frame.bottom - 6, 17);
  return labels.map((label) => drawLabel(label, data.labels[label.arm.variant], frame));
}

function drawLabel(label, name, frame) {
  const text = fitted(name, frame.width - frame.right - 16);
  return svg(
    'g',
    { class: `label series-${label.arm.variant}` },
    svg('path', { class: 'leader', d: `M${label.x + 3},${label.y}L${frame.right + 9},${label.at}` }),
    svg('text', { x: frame.right + 13, y: label.at + 4 }, text),
  );
}

/** Move `at` of the labels until neighbours are `gap` apart: each crowd about its middle, all within the frame. */
function spread(labels, top, bottom, gap) {
  labels.sort((one, other) => one.at - other.at);
  for (let round = 0; round < 100; round += 1) labels.slice(1).forEach((label, place) => part(labels[place], label, gap));
  labels.forEach((label, place) => {
    label.at = Math.max(label.at, place ? labels[place - 1].at + gap : top);
  });
  [...labels].reverse().forEach((label, place, reversed) => {
    label.at = Math.min(label.at, place ? reversed[place - 1].at - gap : bottom);
  });
}

function part(upper, lower, gap) {
  const overlap = Math.max(0, gap - (lower.at - upper.at));
  upper.at -= overlap / 2;
  lower.at += overlap / 2;
}

/** Where the plot's parts stand; narrow figures leave the names to the switches above. */
function curveFrame(width, names) {
  const height = Math.round(Math.min(Math.max(width * 0.52, 300), 460));
  const widest = Math.max(0, ...names.map(textWidth));
  const right = width < 600 ? 14 : Math.min(widest + 22, width * 0.3);
  return { width, height, left: 50, right: width - right, top: 30, bottom: height - 52 };
}

/** Draw everything; what the cursor needs to know of it comes back. */
function drawCurves(data, state, width) {
  const arms = visibleArms(data, state);
  const frame = curveFrame(width, arms.map((arm) => data.labels[arm.variant]));
  const range = ranges(arms, state);
  const x = scale(range.x, [frame.left + 8, frame.right], state.logX);
  const y = scale(range.y, [frame.bottom, frame.top], state.logY);
  const clip = svg('clipPath', { id: 'inside' }, svg('rect', inside(frame)));
  const marks = svg('g', { 'clip-path': 'url(#inside)' }, ...arms.map((arm) => drawArm(arm, state, x, y, range.y[0])));
  const image = picture(width, frame.height);
  image.append(svg('defs', {}, clip));
  image.append(yAxis(frame, y, ticks(range.y, 6, state.logY), data.metrics[state.metric]));
  image.append(xAxis(frame, x, ticks(range.x, width / 90, state.logX, state.x !== 'seconds'), X_NAMES[state.x]));
  image.append(marks);
  if (width >= 600) image.append(...drawLabels(arms, state, data, frame, x, y));
  return { image, arms, frame, x, y };
}

const inside = (frame) => ({
  x: frame.left,
  y: frame.top - 6,
  width: frame.right - frame.left + 6,
  height: frame.bottom - frame.top + 6,
});
