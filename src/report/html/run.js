
/* run.js - one run, in the panel: what was found, how to see it again, who believed what, and the calls. */
/* ---- the panel ---- */

let listed = [];         /* run indices the panel steps through */

const heaviestFirst = (a, b) => data.runs[b][KIND] - data.runs[a][KIND] || a - b;

function activate(cell) {
  const place = cell && cells.get(cell);
  if (!place) return;
  const runs = runsIn(place.row, place.variant, place.columns);
  const matching = runs.filter(index => matches(data.runs[index]));
  listed = (matching.length > 0 ? matching : runs).sort(heaviestFirst);
  goTo(listed[0]);
}

function goTo(index) {
  const hash = '#run=' + data.runs[index][ID];
  if (location.hash === hash) show(index);
  else location.hash = hash;
}

function show(index) {
  if (!listed.includes(index)) {
    const {row, column} = placeOf[index];
    listed = runsIn(row, null, [column]).sort(heaviestFirst);
  }
  openRun = index;
  const run = data.runs[index];
  const panel = byId('panel');
  panel.replaceChildren(...[top(run), title(run), facts(run), siblings(), ...findings(run), note(run), ...repeat(run),
                            ...operations(run), ...sequence(run)].filter(Boolean));
  panel.hidden = false;
  panel.scrollTop = 0;
  document.body.classList.add('opened');
  markOpen();
  byId('panel-title').focus({preventScroll: true});
}

function close() {
  if (openRun < 0) return;
  openRun = -1;
  listed = [];
  byId('panel').hidden = true;
  document.body.classList.remove('opened');
  history.replaceState(null, '', location.pathname + location.search);
  markOpen();
  if (focusCell) focusCell.focus();
}

function top(run) {
  const at = listed.indexOf(openRun);
  const step = (text, to, label) => el('button', {type: 'button', class: 'tool', 'aria-label': label,
    disabled: listed[to] === undefined ? '' : null, on: () => goTo(listed[to])}, text);
  return el('div', {class: 'top'},
    el('span', {class: 'id'}, `Run ${run[ID]}` + (listed.length > 1 ? `, ${at + 1} of ${listed.length.toLocaleString('en')} here` : '')),
    listed.length > 1 ? [step('\u2039', at - 1, 'previous run of this cell'), step('\u203a', at + 1, 'next run of this cell')] : null,
    el('button', {type: 'button', class: 'tool', on: close, title: 'Esc'}, 'Close'));
}

const title = run => el('h2', {id: 'panel-title', tabindex: '-1'}, mark(KINDS[run[KIND]]), el('span', {}, run[KEY]));

function ended(run) {
  const [exit, signal, timedOut] = data.ends[run[END]];
  const how = timedOut ? 'client was ended' : signal ? `client died of signal ${signal}`
            : exit !== null ? `client exit ${exit}` : 'client did not end';
  return how + (typeof run[WALL] === 'number' ? ` after ${run[WALL].toLocaleString('en')} ms` : '');
}

function facts(run) {
  const [fault, faultClass] = data.faults[run[FAULT]];
  const [, again, dialect, server] = data.notes[run[NOTE]];
  const texts = [WORDS[run[KIND]], ended(run),
                 !fault ? '' : run[PERSISTENT] ? 'fault stays from then on' : 'fault once',
                 faultClass ? `class ${faultClass}` : '', dialect ? `dialect ${dialect}` : '',
                 server ? `server ${server}` : '', again ? `next operation: ${again}` : ''];
  return el('p', {class: 'facts'}, texts.filter(Boolean).map(text => el('span', {class: 'tag'}, text)));
}

function siblings() {
  if (listed.length < 2) return null;
  const near = listed.length <= LIST_MAX ? listed : listed.slice(0, LIST_MAX);
  const buttons = near.map(index => el('button', {type: 'button', on: () => goTo(index),
    'aria-current': index === openRun ? 'true' : null}, mark(KINDS[data.runs[index][KIND]]),
    data.runs[index][KEY]));
  const box = el('div', {class: 'siblings'}, buttons,
                 near.length < listed.length ? el('span', {class: 'quiet'}, `and ${count(listed.length - near.length, 'more run')}`) : null);
  return el('details', listed.length <= 6 ? {open: ''} : {}, el('summary', {class: 'quiet'}, `${listed.length.toLocaleString('en')} runs in this cell`), box);
}

function backtrace(frames) {
  return Array.isArray(frames) && frames.length > 0
    ? el('ol', {class: 'backtrace'}, frames.map(frame => el('li', {}, String(frame)))) : null;
}

function findings(run) {
  return run[SEEN].map(index => {
    const [at, message, call, device, thread, times] = data.seen[index];
    const finding = data.findings[at] || [];
    const [rule, severity, , name, frames, grade] = finding;
    const says = data.rules[rule];
    const place = [name, call ? `call ${call}` : '', thread ? `thread ${thread}` : '',
                   device !== null ? `device ${device}` : '', times > 1 ? `${times} times` : '', grade ? `repeats ${grade}` : ''];
    const kind = SEVERITY_KIND[severity] || 'remark';
    return el('div', {class: 'callout ' + kind},
      el('p', {class: 'head'}, mark(kind), el('b', {class: 'rule'}, String(rule)),
         place.filter(Boolean).map(text => el('span', {class: 'tag'}, String(text)))),
      el('p', {}, String(message)), backtrace(frames),
      says ? el('p', {class: 'says'}, says[0]) : null, says ? el('p', {class: 'says'}, 'Fix: ' + says[2]) : null);
  });
}

function note(run) {
  const [vacuous, , , , error] = data.notes[run[NOTE]];
  const text = vacuous ? `The fault never fired: ${vacuous}` : run[KIND] === 4 ? error || 'The run could not be made.' : '';
  return text ? el('p', {class: 'callout ' + (vacuous ? '' : 'failed')}, text) : null;
}

