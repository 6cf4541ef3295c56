/* data.js - the page's script, first part: the data, elements, and the matrix's axes. The parts are one module.
 *
 * The data (html_data.c) holds ten thousand runs as rows of numbers; nothing of a run becomes elements before somebody
 * looks at it. Texts come from clients and may hold anything: they enter the page as text nodes and attribute values
 * only, never as markup.
 */
const data = JSON.parse(document.getElementById('data').textContent);

/* Columns of a run's row, as html_data.c writes them. */
const ID = 0, FAULT = 1, SITE = 2, PERSISTENT = 3, KIND = 4, KEY = 5, MIDDLE = 6, END = 7, WALL = 8, NOTE = 9,
      SEEN = 10, OPERATIONS = 11, CALLS = 12, SETS = 13;
/* By weight: a cell shows the heaviest of its runs. */
const KINDS = ['clean', 'remark', 'vacuous', 'warning', 'failed', 'violation'];
const WORDS = ['clean', 'remark', 'vacuous', 'warning', 'not made', 'violation'];
const SEVERITY_KIND = {error: 'violation', warning: 'warning', info: 'remark'};
const COLUMNS_AT_ONCE = 72;  /* more sites than these: long groups start folded */
const GROUP_AT_ONCE = 12;
const LIST_MAX = 120;        /* runs listed of one cell */

/* ---- elements ---- */

/* Characters that are not seen as they are written, or turn the order of others. */
const plain = text => text.replace(/[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');

/* An element; children that are strings become text. */
function el(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name === 'class') node.className = value;
    else if (name === 'on') node.addEventListener('click', value);
    else if (value !== null && value !== false && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter(child => child !== null && child !== undefined && child !== '')
    .map(child => typeof child === 'string' ? plain(child) : child));
  return node;
}
const mark = kind => el('i', {class: 'mark ' + kind, 'aria-hidden': 'true'});
const count = (number, one, many) => number.toLocaleString('en') + ' ' + (number === 1 ? one : many || one + 's');
const byId = id => document.getElementById(id);

function say(text) {
  byId('said').textContent = text;
  setTimeout(() => { byId('said').textContent = ''; }, 1500);
}

/* ---- the axes ---- */

/* "Write#2+:0/1": persistent or not, a site is one column. */
function parseSite(text) {
  const parts = /^([^#:\/]*)(?:#(\d+|last|\*)\+?)?(?::(\d+|\*))?(?:\/(\d+))?$/.exec(text) || [text, text];
  const [, name, nth = '1', device = '', operation = ''] = parts;
  const label = nth + (device === '' ? '' : ':' + device) + (operation === '' || operation === '0' ? '' : '/' + operation);
  return {name: name || 'no site', label, order: [Number(operation) || 0, Number(nth) || 1e9, device === '' ? -1 : Number(device)]};
}
const compare = (a, b) => {
  const at = a.order.findIndex((value, i) => value !== b.order[i]);
  return at < 0 ? 0 : a.order[at] - b.order[at];
};

const groups = new Map();   /* site name -> {name, columns: [{label, title, runs: Map of row}], open} */
const rows = new Map();     /* fault kind -> {kind, class, variants: Map, open} */
const placeOf = [];         /* run index -> {row, variant, column, group} */
const runAt = new Map();    /* id -> run index */

/* A fault without its site, and whether it stays: what a row can be opened into. Faults that come with others are
   one row, whatever the others. */
function variantOf(run) {
  const [first, ...others] = run[KEY].split('; ');
  const text = first.split('@')[0];
  return text + (run[PERSISTENT] ? ', from then on' : '') + (others.length > 0 ? ', with another' : '');
}

function readAxes() {
  for (const name of data.names) groups.set(name, {name, byLabel: new Map(), open: true});
  const sites = data.sites.map(text => {
    const site = parseSite(text);
    if (!groups.has(site.name)) groups.set(site.name, {name: site.name, byLabel: new Map(), open: true});
    const group = groups.get(site.name);
    if (!group.byLabel.has(site.label)) {
      group.byLabel.set(site.label, {group, label: site.label, order: site.order, runs: new Map()});
    }
    return group.byLabel.get(site.label);
  });
  data.runs.forEach((run, index) => {
    const [kind, faultClass] = data.faults[run[FAULT]];
    const column = sites[run[SITE]];
    const row = rows.get(kind) || {kind: kind || 'no fault', faultClass, variants: new Set(), open: false};
    rows.set(kind, row);
    const variant = variantOf(run);
    row.variants.add(variant);
    if (!column.runs.has(row)) column.runs.set(row, []);
    column.runs.get(row).push(index);
    placeOf[index] = {row, variant, column};
    runAt.set(run[ID], index);
  });
  for (const [name, group] of groups) {
    group.columns = [...group.byLabel.values()].sort(compare);
    if (group.columns.length === 0) groups.delete(name);
  }
  const total = [...groups.values()].reduce((sum, group) => sum + group.columns.length, 0);
  for (const group of groups.values()) {
    group.open = total <= COLUMNS_AT_ONCE || group.columns.length <= GROUP_AT_ONCE;
  }
}
