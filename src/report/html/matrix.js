
/* matrix.js - the matrix: what is shown of it, drawn as a table, walked with the arrow keys. */
/* ---- what is shown ---- */

const shown = new Set(KINDS.keys());
let onlyFinding = -1;      /* index of a finding, or -1 */
let openRun = -1;          /* index of the run in the panel */
let focusCell = null;      /* element the arrow keys start from */

const hasFinding = (run, finding) => run[SEEN].some(seen => data.seen[seen][0] === finding);
const matches = run => shown.has(run[KIND]) && (onlyFinding < 0 || hasFinding(run, onlyFinding));

/* The runs of a row (or one variant of it) in some columns. */
function runsIn(row, variant, columns) {
  const list = [];
  for (const column of columns) {
    for (const index of column.runs.get(row) || []) {
      if (variant === null || placeOf[index].variant === variant) list.push(index);
    }
  }
  return list;
}

const cells = new WeakMap();  /* td -> {row, variant, columns} */

function makeCell(row, variant, columns, first) {
  const runs = runsIn(row, variant, columns);
  const many = columns.length > 1 || columns[0].group.open === false;
  const cell = el('td', {class: (many ? 'many ' : '') + (first ? 'first ' : ''), role: 'gridcell'});
  if (runs.length === 0) return cell;
  const matching = runs.filter(index => matches(data.runs[index]));
  const worst = Math.max(...(matching.length > 0 ? matching : runs).map(index => data.runs[index][KIND]));
  const share = runs.filter(index => data.runs[index][KIND] === worst).length;
  cell.className += 'has ' + (matching.length > 0 ? KINDS[worst] : 'dim');
  cell.tabIndex = -1;
  const where = columns[0].group.name + (many ? '' : '#' + columns[0].label);
  cell.setAttribute('aria-label', `${variant || row.kind} at ${where}: ${WORDS[worst]}` +
    (runs.length > 1 ? `, ${share} of ${runs.length} runs` : ''));
  cell.append(mark(KINDS[worst]));
  if (many && matching.length > 0) cell.append(el('span', {}, share.toLocaleString('en')));
  cells.set(cell, {row, variant, columns});
  return cell;
}

function makeHead(visible) {
  const upper = el('tr', {}, el('th', {class: 'corner', rowspan: '2'}, 'fault \\ site'));
  const lower = el('tr', {});
  for (const {group, parts} of visible) {
    const foldable = group.columns.length > 1;
    const toggle = () => { group.open = !group.open; draw(); };
    upper.append(el('th', {class: 'group', colspan: parts.length, scope: 'colgroup'},
      el('button', {type: 'button', on: foldable ? toggle : null, 'data-fold': 'site ' + group.name, disabled: foldable ? null : '',
                    'aria-expanded': foldable ? String(group.open) : null},
         foldable ? el('span', {class: 'chevron'}) : null, group.name)));
    parts.forEach((columns, i) => {
      const many = !group.open;
      lower.append(el('th', {class: 'at' + (many ? ' many' : '') + (i === 0 ? ' first' : ''), scope: 'col'},
                      el('span', many ? {style: 'writing-mode:horizontal-tb;transform:none;width:auto'} : {},
                         many ? count(columns.length, 'site') : columns[0].label)));
    });
  }
  return el('thead', {}, upper, lower);
}

function makeRow(row, variant, visible) {
  const foldable = variant === null && row.variants.size > 1;
  const toggle = () => { row.open = !row.open; draw(); };
  const head = variant !== null ? variant
    : foldable ? el('button', {type: 'button', on: toggle, 'data-fold': 'fault ' + row.kind, 'aria-expanded': String(row.open)},
                    el('span', {class: 'chevron'}), row.kind)
               : el('span', {class: 'plain'}, row.kind);
  const line = el('tr', {class: variant === null ? '' : 'variant'},
                  el('th', {scope: 'row', title: variant || row.kind + (row.faultClass ? ' (' + row.faultClass + ')' : '')}, head));
  for (const {parts} of visible) {
    parts.forEach((columns, i) => line.append(makeCell(row, variant, columns, i === 0)));
  }
  return line;
}

