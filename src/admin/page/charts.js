// The last five minutes.

const HISTORY = 300; // seconds, as the server keeps them
const GAP = 5; // seconds without a sample: nobody knows how it was

const samples = {
  all: [],
  taken: 0, // by the server, as far as is known here
  now: 0, // by the clock of the samples
  toWall: 0, // added to that clock, the time of day

  forget() {
    this.all = [];
    this.taken = 0;
  },

  add(live) {
    this.now = live.clock;
    this.toWall = live.time - live.clock;
    this.taken = live.samples.taken;
    const last = this.all.at(-1)?.at ?? -Infinity;
    this.all.push(...unpack(live.samples).filter((sample) => sample.at > last));
    // One that is older than the oldest shown is kept, so that there is a rate at the left edge.
    const shown = this.all.filter((sample) => sample.at >= this.now - HISTORY).length;
    this.all.splice(0, Math.max(0, this.all.length - shown - 1));
  },

  /** What was between each sample and the one before it. */
  points() {
    return this.all.slice(1).map((sample, i) => {
      const before = this.all[i];
      const time = Math.max(sample.at - before.at, 0.001);
      const rate = (name) => Math.max(0, sample[name] - before[name]) / time;
      return {
        at: sample.at,
        follows: time < GAP,
        received: rate('received'),
        sent: rate('sent'),
        accepted: rate('accepted'),
        connections: sample.connections,
        busiest: sample.busiest,
        busiest_slot: sample.busiest_slot,
      };
    });
  },
};

/** Where an axis ends: the next of 10, 20, 50, 100... */
function axisEnd(value) {
  let end = 10;
  for (let i = 0; end < value; i += 1) end *= i % 3 === 1 ? 2.5 : 2;
  return end;
}

function axisEndBytes(value) {
  let end = 1024;
  while (end < value) end *= 2;
  return end;
}

class Chart {
  constructor({ title, unit, value, figure, exact, end, label }) {
    this.value = value;
    this.figure = figure;
    this.exact = exact;
    this.end = end;
    this.label = label;
    const minutes = [1, 2, 3, 4].map((minute) => `M${60 * minute} 0V100`).join('');
    this.area = makeSvg('path', { class: 'area' });
    this.curve = makeSvg('path', { class: 'curve' });
    this.now = make('span', {}, '\u2013');
    this.top = make('span', { className: 'top', 'aria-hidden': 'true' });
    this.cursor = make('div', { className: 'cursor', hidden: true });
    this.readout = make('p', { className: 'exact' });
    this.plot = make('div', { className: 'plot', tabIndex: 0, role: 'slider', 'aria-label': `${title}, the last five minutes` },
      makeSvg('svg', { viewBox: `0 0 ${HISTORY} 100`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
        makeSvg('path', { d: minutes }), this.area, this.curve),
      this.top, this.cursor);
    mark(this.plot, 'aria-valuemin', String(-HISTORY));
    mark(this.plot, 'aria-valuemax', '0');
    const axis = make('div', { className: 'axis', 'aria-hidden': 'true' },
      ...['\u22125 min', '\u22124', '\u22123', '\u22122', '\u22121', 'now'].map((text) => make('span', {}, text)));
    this.element = make('figure', {}, make('h3', {}, title),
      make('p', { className: 'figure' }, this.now, make('small', {}, unit)), this.plot, axis, this.readout);
    this.listen();
  }

  listen() {
    const point = (event) => {
      const { left, width } = this.plot.getBoundingClientRect();
      charts.pointAt(samples.now - HISTORY * (1 - (event.clientX - left) / width));
    };
    this.plot.addEventListener('pointermove', point);
    this.plot.addEventListener('pointerdown', point);
    this.plot.addEventListener('pointerleave', () => charts.pointAt(null));
    this.plot.addEventListener('blur', () => charts.pointAt(null));
    this.plot.addEventListener('keydown', (event) => {
      const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -30, PageUp: 30, Home: -HISTORY, End: HISTORY };
      if (event.key === 'Escape') charts.pointAt(null);
      else if (event.key in steps) charts.step(steps[event.key]);
      else return;
      this.tellReader();
      event.preventDefault();
    });
  }

