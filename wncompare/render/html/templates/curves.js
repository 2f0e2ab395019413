// @ts-check

/** The curves: each visible variant's mean with its interval as a band, and single seeds as thin lines. */

/** @type {Record<Cost, string>} */
const X_NAMES = { epochs: 'epoch', steps: 'training step', seconds: 'training time, seconds' };

const NARROW = 600; // pixels: below, the names are left to the switches above the plot

/**
 * One arm's line as points: its mean and, from the epoch in which a run diverged, its median.
 * @param {Arm} arm
 * @param {State} state
 * @returns {LinePoint[]}
 */
function linePoints(arm, { metric, x }) {
  const { mean, low, high, median, n } = arm.bands[metric];
  return mean.map((value, index) => {
    const isMedian = !Number.isFinite(number(value));
    return {
      x: arm.x[x][index],
      y: number(isMedian ? median[index] : value),
      low: number(low[index]),
      high: number(high[index]),
      n: n[index],
      epoch: index + 1,
      isMedian,
    };
  });
}

/** @param {LinePoint} point */
const isDrawn = (point) => Number.isFinite(point.y);

/**
 * @param {Run} run
 * @param {State} state
 */
const runPoints = (run, { metric, x }) =>
  run.metrics[metric].map((value, index) => ({ x: run.x[x][index], y: number(value) }));

/**
 * The arms that are on show.
 * @param {Data} data
 * @param {State} state
 */
function visibleArms(data, state) {
  const { points } = data.views[state.view];
  return data.arms.filter((arm) => points[arm.variant] === arm.point && !state.hidden.has(arm.variant));
}

/**
 * A path through the points, broken where a value is missing.
 * @param {{x: number, y: number}[]} points
 * @param {Scale} x
 * @param {Scale} y
 */
function path(points, x, y) {
  let command = 'M';
  let text = '';
  for (const point of points) {
    const drawn = Number.isFinite(point.y) && Number.isFinite(y(point.y));
    if (drawn) text += `${command}${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`;
    command = drawn ? 'L' : 'M';
  }
  return text;
}

/**
 * The band as a closed outline.
 * @param {LinePoint[]} points
 * @param {Scale} x
 * @param {Scale} y
 * @param {number} floor the lowest value of the axis
 */
function outline(points, x, y, floor) {
  const known = points.filter((point) => Number.isFinite(point.low));
  if (!known.length) return '';
  const upper = known.map((point) => `${x(point.x).toFixed(1)},${y(point.high).toFixed(1)}`);
  const lower = known.map((point) => `${x(point.x).toFixed(1)},${y(Math.max(point.low, floor)).toFixed(1)}`);
  return `M${upper.join('L')}L${lower.reverse().join('L')}Z`;
}

/**
 * All marks of one arm.
 * @param {Arm} arm
 * @param {State} state
 * @param {Scale} x
 * @param {Scale} y
 * @param {number} floor
 */
function drawArm(arm, state, x, y, floor) {
  const group = svg('g', { class: `arm series-${arm.variant}` });
  const points = linePoints(arm, state);
  const means = points.filter((point) => !point.isMedian);
  if (state.band) group.append(svg('path', { class: 'band', d: outline(points, x, y, floor) }));
  for (const run of arm.runs.filter((each) => state.seeds.has(each.seed))) group.append(...drawRun(run, state, x, y));
  group.append(svg('path', { class: 'mean', d: path(means, x, y) }));
  const medians = points.slice(Math.max(0, means.length - 1)); // from the last mean on
  if (points.some((point) => point.isMedian && isDrawn(point))) {
    group.append(svg('path', { class: 'median', d: path(medians, x, y) }));
  }
  if (points.length === 1 && isDrawn(points[0])) group.append(dot(x(points[0].x), y(points[0].y), 4));
  return group;
}

/**
 * One seed's line; a run that did not finish is dashed and ends in a cross.
 * @param {Run} run
 * @param {State} state
 * @param {Scale} x
 * @param {Scale} y
 */
