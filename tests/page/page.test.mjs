// The status page in a real browser, with a real daemon behind it.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { Daemon, eventually } from './daemon.mjs';
import { launch, StatusPage } from './browser.mjs';

let browser;
const opened = [];
before(async () => { browser = await launch(); });
after(() => browser.close());
afterEach(async () => {
  for (const page of opened.splice(0)) await page.close();
});

async function open(url, options) {
  const page = await StatusPage.open(browser, url, options);
  opened.push(page);
  return page;
}

/** What the server says, changed on its way to the page. */
const changed = (page, change) => page.page.route('**/live?*', async (route) => {
  const answer = await route.fetch();
  const live = await answer.json();
  change(live);
  await route.fulfill({ json: live });
});

/** As if there were so many workers. */
function multiply(live, count) {
  const [first] = live.workers.rows;
  live.workers.rows = Array.from({ length: count }, (_, i) => {
    const row = [...first];
    row[0] = i + 1;
    row[live.workers.columns.indexOf('busy')] = (i % 10) / 10;
    return row;
  });
}

describe('a service', () => {
  let daemon;
  before(async () => {
    daemon = await Daemon.start('--workers', '2');
    daemon.load();
  });
  after(() => daemon.discard());
  const load = async (options) => (await open(daemon.url, options)).load();

  test('its numbers move under load', async () => {
    const page = await load();
    await eventually('bytes are echoed', 5, async () => /[1-9].*iB\/s/.test(await page.text('.figure')));
    await eventually('each worker has a rate', 5,
      async () => (await page.column('Echoes')).every((rate) => /[1-9].*B\/s/.test(rate)));
    assert.equal((await page.column('Connections')).reduce((sum, text) => sum + Number(text), 0), 20);
    const exact = await page.text('.exact');
    await eventually('the exact figure changes', 5, async () => (await page.text('.exact')) !== exact);
  });

  test('a page just opened knows what was before', async () => {
    await eventually('the server has three samples', 10,
      async () => (await (await fetch(`${daemon.url}live`)).json()).samples.rows.length >= 3);
    const page = await open(daemon.url);
    let asked = 0;
    await page.page.route('**/live?*', (route) => ((asked += 1) === 1 ? route.continue() : route.abort()));
    await page.load();
    const curve = await page.page.locator('.curve').first().getAttribute('d');
    assert.ok(curve.split('L').length >= 2, curve);
  });

  test('the title and the icon say what the first line says', async () => {
    const page = await load();
    assert.match(await page.headline(), /^serving 2 workers, generation \d+, since \d+/);
    assert.match(await page.page.title(), /^serving/);
    const icon = () => page.page.locator('link[rel=icon]').getAttribute('href');
    const whileServing = await icon();
    assert.match(whileServing, /^data:image\/svg/);
    await changed(page, (live) => { live.not_ready_because = 'no worker accepts the clients of worker 2'; });
    await page.says('serving, in part');
    assert.match(await page.page.title(), /^serving, in part/);
    assert.equal(await page.text('#reason'), 'no worker accepts the clients of worker 2');
    assert.notEqual(await icon(), whileServing);
    assert.match(await page.text('#announcement'), /in part/);
  });

  test('a killed worker is seen within two seconds, and its event stays', async () => {
    const page = await load();
    const victim = daemon.child('wrk1');
    const [former] = await page.column('Process');
    assert.equal(former, String(victim));
    process.kill(victim, 'SIGKILL');
    await eventually('another process is shown, and that the former one failed', 2, async () =>
      !(await page.column('Process')).includes(former) && /failed \d+ s ago/.test((await page.column('State'))[0]));
    assert.equal((await page.column('Restarts'))[0], '1');
    const event = () => page.text('#urgent-events [data-event=crashed]');
    assert.match(await event(), new RegExp(`s ago.*crashed.*worker 1 \\(pid ${victim}\\) died from SIGKILL`));
    const again = await load();
    assert.match(await again.text('#urgent-events [data-event=crashed]'), /died from SIGKILL/);
  });

  test('a worker that waits for its start is seen', async () => {
    const page = await load();
    await changed(page, ({ workers: { columns, rows } }) => {
      rows[0][columns.indexOf('state')] = 'waiting';
      rows[0][columns.indexOf('pid')] = 0;
    });
    await page.says('1 of 2 workers');
    assert.equal(await page.text('#worker-summary'), '1 waiting, 1 serving');
    assert.match((await page.column('State'))[0], /waiting/);
    assert.equal((await page.column('Process'))[0], '\u2013');
  });

  test('reload and scale are seen', async () => {
    const page = await load();
    daemon.ctl('scale', '3');
    await page.says('3 workers');
    assert.equal((await page.column('Worker')).length, 3);
    const generation = Number((await page.headline()).match(/generation (\d+)/)[1]);
    daemon.ctl('reload');
    await page.says(`generation ${generation + 1}`);
    await eventually('its event is there', 3, async () => (await page.texts('#events [data-event=reloaded]')).length > 0);
    daemon.ctl('scale', '2');
    await page.says('2 workers');
    assert.match((await page.column('State'))[2], /retired/);
  });

  test('columns are sorted by mouse and by keyboard', async () => {
    const page = await load();
    await changed(page, (live) => multiply(live, 12));
    await eventually('there are twelve', 3, async () => (await page.column('Worker')).length === 12);
    const sort = (title) => page.page.locator('#worker-columns th', { hasText: title }).getAttribute('aria-sort');
    assert.equal(await sort('Worker'), 'ascending');
    await page.page.getByRole('button', { name: 'Busy' }).click();
    assert.equal(await sort('Busy'), 'descending');
    assert.equal(await sort('Worker'), null);
    assert.deepEqual((await page.column('Worker')).slice(0, 4), ['10', '9', '8', '7']);
    await page.page.getByRole('button', { name: 'Worker' }).focus();
    await page.page.keyboard.press('Enter');
    await page.page.keyboard.press('Enter');
    assert.equal(await sort('Worker'), 'descending');
    assert.equal((await page.column('Worker'))[0], '12');
  });

  test('pausing holds everything still, and going on has missed nothing', async () => {
    const page = await load();
    let asked = 0;
    page.page.on('request', () => { asked += 1; });
    const pause = page.page.getByRole('button', { name: 'Pause' });
    await pause.press('Space');
    await page.says('paused');
    assert.equal(await pause.getAttribute('aria-pressed'), 'true');
    const shown = await page.text('main');
    const askedBefore = asked;
    await page.page.waitForTimeout(1500);
    assert.equal(await page.text('main'), shown);
    assert.ok(asked <= askedBefore + 1, 'it asks no more');
    await pause.click();
    await page.says('serving');
    await eventually('it moves again', 3, async () => (await page.text('main')) !== shown);
    const curve = await page.page.locator('.curve').first().getAttribute('d');
    const places = curve.split(/[ML]/).slice(1).map((place) => Number(place.split(' ')[0]));
    for (const [i, place] of places.entries()) assert.ok(i === 0 || place - places[i - 1] < 2.5, `a gap in ${places}`);
  });

  test('the keyboard reaches everything, and reads the charts exactly', async () => {
    const page = await load();
    await page.page.keyboard.press('Tab');
    const focused = () => page.page.evaluate(() => document.activeElement.id || document.activeElement.className);
    assert.equal(await focused(), 'skip');
    await page.page.keyboard.press('Tab');
    assert.equal(await focused(), 'pause');
    await page.page.keyboard.press('Tab');
    assert.equal(await focused(), 'plot');
    const plot = page.page.getByRole('slider').first();
    assert.match(await plot.getAttribute('aria-valuetext'), /^[\d,]+ bytes\/s sent, [\d,]+ received at \d\d:\d\d:\d\d$/);
    await page.page.keyboard.press('ArrowLeft');
    await page.page.keyboard.press('ArrowLeft');
    assert.match(await plot.getAttribute('aria-valuetext'), /received at .*, \d s ago$/);
    assert.equal(await page.page.locator('.cursor:visible').count(), 4, 'all charts tell of the same moment');
    await page.page.keyboard.press('Escape');
    assert.equal(await page.page.locator('.cursor:visible').count(), 0);
  });

  test('a pointer reads the charts exactly', async () => {
    const page = await load();
    const box = await page.page.getByRole('slider').nth(1).boundingBox();
    await page.page.mouse.move(box.x + box.width - 2, box.y + 20);
    assert.match((await page.texts('.exact'))[1], /^20 connections open at .* ago$/);
    await page.page.mouse.move(box.x, box.y - 60);
    assert.equal(await page.page.locator('.cursor:visible').count(), 0);
  });

  for (const [colorScheme, width, count] of [
    ['light', 360, 1], ['dark', 360, 8], ['light', 1280, 8], ['dark', 1280, 1], ['dark', 2560, 8], ['light', 2560, 256]])
    test(`it is accessible and fits: ${colorScheme}, ${width} pixels, workers: ${count}`, async () => {
      const page = await load({ colorScheme, viewport: { width, height: 900 } });
      await changed(page, (live) => multiply(live, count));
      await page.says(`${count} worker`);
      await page.findsNothingInaccessible();
      await page.fitsItsWidth();
      assert.equal(await page.page.locator('#map:visible i').count(), count > 16 ? count : 0);
      const [red] = (await page.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)).match(/\d+/g);
      assert.equal(Number(red) < 128, colorScheme === 'dark');
    });

  test('nothing moves but the figures, whoever wants less motion', async () => {
    const page = await load();
    await page.page.evaluate(() => {
      globalThis.moved = 0;
      for (const kind of ['transitionrun', 'animationstart']) document.addEventListener(kind, () => { globalThis.moved += 1; });
    });
    await page.page.waitForTimeout(1500);
    assert.equal(await page.page.evaluate(() => globalThis.moved), 0);
  });

  test('nothing hides behind the first line, on a phone or when it is magnified', async () => {
    for (const viewport of [{ width: 360, height: 740 }, { width: 320, height: 256 }, { width: 1280, height: 900 }]) {
      const page = await load({ viewport });
      await page.page.keyboard.press('Tab');
      await page.page.keyboard.press('Enter');
      const below = () => page.page.evaluate(() => {
        const { top, left } = document.getElementById('workers-title').getBoundingClientRect();
        return document.elementFromPoint(left + 2, Math.max(0, top) + 2)?.id;
      });
      await eventually(`the workers are in sight at ${viewport.width} pixels`, 3, async () => (await below()) === 'workers-title');
    }
  });

  test('the head of the workers is not hidden by those who scroll', async () => {
    const page = await load({ viewport: { width: 360, height: 740 } });
    await changed(page, (live) => multiply(live, 64));
    await page.says('64 workers');
    const region = page.page.locator('#workers .scroll');
    await region.evaluate((element) => {
      element.scrollIntoView();
      element.scrollTop = 310;
    });
    for (const title of ['Worker', 'State']) {
      const isInFront = await page.page.getByRole('button', { name: title }).evaluate((button) => {
        const { left, top, width, height } = button.getBoundingClientRect();
        return document.elementFromPoint(left + width / 2, top + height / 2) === button;
      });
      assert.ok(isInFront, title);
    }
  });

  test('it works behind a path of a proxy', async () => {
    const proxy = http.createServer((request, response) => {
      if (!request.url.startsWith('/tools/echo/')) return response.writeHead(404).end();
      http.get(daemon.url + request.url.slice('/tools/echo/'.length), (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
    });
    await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const page = await open(`http://127.0.0.1:${proxy.address().port}/tools/echo/`);
    await page.load();
    for (const link of await page.page.locator('nav a').all())
      assert.match(await link.evaluate((a) => a.href), /\/tools\/echo\/\w+$/);
    proxy.closeAllConnections();
    proxy.close();
  });

  test('a page of another version is loaded anew, a minute after it was loaded', async () => {
    const page = await open(daemon.url);
    await page.page.clock.install();
    await page.load();
    let loads = 0;
    page.page.on('load', () => { loads += 1; });
    let answers = 0;
    await changed(page, (live) => {
      live.page = 'another version';
      answers += 1;
    });
    await eventually('it is told', 5, () => answers >= 2);
    assert.equal(loads, 0);
    await page.page.clock.fastForward(60_000);
    await eventually('it is loaded anew', 5, () => loads === 1);
  });

  test('a service that nobody serves looks it', async () => {
    const page = await load();
    await changed(page, (live) => {
      live.not_ready_because = 'no worker accepts the clients of worker 1, which is waiting';
      for (const row of live.workers.rows) row[live.workers.columns.indexOf('served_by')] = 0;
    });
    await page.says('not serving');
    assert.equal(await page.page.locator('body').getAttribute('data-state'), 'lost');
  });

  test('figures of a master that stands still are not shown as those of now', async () => {
    const page = await load();
    await eventually('there is a figure', 5, async () => /\d/.test(await page.text('.figure')));
    const curve = () => page.page.locator('.curve').first().getAttribute('d');
    let silence = 12;
    await changed(page, (live) => {
      live.unhealthy_because = `the master (pid 7) has not turned for ${silence}s`;
      live.clock += silence;
      live.samples.rows = [];
    });
    await page.says('not looked after');
    assert.match(await page.text('.figure'), /^\u2013/);
    assert.match(await curve(), /L/, 'what was before is still to be seen');
    silence = 320;
    await eventually('nothing is known any more', 3, async () => (await curve()) === '');
  });

  test('a fault of its own is not taken for one of the server', async () => {
    const page = await load();
    page.expectsErrors = true;
    await changed(page, (live) => { live.listeners = null; });
    await page.says('this page has failed');
  });
});

describe('a service that ends', () => {
  let daemon;
  before(async () => { daemon = await Daemon.start(); });
  after(() => daemon.discard());

  test('is told within three seconds, and so is its return', async () => {
    const page = await (await open(daemon.url)).load();
    await daemon.stop();
    await page.says('no answer', 3);
    assert.match(await page.headline(), /since \d\d:\d\d:\d\d, for \d+ s/);
    assert.match(await page.page.title(), /^no answer/);
    await page.findsNothingInaccessible();
    await daemon.startAgain();
    await page.says('serving 2 workers, generation 1, since', 3);
    assert.match(await page.page.title(), /^serving/);
  });

  test('is told within three seconds when its admin process hangs', async () => {
    const page = await (await open(daemon.url)).load();
    const admin = daemon.child('admin');
    process.kill(admin, 'SIGSTOP');
    await page.says('no answer', 3);
    const heard = (await page.headline()).match(/of (\d\d:\d\d:\d\d)/)[1];
    const pause = page.page.getByRole('button', { name: 'Pause' });
    await pause.click();
    assert.match(await page.headline(), new RegExp(`^paused the figures are of ${heard}`));
    await pause.click();
    await page.says('no answer');
    process.kill(admin, 'SIGCONT');
    await page.says('serving', 3);
  });

  test('one whose answers take long is not called lost each time', async () => {
    const page = await (await open(daemon.url)).load();
    let answers = 0;
    await page.page.route('**/live?*', async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 1800));
      answers += 1;
      await route.continue();
    });
    await eventually('it has learnt how long they take', 10, () => answers >= 2);
    await page.says('serving');
    await page.page.evaluate(() => {
      globalThis.words = new Set();
      new MutationObserver(() => globalThis.words.add(document.getElementById('word').textContent))
        .observe(document.getElementById('word'), { childList: true, subtree: true, characterData: true });
    });
    await eventually('it has answered again', 10, () => answers >= 4);
    assert.deepEqual(await page.page.evaluate(() => [...globalThis.words]), []);
  });

  test('forgets what a former service has counted', async () => {
    const page = await (await open(daemon.url)).load();
    await page.page.waitForTimeout(1100);
    process.kill(daemon.child('wrk1'), 'SIGKILL');
    await eventually('the crash is seen', 3, async () => (await page.column('Restarts'))[0] === '1');
    await daemon.stop();
    await daemon.startAgain();
    await eventually('it counts from nothing', 5, async () => (await page.column('Restarts'))[0] === '0');
    assert.equal(await page.page.locator('#urgent:visible').count(), 0);
    const curve = () => page.page.locator('.curve').first().getAttribute('d');
    await eventually('its history goes on', 5, async () => /M.*L/.test(await curve()));
    const points = (await curve()).split(/[ML]/).length - 1;
    const { samples } = await (await fetch(`${daemon.url}live`)).json();
    assert.ok(points < samples.rows.length, `${points} points of ${samples.rows.length} samples`);
  });
});
