
/* page.js - the last part: gives the static page its controls, and follows its address. */
/* ---- wiring ---- */

function enhanceFindings() {
  document.querySelectorAll('details.finding').forEach((details, index) => {
    details.querySelector('dl').append(el('dt', {}, 'Matrix'), el('dd', {},
      el('button', {type: 'button', class: 'tool', on: () => filter(index)}, 'Show only these runs')));
  });
  for (const pre of document.querySelectorAll('.finding pre.command')) pre.replaceWith(command(pre.textContent));
}

function enhanceLegend() {
  for (const key of document.querySelectorAll('.key')) {
    const kind = Number(key.dataset.kind);
    key.disabled = false;
    key.setAttribute('aria-pressed', 'true');
    key.addEventListener('click', () => {
      if (!shown.delete(kind)) shown.add(kind);
      key.setAttribute('aria-pressed', String(shown.has(kind)));
      draw();
    });
  }
}

function followHash() {
  const run = /^#run=(\d+)$/.exec(location.hash);
  const finding = /^#(finding-\d+)$/.exec(location.hash);
  if (run && runAt.has(Number(run[1]))) {
    show(runAt.get(Number(run[1])));
    return;
  }
  close();
  if (finding && byId(finding[1])) byId(finding[1]).open = true;
}

/* The page of a single run has nothing to choose from; beside the panel there must be room for the rest. */
function openOnly() {
  if (data.runs.length === 1 && !location.hash && matchMedia('(min-width: 1100px)').matches) show(0);
}

readAxes();
draw();
enhanceFindings();
enhanceLegend();
window.addEventListener('hashchange', followHash);
document.addEventListener('keydown', event => { if (event.key === 'Escape') close(); });
window.addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details.finding')) details.open = true;
});
followHash();
openOnly();
