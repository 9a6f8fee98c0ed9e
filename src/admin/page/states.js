// How the service and its workers are: each state has a shape of its own, so that colour is never needed.

const SHAPES = {
  good: 'M12 1a11 11 0 1 0 0 22a11 11 0 0 0 0-22zM10 17.5 5 12.5l1.8-1.8L10 13.9l7.2-7.2L19 8.5z',
  busy: 'M12 .5 23.5 12 12 23.5.5 12zM6.5 10.8h2.4v2.4H6.5zM10.8 10.8h2.4v2.4h-2.4zM15.1 10.8h2.4v2.4h-2.4z',
  trouble: 'M12 1 23.8 22.5H.2zM10.9 9h2.2v7h-2.2zM10.9 17.6h2.2v2.2h-2.2z',
  lost: 'M7.5 1h9L23 7.5v9L16.5 23h-9L1 16.5v-9zM8 6.5l4 4 4-4L17.5 8l-4 4 4 4-1.5 1.5-4-4-4 4L6.5 16l4-4-4-4z',
  ending: 'M2 2h20v20H2zM7 7h10v10H7z',
  off: 'M2 10h20v4H2z',
  connecting: 'M12 2a10 10 0 1 0 0 20a10 10 0 0 0 0-20zM12 6a6 6 0 1 1 0 12a6 6 0 0 1 0-12z',
};

const WORKER_LOOKS = {
  serving: 'good',
  starting: 'busy',
  hung: 'trouble',
  waiting: 'lost',
  stopping: 'ending',
  retired: 'off',
  none: 'off',
};
const lookOf = (worker) => WORKER_LOOKS[worker.state] ?? 'trouble';

/** How the service is: a look, a word for it, and why. */
function judge(live, workers) {
  const { state, unhealthy_because: unhealthy, not_ready_because: notReady } = live;
  if (state === 'stopping') return { look: 'ending', word: state };
  if (state === 'starting') return { look: 'busy', word: state };
  if (unhealthy) return { look: 'trouble', word: 'not looked after', reason: unhealthy };
  if (notReady && workers.every((worker) => worker.served_by === 0)) return { look: 'lost', word: 'not serving', reason: notReady };
  if (notReady) return { look: 'trouble', word: `${state}, in part`, reason: notReady };
  return { look: state === 'serving' ? 'good' : 'busy', word: state };
}

function stateMark() {
  const path = makeSvg('path', { 'fill-rule': 'evenodd' });
  return { path, element: makeSvg('svg', { class: 'mark', viewBox: '0 0 24 24', 'aria-hidden': 'true' }, path) };
}

// ---- the first line, the tab's title and icon

const firstLine = {
  shown: null,

  show(look, word, facts, reason = '') {
    document.body.dataset.state = look;
    mark(byId('shape'), 'd', SHAPES[look]);
    say(byId('word'), word);
    say(byId('facts'), facts);
    say(byId('reason'), reason);
    byId('reason').hidden = reason === '';
    const title = `${word} \u2013 tcp-echo`;
    if (document.title !== title) document.title = title;
    this.announce(look, word, reason);
  },

  /** Read out, and drawn into the icon, when the state changes: not every second. */
  announce(look, word, reason) {
    if (this.shown === look + word) return;
    this.shown = look + word;
    say(byId('announcement'), reason ? `${word}: ${reason}` : word);
    const colour = getComputedStyle(document.body).getPropertyValue('--state').trim();
    const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">
      <path fill="${colour}" fill-rule="evenodd" d="${SHAPES[look]}"/></svg>`;
    document.querySelector('link[rel=icon]').href = `data:image/svg+xml,${encodeURIComponent(icon)}`;
  },

  factsOf(live, workers) {
    const wanted = workers.filter((worker) => lookOf(worker) !== 'off');
    const serving = wanted.filter((worker) => worker.state === 'serving');
    const count = serving.length === wanted.length
      ? counted(wanted.length, 'worker')
      : `${serving.length} of ${counted(wanted.length, 'worker')}`;
    return `${count}, generation ${live.generation}, since ${duration(live.uptime)}`;
  },
};
