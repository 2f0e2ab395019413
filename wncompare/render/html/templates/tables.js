// @ts-check

/** Tables that a click or a key on a header sorts. */

/** @param {HTMLTableElement} table */
function makeSortable(table) {
  [...(table.tHead?.rows[0].cells ?? [])].forEach((header, column) => {
    const button = html('button', { type: 'button' });
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener('click', () => sortBy(table, header, column));
  });
}

/**
 * @param {HTMLTableElement} table
 * @param {HTMLTableCellElement} header
 * @param {number} column
 */
function sortBy(table, header, column) {
  const descending = header.getAttribute('aria-sort') === 'ascending';
  for (const cell of table.tHead?.rows[0].cells ?? []) cell.removeAttribute('aria-sort');
  header.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort((one, other) => order(sortKey(one.cells[column]), sortKey(other.cells[column]), descending)));
}

/** A number where the cell has one, else its text. @param {HTMLTableCellElement} cell */
function sortKey(cell) {
  const value = cell.dataset.value;
  if (value === undefined) return cell.textContent.trim();
  return value === 'nan' || value === 'inf' || value === '-inf' ? number(value) : Number(value);
}

/**
 * Cells without a number come last whichever way the rest stands.
 * @param {string | number} one
 * @param {string | number} other
 * @param {boolean} descending
 */
function order(one, other, descending) {
  const missing = Number(Number.isNaN(one)) - Number(Number.isNaN(other));
  if (missing || Number.isNaN(one)) return missing;
  const ascending =
    typeof one === 'number' && typeof other === 'number'
      ? compare(one, other)
      : String(one).localeCompare(String(other), 'en', { numeric: true });
  return descending ? -ascending : ascending;
}

/**
 * Infinities are equal to themselves, which their difference does not say.
 * @param {number} one
 * @param {number} other
 */
const compare = (one, other) => (one === other ? 0 : one < other ? -1 : 1);