function draw() {
  const old = document.querySelector('.scroll');
  const fold = document.activeElement?.dataset?.fold;  /* a button that is about to be made anew, keeping the keyboard */
  const [left, top] = old ? [old.scrollLeft, old.scrollTop] : [0, 0];
  if (data.runs.length === 0) {
    byId('grid').replaceChildren(el('p', {class: 'quiet'}, 'No run was made.'));
    return;
  }
  const visible = [...groups.values()].map(group => ({
    group, parts: group.open ? group.columns.map(column => [column]) : [group.columns]
  }));
  const body = el('tbody', {});
  for (const row of rows.values()) {
    body.append(makeRow(row, null, visible));
    if (row.open) for (const variant of row.variants) body.append(makeRow(row, variant, visible));
  }
  const table = el('table', {class: 'grid', role: 'grid', 'aria-labelledby': 'matrix-title'}, makeHead(visible), body);
  const scroll = el('div', {class: 'scroll'}, table);
  byId('grid').replaceChildren(scroll);
  [scroll.scrollLeft, scroll.scrollTop] = [left, top];
  for (const button of table.querySelectorAll('[data-fold]')) if (button.dataset.fold === fold) button.focus();
  focusCell = table.querySelector('td.has');
  if (focusCell) focusCell.tabIndex = 0;
  markOpen();
  table.addEventListener('click', event => activate(event.target.closest('td')));
  table.addEventListener('keydown', onKey);
  table.addEventListener('mouseover', event => {  /* tooltips: made when wanted */
    const cell = event.target.closest('td.has');
    if (cell && !cell.title) cell.title = cell.getAttribute('aria-label');
  });
  drawTools();
}

/* Marks the cells (a row's, and an unfolded variant's) that the run in the panel belongs to; the keys start there. */
function markOpen() {
  const scroll = document.querySelector('.scroll');
  for (const cell of document.querySelectorAll('td.open')) cell.classList.remove('open');
  if (openRun < 0 || !scroll) return;
  const {row, variant, column} = placeOf[openRun];
  for (const cell of scroll.querySelectorAll('td.has')) {
    const place = cells.get(cell);
    const here = place.row === row && place.columns.includes(column) && (place.variant === null || place.variant === variant);
    if (here) cell.classList.add('open');
  }
  moveStop([...scroll.querySelectorAll('td.open')].at(-1));
  showCell(scroll, focusCell);
}

/* The one cell that the Tab key stops at. */
function moveStop(cell) {
  if (focusCell) focusCell.tabIndex = -1;
  focusCell = cell;
  cell.tabIndex = 0;
}

/* Scrolls the matrix, never the page, to a cell that is out of sight. */
function showCell(scroll, cell) {
  if (!cell) return;
  const box = scroll.getBoundingClientRect(), at = cell.getBoundingClientRect();
  const head = scroll.querySelector('tbody th').offsetWidth;
  if (at.left < box.left + head || at.right > box.right) scroll.scrollLeft += at.left - box.left - (box.width + head) / 2;
  if (at.top < box.top + 74 || at.bottom > box.bottom) scroll.scrollTop += at.top - box.top - box.height / 2;
}

function setAll(open) {
  for (const group of groups.values()) group.open = open;
  for (const row of rows.values()) row.open = row.open && open;
  draw();
}

function drawTools() {
  const tool = (text, action, on) => el('button', {type: 'button', class: 'tool' + (on ? ' on' : ''), on: action}, text);
  const all = [...groups.values()];
  byId('tools').replaceChildren(...[
    onlyFinding < 0 ? null : tool(`Only ${data.findings[onlyFinding][0]} \u00d7`, () => filter(-1), true),
    all.some(group => !group.open) ? tool('Unfold sites', () => setAll(true)) : null,
    all.some(group => group.open && group.columns.length > 1) ? tool('Fold sites', () => setAll(false)) : null,
  ].filter(Boolean));
  byId('matrix-hint').textContent = 'sites across, faults down; a cell opens its runs';
}

function filter(finding) {
  onlyFinding = finding;
  draw();
  if (finding >= 0) byId('matrix').scrollIntoView();
}

/* ---- keys ---- */

/* The nearest cell with runs in a direction. */
function neighbour(cell, down, right) {
  if (right !== 0) {
    do cell = right > 0 ? cell.nextElementSibling : cell.previousElementSibling;
    while (cell && !cells.has(cell));
    return cell;
  }
  const at = cell.cellIndex;
  let line = cell.parentElement;
  do line = down > 0 ? line.nextElementSibling : line.previousElementSibling;
  while (line && !cells.has(line.cells[at]));
  return line && line.cells[at];
}

function onKey(event) {
  const moves = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0]};
  const cell = event.target.closest('td');
  if (!cell || !cells.has(cell) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'Enter' || event.key === ' ') {
    event.preventDefault();
    activate(cell);
    return;
  }
  const all = event.key === 'Home' || event.key === 'End' ? [...cell.parentElement.cells].filter(one => cells.has(one)) : null;
  const next = all ? all[event.key === 'Home' ? 0 : all.length - 1]
             : moves[event.key] ? neighbour(cell, ...moves[event.key]) : null;
  if (moves[event.key] || all) event.preventDefault();
  if (!next) return;
  moveStop(next);
  next.focus();
  next.scrollIntoView({block: 'nearest', inline: 'nearest'});
}