function drawRun(run, state, x, y) {
  const points = runPoints(run, state);
  const finished = run.status === 'finished';
  const title = `seed ${run.seed}${finished ? '' : `, ${run.status}`}`;
  const marks = [svg('path', { class: `seed${finished ? '' : ' broken'}`, d: path(points, x, y) }, svg('title', {}, title))];
  const last = points.filter((point) => Number.isFinite(point.y)).at(-1);
  if (last && !finished) return [...marks, cross(x(last.x), y(last.y), title)];
  return last && points.length === 1 ? [...marks, dot(x(last.x), y(last.y), 2)] : marks;
}

/**
 * @param {number} cx
 * @param {number} cy
 * @param {number} r
 */
const dot = (cx, cy, r) => svg('circle', { class: 'dot', cx, cy, r });

/**
 * @param {number} x
 * @param {number} y
 * @param {string} title
 */
const cross = (x, y, title) =>
  svg('path', { class: 'cross', d: `M${x - 4},${y - 4}l8,8m0,-8l-8,8` }, svg('title', {}, title));

/**
 * Names beside the ends of the lines, where the page says that they do not overlap.
 * @param {Data} data
 * @param {State} state
 * @param {Drawing} drawing
 * @param {Axis} axis
 */
function drawNames(data, state, drawing, axis) {
  return drawing.arms.flatMap((arm) => {
    const end = linePoints(arm, state).filter(isDrawn).at(-1);
    const part = axis.names[arm.variant];
    return end && part !== null ? [drawName(data.labels[arm.variant], arm, end, part, drawing)] : [];
  });
}

/**
 * @param {string} name
 * @param {Arm} arm
 * @param {LinePoint} end
 * @param {number} part of the plot's height, at which the name stands
 * @param {Drawing} drawing
 */
function drawName(name, arm, end, part, { frame, x, y }) {
  const height = frame.bottom - part * (frame.bottom - frame.top);
  const endHeight = Math.min(Math.max(y(end.y), frame.top), frame.bottom);
  return svg(
    'g',
    { class: `label series-${arm.variant}` },
    svg('path', { class: 'leader', d: `M${x(end.x) + 3},${endHeight}L${frame.right + 9},${height}` }),
    svg('text', { x: frame.right + 13, y: height + 4 }, fitted(name, frame.width - frame.right - 16)),
  );
}

/**
 * Where the plot's parts stand.
 * @param {number} width
 * @param {Data} data
 * @returns {Frame}
 */
function curveFrame(width, data) {
  const top = 30;
  const bottom = top + (width < NARROW ? Math.max(width * 0.52, 300) - 82 : data.height);
  const right = width < NARROW ? 14 : Math.min(Math.max(0, ...data.labels.map(textWidth)) + 22, width * 0.3);
  return { width, height: bottom + 52, left: 50, right: width - right, top, bottom };
}

/**
 * @param {Data} data
 * @param {State} state
 * @param {number} width
 * @returns {Drawing}
 */
function drawCurves(data, state, width) {
  const arms = visibleArms(data, state);
  const frame = curveFrame(width, data);
  const view = data.views[state.view];
  const axis = view.y[state.metric][state.logY ? 'log' : 'linear'];
  const rangeX = view.x[state.x];
  const x = scale(rangeX, [frame.left + 8, frame.right], state.logX);
  const y = scale(axis.range, [frame.bottom, frame.top], state.logY);
  const clip = svg('clipPath', { id: 'inside' }, svg('rect', inside(frame)));
  const marks = arms.map((arm) => drawArm(arm, state, x, y, axis.range[0]));
  const image = picture(width, frame.height);
  image.append(svg('defs', {}, clip));
  image.append(yAxis(frame, y, ticks(axis.range, 6, state.logY), data.metrics[state.metric]));
  image.append(xAxis(frame, x, ticks(rangeX, width / 90, state.logX, state.x !== 'seconds'), X_NAMES[state.x]));
  image.append(svg('g', { 'clip-path': 'url(#inside)' }, ...marks));
  const drawing = { image, arms, frame, x, y };
  if (width >= NARROW) image.append(...drawNames(data, state, drawing, axis));
  return drawing;
}

/** @param {Frame} frame */
const inside = (frame) => ({
  x: frame.left,
  y: frame.top - 6,
  width: frame.right - frame.left + 6,
  height: frame.bottom - frame.top + 6,
});
