/** The cursor over the curves: a line at one x and every visible variant's values there. */

/** All positions that the cursor can stand at, from left to right. */
function stops(drawing, state) {
  const positions = drawing.arms.flatMap((arm) => meanPoints(arm, state).filter((point) => Number.isFinite(point.y)));
  return [...new Set(positions.map((point) => point.x))].sort((one, other) => one - other);
}

/** Each visible variant's point nearest to a position, without a value where its mean has ended. */
function valuesAt(drawing, state, at) {
  return drawing.arms.map((arm) => {
    const points = meanPoints(arm, state).filter((point) => Number.isFinite(point.y));
    const near = reaches(points, at) ? nearestTo(points, (point) => Math.abs(point.x - at)) : { y: NaN };
    return { variant: arm.variant, ...near };
  });
}

/** Whether a curve comes within half an epoch of a position. */
function reaches(points, at) {
  if (!points.length) return false;
  const [first, last] = [points[0].x, points.at(-1).x];
  const half = (last - first) / Math.max(points.length - 1, 1) / 2;
  return at >= first - half && at <= last + half;
}

const nearestTo = (items, distance) =>
  items.reduce((best, item) => (best === undefined || distance(item) < distance(best) ? item : best), undefined);

/** The cursor's line and a dot a variant. */
function drawCursor(drawing, values, at) {
  const { frame, x, y } = drawing;
  const group = svg('g', { class: 'cursor' });
  group.append(svg('line', { x1: x(at), x2: x(at), y1: frame.top, y2: frame.bottom }));
  for (const value of values.filter((each) => Number.isFinite(each.y))) {
    group.append(svg('g', { class: `series-${value.variant}` }, dot(x(value.x), y(value.y), 4.5)));
  }
  return group;
}

const positionName = (state, at) =>
  ({ epochs: `epoch ${at}`, steps: `step ${tickLabel(at)}`, seconds: `${at.toFixed(1)} s` })[state.x];

/** What the values are in words, for the box beside the cursor and for a screen reader. */
function describe(value, state) {
  if (!Number.isFinite(value.y)) return 'no mean here';
  const epoch = state.x === 'epochs' ? '' : `epoch ${value.epoch}, `;
  return `${interval(value.low, value.high)} (${epoch}n = ${value.n})`;
}

function fillReadout(readout, data, state, values, at) {
  const rows = values.map((value) =>
    html(
      'div',
      { class: `value series-${value.variant}` },
      html('span', { class: 'swatch' }),
      html('span', { class: 'who' }, data.labels[value.variant]),
      html('strong', {}, shown(value.y)),
      html('small', {}, describe(value, state)),
    ),
  );
  readout.replaceChildren(html('div', { class: 'where' }, positionName(state, at)), ...rows);
}

/** Put the box on the side of the cursor, and at the height, where it covers least. */
function placeReadout(readout, drawing, values, at) {
  const { frame, x, y } = drawing;
  const middle = (frame.top + frame.bottom) / 2;
  const heights = values.map((value) => y(value.y)).filter(Number.isFinite);
  const height = heights.reduce((sum, each) => sum + each, 0) / heights.length;
  const beside = x(at) < (frame.left + frame.right) / 2 ? x(at) + 14 : x(at) - readout.offsetWidth - 14;
  readout.style.left = `${Math.max(0, beside)}px`;
  readout.style.top = `${height < middle ? frame.bottom - readout.offsetHeight - 8 : frame.top}px`;
}

const spoken = (data, state, values, at) =>
  [positionName(state, at), ...values.map((value) => `${data.labels[value.variant]} ${shown(value.y)}, ${describe(value, state)}`)].join('; ');

/** The stop that a key leads to, undefined for keys that are not the cursor's. */
function stopAfter(key, places, at) {
  const last = places.length - 1;
  const here = places.indexOf(at);
  const next = {
    ArrowRight: Math.min(here + 1, last),
    ArrowUp: Math.min(here + 1, last),
    ArrowLeft: here < 0 ? last : Math.max(here - 1, 0),
    ArrowDown: here < 0 ? last : Math.max(here - 1, 0),
    Home: 0,
    End: last,
  }[key];
  return next === undefined ? undefined : places[next];
}
