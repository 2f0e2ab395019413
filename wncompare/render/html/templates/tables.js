/** Tables that a click or a key on a header sorts. */

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = html('button', { type: 'button' });
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener('click', () => sortBy(table, header, column));
  });
}

function sortBy(table, header, column) {
  const descending = header.getAttribute('aria-sort') === 'ascending';
  for (const cell of header.parentNode.cells) cell.removeAttribute('aria-sort');
  header.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort((one, other) => order(sortKey(one.cells[column]), sortKey(other.cells[column]), descending)));
}

/** A number where the cell has one, else its text. */
function sortKey(cell) {
  if (!('value' in cell.dataset)) return cell.textContent.trim();
  return number(/^-?(inf|nan)$/.test(cell.dataset.value) ? cell.dataset.value : Number(cell.dataset.value));
}

/** Cells without a number come last whichever way the rest stands. */
function order(one, other, descending) {
  if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) - Number.isNaN(other);
  const ascending = typeof one === 'string' ? one.localeCompare(other, 'en', { numeric: true }) : compare(one, other);
  return descending ? -ascending : ascending;
}

const compare = (one, other) => (one === other ? 0 : one < other ? -1 : 1);
