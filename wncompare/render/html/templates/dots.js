// @ts-check

/** Dot plots: a row a seed or a setting, a dot a value, a bar its interval. */

const ROW = 22;

/**
 * @param {DotPlot} plot
 * @param {number} width
 * @returns {Frame}
 */
function dotFrame(plot, width) {
  const widest = Math.max(...plot.rows.map((row) => textWidth(row.label)));
  const left = Math.min(widest + 16, width * 0.45);
  const top = plot.better ? 46 : 10;
  const bottom = top + plot.rows.length * rowHeight(plot);
  return { width, left, right: width - 14, top, bottom, height: bottom + 50 };
}

/** Rows hold a line a mark. @param {DotPlot} plot */
const rowHeight = (plot) => Math.max(ROW, 12 * Math.max(...plot.rows.map((row) => row.marks.length)) + 8);

/**
 * @param {DotPlot} plot
 * @param {number} width
 */
function drawDots(plot, width) {
  const frame = dotFrame(plot, width);
  const x = scale(plot.range, [frame.left, frame.right], false);
  const image = picture(width, frame.height);
  if (plot.zone) image.append(zone(plot.zone, frame, x));
  if (plot.zero) image.append(svg('line', { class: 'zero', x1: x(0), x2: x(0), y1: frame.top - 4, y2: frame.bottom }));
  if (plot.better) image.append(...sides(plot.better, frame));
  image.append(xAxis(frame, x, ticks(plot.range, Math.max(2, (frame.right - frame.left) / 80), false), plot.name));
  plot.rows.forEach((row, index) => image.append(drawRow(row, frame, x, frame.top + (index + 0.5) * rowHeight(plot))));
  return image;
}

/**
 * Differences too small to matter.
 * @param {number} size
 * @param {Frame} frame
 * @param {Scale} x
 */
const zone = (size, frame, x) =>
  svg('rect', { class: 'zone', x: x(-size), y: frame.top - 4, width: x(size) - x(-size), height: frame.bottom - frame.top + 4 });

/**
 * Whose side of zero is whose, above the plot, in a line each where one is too short for both.
 * @param {[string, string]} names
 * @param {Frame} frame
 */
function sides(names, frame) {
  const [left, right] = [`← ${names[0]} better`, `${names[1]} better →`].map((text) => fitted(text, frame.width));
  const lines = textWidth(left) + textWidth(right) + 24 < frame.width ? 1 : 2;
  return [
    svg('text', { class: 'side', x: lines === 1 ? frame.left : 0, y: 14 }, left),
    svg('text', { class: 'side', x: frame.right, y: lines === 1 ? 14 : 31, 'text-anchor': 'end' }, right),
  ];
}

/**
 * @param {DotRow} row
 * @param {Frame} frame
 * @param {Scale} x
 * @param {number} y
 */
function drawRow(row, frame, x, y) {
  const group = svg('g', { class: row.strong ? 'row strong' : 'row' });
  group.append(svg('line', { class: 'grid', x1: frame.left, x2: frame.right, y1: y, y2: y }));
  group.append(svg('text', { x: frame.left - 10, y: y + 4, 'text-anchor': 'end' }, fitted(row.label, frame.left - 10)));
  row.marks.forEach((mark, index) => {
    const offset = (index - (row.marks.length - 1) / 2) * 12;
    group.append(drawMark(mark, frame, x, y + offset));
  });
  return group;
}

/**
 * A dot with its interval and its value as a title; what is not finite is said in words.
 * @param {Mark} mark
 * @param {Frame} frame
 * @param {Scale} x
 * @param {number} y
 */
function drawMark(mark, frame, x, y) {
  const group = svg('g', { class: `mark series-${mark.variant}` });
  const [value, low, high] = [mark.value, mark.low ?? 'nan', mark.high ?? 'nan'].map(number);
  const within = (/** @type {number} */ bound) => Math.min(Math.max(x(bound), frame.left), frame.right);
  if (!Number.isNaN(low)) group.append(svg('line', { class: 'interval', x1: within(low), x2: within(high), y1: y, y2: y }));
  if (Number.isFinite(value)) group.append(dot(x(value), y, 4.5));
  else group.append(svg('text', { class: 'missing', x: frame.left + 6, y: y + 4 }, 'no value (diverged or missing)'));
  group.append(svg('title', {}, `${formatted(value)}${!Number.isNaN(low) ? `, ${interval(low, high)}` : ''}`));
  return group;
}
