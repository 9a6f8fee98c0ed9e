// Accept queues, events, and how connections ended.

/** Rows with a name, a bar and a figure, kept in place while their names stay. */
function showShares(body, entries) {
  keepChildren(body, entries.length, () => {
    const share = new Share();
    const row = make('tr', {}, make('th', { scope: 'row' }), make('td', {}, share.element), make('td', { className: 'number' }));
    return Object.assign(row, { share });
  });
  const sum = entries.reduce((total, { count }) => total + count, 0);
  entries.forEach(({ name, count }, i) => {
    const row = body.children[i];
    say(row.cells[0], name);
    row.share.show(sum > 0 ? count / sum : 0);
    say(row.cells[2], whole(count));
  });
}

const REASONS = {
  client: 'the client closed',
  idle: 'idle for too long',
  drain: 'worker stopped',
  reset: 'reset, or out of reach',
  limit: 'no room left',
  crash: 'worker died',
};

function showReasons(closed) {
  showShares(byId('reasons'), Object.entries(closed).map(([reason, count]) => ({ name: REASONS[reason] ?? reason, count })));
}

/** Counts by powers of two, in steps of four: from the first to the last that is not empty. */
function showHistogram(body, { log2_counts: counts }, nameOf) {
  const steps = [];
  counts.forEach((count, bucket) => {
    const step = Math.ceil(bucket / 2);
    steps[step] ??= { name: nameOf(step === 0 ? 0 : 4 ** (step - 1), 4 ** step), count: 0 };
    steps[step].count += count;
  });
  const first = steps.findIndex(({ count }) => count > 0);
  showShares(body, first < 0 ? [] : steps.slice(first));
}

function timeText(milliseconds) {
  if (milliseconds < SECOND) return `${milliseconds} ms`;
  if (milliseconds < 120 * SECOND) return `${Math.round(milliseconds / SECOND)} s`;
  return duration(milliseconds / SECOND);
}
const lifetimeName = (from, to) => (from === 0 ? 'below 1 ms' : `${timeText(from)} to ${timeText(to)}`);
const sizeName = (from, to) => (from === 0 ? 'nothing' : `${bytes(from)} to ${bytes(to)}`.replaceAll('.0', ''));

function showQueues(live) {
  const body = byId('queue-rows');
  keepChildren(body, live.listeners.length, () => {
    const share = new Share();
    const row = make('tr', {}, make('th', { scope: 'row' }), make('td', { className: 'number' }),
      make('td', { className: 'number' }), make('td', {}, share.element));
    return Object.assign(row, { share });
  });
  live.listeners.forEach((listener, i) => {
    const row = body.children[i];
    const host = listener.address.includes(':') ? `[${listener.address}]` : listener.address;
    say(row.cells[0], `${host}:${listener.port}`);
    say(row.cells[1], whole(listener.accept_queue));
    say(row.cells[2], whole(listener.accept_queue_limit));
    row.share.show(listener.accept_queue_fullest);
  });
  say(byId('queue-summary'), [
    live.accept_pauses > 0 ? `Accepting has paused ${counted(live.accept_pauses, 'time')}.` : '',
    live.listen_drops > 0 ? `The kernel has dropped ${counted(live.listen_drops, 'handshake')} on this machine.` : '',
  ].join(' ').trim());
}

function eventItem(event) {
  const time = make('time', { dateTime: new Date(event.time * SECOND).toISOString(), title: fullTime.format(event.time * SECOND) });
  const what = make('b', {}, event.event.replaceAll('_', ' '));
  if (event.needs_a_person) {
    const { path, element } = stateMark();
    mark(path, 'd', SHAPES.trouble);
    what.prepend(element);
  }
  const item = make('li', { data: { event: event.event, ...(event.needs_a_person ? { state: 'trouble' } : {}) } },
    time, what, make('span', {}, event.text));
  return { event, time, item };
}

const eventList = {
  items: [],
  known: '', // what they were made from

  show({ events, time: now }) {
    const news = JSON.stringify(events);
    if (news !== this.known) this.build([...events].reverse());
    this.known = news;
    for (const { event, time } of this.items) say(time, `${duration(now - event.time)} ago`);
  },

  build(latest) {
    this.items = latest.map(eventItem);
    const [urgent, others] = [true, false].map((which) => this.items.filter(({ event }) => event.needs_a_person === which));
    byId('urgent').hidden = urgent.length === 0;
    byId('urgent-events').replaceChildren(...urgent.map(({ item }) => item));
    byId('events').replaceChildren(...others.map(({ item }) => item));
  },
};