  show(points) {
    const values = points.map(this.value);
    const end = this.end(Math.max(0, ...values));
    const x = (point) => Math.max(0, HISTORY - (samples.now - point.at)).toFixed(1);
    const y = (value) => (100 - 96 * (value / end)).toFixed(1);
    let curve = '';
    let area = '';
    points.forEach((point, i) => {
      const place = `${x(point)} ${y(values[i])}`;
      const begins = i === 0 || !point.follows;
      const ends = i === points.length - 1 || !points[i + 1].follows;
      curve += (begins ? 'M' : 'L') + place;
      area += (begins ? `M${x(point)} 100L` : 'L') + place + (ends ? 'V100Z' : '');
    });
    mark(this.curve, 'd', curve);
    mark(this.area, 'd', area);
    say(this.top, this.label(end));
    const last = points.at(-1);
    say(this.now, last && samples.now - last.at < GAP ? this.figure(last) : '\u2013');
  }

  /** What was at that point, in figures; marked in the chart unless it is only the latest. */
  showPoint(point, isMarked) {
    const age = point ? samples.now - point.at : 0;
    const text = point
      ? `${this.exact(point)} at ${clock(point.at + samples.toWall)}${isMarked ? `, ${duration(age)} ago` : ''}`
      : 'nothing is known yet';
    this.cursor.hidden = !isMarked;
    if (isMarked) this.cursor.style.left = `${Math.max(0, 100 * (1 - age / HISTORY))}%`;
    say(this.readout, text);
    this.valueNow = String(-Math.min(HISTORY, Math.round(age)));
    // Read out whenever it changes: while somebody is there, only on request.
    if (document.activeElement !== this.plot) this.tellReader();
  }

  tellReader() {
    mark(this.plot, 'aria-valuenow', this.valueNow);
    mark(this.plot, 'aria-valuetext', this.readout.textContent);
  }
}

const charts = {
  all: [
    new Chart({
      title: 'Echoed',
      value: (point) => point.sent,
      unit: '/s',
      figure: (point) => bytes(point.sent),
      exact: (point) => `${whole(point.sent)} bytes/s sent, ${whole(point.received)} received`,
      end: axisEndBytes,
      label: (end) => `${bytes(end).replace('.0', '')}/s`,
    }),
    new Chart({
      title: 'Connections open',
      value: (point) => point.connections,
      unit: '',
      figure: (point) => whole(point.connections),
      exact: (point) => `${counted(point.connections, 'connection')} open`,
      end: axisEnd,
      label: whole,
    }),
    new Chart({
      title: 'New connections',
      value: (point) => point.accepted,
      unit: '/s',
      figure: (point) => few(point.accepted),
      exact: (point) => `${few(point.accepted)} connections/s accepted`,
      end: axisEnd,
      label: (end) => `${whole(end)}/s`,
    }),
    new Chart({
      title: 'Busiest worker',
      value: (point) => point.busiest,
      unit: ' of its time',
      figure: (point) => percent(point.busiest),
      exact: (point) => `worker ${point.busiest_slot} ${percent(point.busiest)} at work`,
      end: () => 1,
      label: percent,
    }),
  ],

  points: [],
  cursor: null, // the moment of which all of them tell, by the clock of the samples; null: the latest

  show() {
    this.points = samples.points();
    if (this.cursor !== null && this.cursor < samples.now - HISTORY) this.cursor = null;
    for (const chart of this.all) chart.show(this.points);
    this.showCursor();
  },

  showCursor() {
    const point = this.cursor === null ? this.points.at(-1) : this.points[this.nearest(this.cursor)];
    for (const chart of this.all) chart.showPoint(point, this.cursor !== null && point !== undefined);
  },

  nearest(at) {
    const distance = (i) => Math.abs(this.points[i].at - at);
    return this.points.reduce((best, _, i) => (distance(i) < distance(best) ? i : best), 0);
  },

  pointAt(at) {
    this.cursor = at === null || this.points.length === 0 ? null : this.points[this.nearest(at)].at;
    this.showCursor();
  },

  step(count) {
    if (this.points.length === 0) return;
    const from = this.cursor === null ? this.points.length - 1 : this.nearest(this.cursor);
    this.pointAt(this.points[Math.min(this.points.length - 1, Math.max(0, from + count))].at);
  },
};
