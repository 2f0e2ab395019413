// @ts-check

/** The cursor over the curves: a line at one x and every visible variant's values there. */

/**
 * All positions that the cursor can stand at, from left to right.
 * @param {Drawing} drawing
 * @param {State} state
 */
function stops(drawing, state) {
  const points = drawing.arms.flatMap((arm) => linePoints(arm, state).filter(isDrawn));
  return [...new Set(points.map((point) => point.x))].sort((one, other) => one - other);
}

/**
 * Each visible variant's point nearest to a position, none where its line has ended.
 * @param {Drawing} drawing
 * @param {State} state
 * @param {number} position
 * @returns {Reading[]}
 */
function readingsAt(drawing, state, position) {
  return drawing.arms.map((arm) => {
    const points = linePoints(arm, state).filter(isDrawn);
    const point = reaches(points, position) ? nearest(points, (each) => Math.abs(each.x - position)) : undefined;
    return { variant: arm.variant, y: point ? point.y : NaN, point };
  });
}

/**
 * Whether a curve comes within half an epoch of a position.
 * @param {LinePoint[]} points
 * @param {number} position
 */
function reaches(points, position) {
  if (!points.length) return false;
  const [first, last] = [points[0].x, points[points.length - 1].x];
  const half = (last - first) / Math.max(points.length - 1, 1) / 2;
  return position >= first - half && position <= last + half;
}

/**
 * @template T
 * @param {T[]} items
 * @param {(item: T) => number} distance
 * @returns {T | undefined}
 */
const nearest = (items, distance) =>
  items.length ? items.reduce((best, item) => (distance(item) < distance(best) ? item : best)) : undefined;

/**
 * The cursor's line and a dot a variant.
 * @param {Drawing} drawing
 * @param {Reading[]} readings
 * @param {number} position
 */
function drawCursor({ frame, x, y }, readings, position) {
  const group = svg('g', { class: 'cursor' });
  group.append(svg('line', { x1: x(position), x2: x(position), y1: frame.top, y2: frame.bottom }));
  for (const { variant, point } of readings) {
    if (point) group.append(svg('g', { class: `series-${variant}` }, dot(x(point.x), y(point.y), 4.5)));
  }
  return group;
}

/**
 * @param {State} state
 * @param {number} position
 */
function positionName(state, position) {
  if (state.x === 'epochs') return `epoch ${position}`;
  return state.x === 'steps' ? `step ${tickLabel(position)}` : `${position.toFixed(1)} s`;
}

/**
 * What a reading is in words, for the box beside the cursor and for a screen reader.
 * @param {Reading} reading
 * @param {State} state
 */
function describe({ point }, state) {
  if (!point) return 'no mean here';
  const epoch = state.x === 'epochs' ? '' : `epoch ${point.epoch}, `;
  const found = point.isMedian ? 'median: a run diverged' : interval(point.low, point.high);
  return `${found} (${epoch}n = ${point.n})`;
}

/**
 * @param {HTMLElement} readout
 * @param {Data} data
 * @param {State} state
 * @param {Reading[]} readings
 * @param {number} position
 */
function fillReadout(readout, data, state, readings, position) {
  const rows = readings.map((reading) =>
    html(
      'div',
      { class: `value series-${reading.variant}` },
      html('span', { class: 'swatch' }),
      html('span', { class: 'who' }, data.labels[reading.variant]),
      html('strong', {}, formatted(reading.y)),
      html('small', {}, describe(reading, state)),
    ),
  );
  readout.replaceChildren(html('div', { class: 'where' }, positionName(state, position)), ...rows);
}

/**
 * Put the box on the side of the cursor, and at the height, where it covers least.
 * @param {HTMLElement} readout
 * @param {Drawing} drawing
 * @param {Reading[]} readings
 * @param {number} position
 */
function placeReadout(readout, { frame, x, y }, readings, position) {
  const middle = (frame.top + frame.bottom) / 2;
  const heights = readings.map((reading) => y(reading.y)).filter(Number.isFinite);
  const height = heights.reduce((sum, each) => sum + each, 0) / heights.length;
  const beside = x(position) < (frame.left + frame.right) / 2 ? x(position) + 14 : x(position) - readout.offsetWidth - 14;
  readout.style.left = `${Math.max(0, beside)}px`;
  readout.style.top = `${height < middle ? frame.bottom - readout.offsetHeight - 8 : frame.top}px`;
}

/**
 * @param {Data} data
 * @param {State} state
 * @param {Reading[]} readings
 * @param {number} position
 */
const spoken = (data, state, readings, position) =>
  [
    positionName(state, position),
    ...readings.map((each) => `${data.labels[each.variant]} ${formatted(each.y)}, ${describe(each, state)}`),
  ].join('; ');

/**
 * The stop that a key leads to, undefined for keys that are not the cursor's.
 * @param {string} key
 * @param {number[]} positions
 * @param {number | undefined} position where the cursor stands
 */
function stopAfter(key, positions, position) {
  const last = positions.length - 1;
  const here = position === undefined ? -1 : positions.indexOf(position);
  const before = here < 0 ? last : Math.max(here - 1, 0);
  const after = Math.min(here + 1, last);
  /** @type {Record<string, number | undefined>} */
  const next = { ArrowRight: after, ArrowUp: after, ArrowLeft: before, ArrowDown: before, Home: 0, End: last };
  const index = next[key];
  return index === undefined ? undefined : positions[index];
}
