// What the server says, and when it says nothing: who asks it, when, and who is told. Here everything begins.

const POLL_EVERY = SECOND;
const POLL_HIDDEN_EVERY = 5 * SECOND; // its tab still tells how the service is
const LONGEST_SILENCE = 1.5 * SECOND; // after a question; longer where answers take long
const GIVE_UP_AFTER = 8 * SECOND;
const KEEP_PAGE_FOR = 60 * SECOND; // before it is loaded anew: of several versions behind one address each would have its turn

const server = {
  live: null,
  workers: [],
  lastHeard: null, // by the browser's clock
  lostBecause: null,

  /** Whether its figures have nothing to do with those before: another one, or the same started anew. */
  isAnother(live) {
    return this.live !== null && live.started !== this.live.started;
  },

  forget() {
    samples.forget();
    workersTable.forget();
  },

  hear(live) {
    this.live = live;
    this.workers = unpack(live.workers);
    this.lastHeard = Date.now();
    this.lostBecause = null;
    samples.add(live);
    charts.show();
    workersTable.show(this.workers, live.clock);
    showQueues(live);
    eventList.show(live);
    showReasons(live.closed);
    showHistogram(byId('lifetimes'), live.lifetimes, lifetimeName);
    showHistogram(byId('sizes'), live.sizes, sizeName);
    say(byId('program'), `tcp-echo-master ${live.version}, process ${live.pid}, since ${fullTime.format(live.started * SECOND)}`);
    this.showState();
  },

  lose(why) {
    this.lostBecause = why;
    this.showState();
  },

  /** A loss grows older while nobody answers. */
  tick() {
    if (this.lostBecause !== null) this.showState();
  },

  showState() {
    if (poll.isPaused) return firstLine.show('off', 'paused', this.ageOfFigures());
    if (this.lostBecause !== null) return this.showLoss();
    if (!this.live) return firstLine.show('connecting', 'connecting', '');
    const { look, word, reason } = judge(this.live, this.workers);
    firstLine.show(look, word, firstLine.factsOf(this.live, this.workers), reason);
  },

  showLoss() {
    const silence = (Date.now() - this.lastHeard) / SECOND;
    const since = this.lastHeard === null ? '' : `since ${clock(this.lastHeard / SECOND)}, for ${duration(silence)}; `;
    firstLine.show('lost', 'no answer', since + this.ageOfFigures(), this.lostBecause);
  },

  ageOfFigures() {
    return this.lastHeard === null ? 'there are no figures yet' : `the figures are of ${clock(this.lastHeard / SECOND)}`;
  },
};

class HttpError extends Error {}

async function ask(signal) {
  const answer = await fetch(`live?since=${samples.taken}`, { signal, cache: 'no-store' });
  if (!answer.ok) throw new HttpError(`it answers ${answer.status}`);
  return answer.json();
}

/** Another version of the program has come, with a page of its own; if it is there, for the browser's error page stays. */
async function reloadPage() {
  if (performance.now() < KEEP_PAGE_FOR) return;
  const answer = await fetch(location.href, { cache: 'no-store' }).catch(() => null);
  if (answer?.ok) location.reload();
}

const poll = {
  isPaused: false,
  question: null, // aborts the one under way
  lastTook: 0,
  timer: 0,

  async run() {
    if (this.question) return;
    const begun = performance.now();
    const question = new AbortController();
    this.question = question;
    const silence = setTimeout(() => server.lose(''), Math.max(LONGEST_SILENCE, 2 * this.lastTook));
    const patience = setTimeout(() => question.abort(), GIVE_UP_AFTER);
    let live = null;
    try {
      live = await ask(question.signal);
      this.lastTook = performance.now() - begun;
      if (server.isAnother(live)) {
        server.forget();
        live = await ask(question.signal);
      }
    } catch (error) {
      if (!this.isPaused) server.lose(error instanceof HttpError ? error.message : '');
    } finally {
      clearTimeout(silence);
      clearTimeout(patience);
      this.question = null;
      this.next(begun);
    }
    if (live === null || this.isPaused) return;
    server.hear(live);
    if (live.page !== document.documentElement.dataset.page) reloadPage();
  },

  next(begun) {
    clearTimeout(this.timer);
    if (this.isPaused) return;
    const every = document.hidden ? POLL_HIDDEN_EVERY : POLL_EVERY;
    this.timer = setTimeout(() => this.run(), Math.max(0, every - (performance.now() - begun)));
  },

  /** What happens meanwhile is not lost: the server keeps it, for five minutes. */
  pause(isPaused) {
    this.isPaused = isPaused;
    mark(byId('pause'), 'aria-pressed', String(isPaused));
    server.showState();
    clearTimeout(this.timer);
    if (isPaused) this.question?.abort();
    else this.run();
  },
};

/** What is on the screen is not to be trusted any more. */
function fail(error) {
  firstLine.show('trouble', 'this page has failed', String(error));
}

window.addEventListener('error', ({ message }) => fail(message));
window.addEventListener('unhandledrejection', ({ reason }) => fail(reason));

byId('charts').append(...charts.all.map((chart) => chart.element));
workersTable.build();
byId('pause').addEventListener('click', () => poll.pause(!poll.isPaused));
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !poll.isPaused) poll.run();
});
setInterval(() => server.tick(), SECOND);
server.showState();
poll.run();
