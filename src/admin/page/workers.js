// The workers: a row each, and when there are many a map.

const MANY_WORKERS = 16; // more are drawn as a map as well
const BACK_FOR = 60; // seconds for which it is said that the one before has failed

/** A worker's place, whoever has it: what is known of its processes from one answer to the next. */
class WorkerRow {
  constructor() {
    this.cells = Object.fromEntries(COLUMNS.map(({ key, isNumber }) => [
      key, make(key === 'slot' ? 'th' : 'td', { className: isNumber ? 'number' : '', ...(key === 'slot' ? { scope: 'row' } : {}) })]));
    this.mark = stateMark();
    this.state = make('span');
    this.note = make('span', { className: 'note' });
    this.cells.state.append(this.mark.element, this.state, ' ', this.note);
    this.share = new Share();
    this.cells.busy.append(this.share.element);
    this.element = make('tr', {}, ...Object.values(this.cells));
  }

  update(worker, now) {
    const before = this.worker;
    const time = before ? now - this.seen : 0;
    worker.rate = time > 0 ? Math.max(0, worker.sent - before.sent) / time : (before?.rate ?? null);
    if (before && worker.failures > before.failures && time < GAP) this.failed = now; // otherwise it is not known when
    this.worker = worker;
    this.seen = now;
    this.show(now);
  }

  show(now) {
    const { worker, cells } = this;
    const has = worker.pid !== 0;
    say(cells.slot, String(worker.slot));
    say(this.state, worker.state);
    say(this.note, this.noteOf(worker, now));
    say(cells.pid, has ? String(worker.pid) : '\u2013');
    say(cells.generation, has ? String(worker.generation) : '\u2013');
    say(cells.age, has ? duration(worker.age) : '\u2013');
    say(cells.connections, whole(worker.connections));
    say(cells.rate, worker.rate === null ? '\u2013' : `${bytes(worker.rate)}/s`);
    say(cells.restarts, whole(worker.restarts));
    this.share.show(worker.busy);
    const look = lookOf(worker);
    this.element.dataset.state = look;
    mark(this.mark.path, 'd', SHAPES[look]);
  }

  noteOf(worker, now) {
    if (lookOf(worker) === 'off' && worker.served_by) return `clients are worker ${worker.served_by}\u2019s`;
    if (this.failed !== undefined && now - this.failed < BACK_FOR) return `failed ${duration(now - this.failed)} ago`;
    return '';
  }
}

const COLUMNS = [
  { key: 'slot', title: 'Worker' },
  { key: 'state', title: 'State' },
  { key: 'pid', title: 'Process', isNumber: true },
  { key: 'generation', title: 'Generation', isNumber: true },
  { key: 'age', title: 'Age', isNumber: true },
  { key: 'connections', title: 'Connections', isNumber: true },
  { key: 'rate', title: 'Echoes', isNumber: true },
  { key: 'busy', title: 'Busy', isNumber: true },
  { key: 'restarts', title: 'Restarts', isNumber: true },
];

const workersTable = {
  rows: new Map(), // by slot
  sort: { key: 'slot', isAscending: true },

  build() {
    for (const column of COLUMNS) {
      const button = make('button', { type: 'button' }, column.title);
      button.addEventListener('click', () => this.sortBy(column));
      column.head = make('th', { scope: 'col', className: column.isNumber ? 'number' : '' }, button);
      byId('worker-columns').append(column.head);
    }
    this.tellOrder();
  },

  forget() {
    this.rows.clear();
    byId('worker-rows').replaceChildren();
  },

  show(workers, now) {
    for (const worker of workers) {
      if (!this.rows.has(worker.slot)) this.rows.set(worker.slot, new WorkerRow());
      this.rows.get(worker.slot).update(worker, now);
    }
    const slots = new Set(workers.map((worker) => worker.slot));
    for (const slot of this.rows.keys()) if (!slots.has(slot)) this.rows.delete(slot);
    this.arrange();
    this.summarise(workers);
  },

  sortBy({ key, isNumber }) {
    // What is largest is asked for more often.
    const isAscending = this.sort.key === key ? !this.sort.isAscending : !isNumber;
    this.sort = { key, isAscending };
    this.tellOrder();
    this.arrange();
  },

  tellOrder() {
    for (const { key, head } of COLUMNS) {
      if (key === this.sort.key) head.setAttribute('aria-sort', this.sort.isAscending ? 'ascending' : 'descending');
      else head.removeAttribute('aria-sort');
    }
  },

  arrange() {
    const { key, isAscending } = this.sort;
    const sorted = [...this.rows.values()].sort((one, other) => {
      const a = one.worker[key] ?? 0;
      const b = other.worker[key] ?? 0;
      const order = typeof a === 'string' ? a.localeCompare(b) : a - b;
      return (isAscending ? order : -order) || one.worker.slot - other.worker.slot;
    });
    let place = byId('worker-rows').firstElementChild;
    for (const { element } of sorted) {
      if (element === place) place = place.nextElementSibling;
      else byId('worker-rows').insertBefore(element, place);
    }
    while (place) {
      const next = place.nextElementSibling;
      place.remove();
      place = next;
    }
  },

  summarise(workers) {
    const counts = new Map();
    for (const { state } of workers) counts.set(state, (counts.get(state) ?? 0) + 1);
    const text = [...counts].map(([state, count]) => `${whole(count)} ${state}`).join(', ');
    say(byId('worker-summary'), text);
    this.showMap(workers, text);
  },

  showMap(workers, text) {
    const map = byId('map');
    map.hidden = workers.length <= MANY_WORKERS;
    if (map.hidden) return;
    mark(map, 'aria-label', `All workers: ${text}`);
    keepChildren(map, workers.length, () => make('i', {}, make('b')));
    workers.forEach((worker, i) => {
      const cell = map.children[i];
      cell.dataset.state = lookOf(worker);
      mark(cell, 'title', `worker ${worker.slot}: ${worker.state}, ${percent(worker.busy)} busy`);
      cell.firstElementChild.style.height = `${Math.min(100, 100 * worker.busy)}%`;
    });
  },
};