function command(text) {
  const copy = () => {
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => say('Copied'), () => copyByHand(text));
    else copyByHand(text);
  };
  return el('div', {class: 'copyable'}, el('pre', {class: 'command'}, text),
            el('button', {type: 'button', class: 'copy', on: copy}, 'Copy'));
}

/* Where the browser gives no clipboard to a page from a file. */
function copyByHand(text) {
  const area = el('textarea', {});
  area.value = text;
  document.body.append(area);
  area.select();
  say(document.execCommand('copy') ? 'Copied' : 'Not copied: the browser does not allow it');
  area.remove();
}

function repeat(run) {
  if (run[MIDDLE] === null || data.repeat === null) return [];
  const middle = run[MIDDLE] === 0 ? run[KEY] : run[MIDDLE];
  return [el('h3', {}, 'Repeat it'), command(data.repeat[0] + middle + data.repeat[1])];
}

/* Texts that runs share hold U+0001 and a digit where the run's own have a set's name. */
const own = (run, text) => String(text).replace(/\x01(\d)/g, (whole, at) => run[SETS][at] ?? whole);

/* ---- what each side believes ---- */

/* Where the three do not agree, in words. */
function clash(says, outcome, durable) {
  if (says === 'success' && outcome !== 'success' && outcome !== null) return 'The client says success; the server saw it fail.';
  if (says === 'success' && durable === 'no') return 'The client says success; nothing that restores is durable.';
  if (outcome === 'success' && durable === 'no') return 'The server has a backup on record that does not restore.';
  return '';
}

function operations(run) {
  if (run[OPERATIONS].length === 0) return [];
  const answers = {yes: 'yes', no: 'no', 'not-observable': 'not observable'};
  return [el('h3', {}, run[OPERATIONS].length === 1 ? 'Operation' : 'Operations'), ...run[OPERATIONS].map(index => {
    const [, set, database, statement, , messages, outcome, bytes, says, durable] = data.operations[index];
    const view = (term, answer, ...small) => el('div', {}, el('dt', {}, term), el('dd', {},
      el('span', {class: 'answer'}, answer), small.filter(Boolean).map(text => el('small', {}, text))));
    const wrong = clash(says, outcome, durable);
    return el('div', {class: 'operation'},
      el('p', {class: 'set'}, statement ? el('code', {}, own(run, statement)) : [set, database].filter(Boolean).map(name => own(run, name)).join(', ')),
      el('dl', {class: 'views'},
        view('The client said', says || 'nothing'),
        view('The server believed', String(outcome).replace('-', ' '),
             ...(Array.isArray(messages) ? messages : []).map(message => `${message.number}: ${own(run, message.text)}`)),
        view('Durable', answers[durable] || String(durable), typeof bytes === 'number' ? `${bytes.toLocaleString('en')} bytes transferred` : '')),
      wrong ? el('p', {class: 'clash'}, mark('violation'), wrong) : null);
  })];
}

/* ---- the sequence ---- */

/* The rail beside a call: which lifelines it goes between. */
const NO_RETURN = '(did not return)';  /* as calls.c says it */

function rail(side, result) {
  const box = el('span', {class: 'rail', 'aria-hidden': 'true'});
  const arrow = (classes, top) => box.append(el('i', {class: 'arrow ' + classes, style: `top:${top}`}));
  if (side === 'fault') {
    box.append(el('i', {class: 'bolt'}));
  } else if (side === 'server') {
    arrow('server left', '50%');
  } else if (result === NO_RETURN) {
    arrow('client right lost', '50%');
  } else if (result !== null) {  /* else it is no call: a process ended, an access */
    arrow('client right', 'calc(50% - 5px)');
    arrow('client left back', 'calc(50% + 5px)');
  }
  return box;
}

function sequence(run) {
  const flat = run[CALLS];
  if (!flat) return [el('h3', {}, 'Calls'), el('p', {class: 'quiet'}, 'Kept for runs with findings, vacuous ones, and one clean run a fault kind; vdifault run --trace shows those of any run.')];
  const list = el('ol', {});
  let number = 0, time = 0;
  for (let i = 0; i + 2 < flat.length; i += 3) {
    const [side, thread, device, text, result, isFault, rules] = data.calls[flat[i]];
    number += flat[i + 1];
    time += flat[i + 2];
    const broken = Array.isArray(rules) && rules.length > 0;
    const fault = isFault === true || side === 'fault';
    const who = [thread !== null && side === 'client' ? 'T' + thread : '', device !== null ? 'd' + device : ''].filter(Boolean).join(' ');
    list.append(el('li', {class: broken ? 'broken' : fault ? 'fault' : ''},
      rail(side, result),
      el('span', {class: 'said-text'}, text === null ? '' : own(run, text), ' ',
         result === NO_RETURN ? el('span', {class: 'no-return'}, 'did not return')
           : result !== null ? el('span', {class: 'result'}, own(run, result)) : null,
         broken ? rules.map(rule => el('b', {class: 'rule'}, String(rule))) : null),
      el('span', {class: 'when', title: `call ${number}` + (device !== null ? `, device ${device}` : '')},
         `${who ? who + '  ' : ''}${(time / 1000).toFixed(3)} ms`)));
  }
  return [el('h3', {}, data.faults[run[FAULT]][0] ? 'Calls around the fault' : 'Calls'),
          el('div', {class: 'sequence'},
             el('div', {class: 'lanes', 'aria-hidden': 'true'},
                el('span', {}, el('span', {}, 'client'), el('span', {}, 'library'), el('span', {}, 'server'))), list)];
}
