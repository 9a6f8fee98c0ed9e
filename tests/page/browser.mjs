// A real Chromium, and the page in it. Whatever a test is about, no page may complain, or ask anybody but the server it
// came from.
import { execFileSync } from 'node:child_process';
import assert from 'node:assert/strict';
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import { eventually } from './daemon.mjs';

function findChromium() {
  for (const name of [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome']) {
    if (!name) continue;
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch { /* the next one */ }
  }
  throw new Error('no Chromium is found: CHROMIUM names its program');
}

export const launch = () => chromium.launch({
  executablePath: findChromium(),
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});

export class StatusPage {
  #errors = [];
  #requests = [];

  static async open(browser, url, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const opened = new StatusPage();
    opened.context = context;
    opened.page = await context.newPage();
    opened.page.on('console', (message) => {
      // A server that is gone is what some of the tests are about; Chromium mentions it.
      if (message.type() === 'error' && !message.text().includes('net::ERR_')) opened.#errors.push(message.text());
    });
    opened.page.on('pageerror', (error) => opened.#errors.push(error.stack));
    opened.page.on('request', (request) => opened.#requests.push(request.url()));
    opened.url = url;
    return opened;
  }

  async load() {
    await this.page.goto(this.url);
    await this.says('serving');
    return this;
  }

  /** Until the first line has these words. */
  async says(words, seconds = 5) {
    await eventually(`the first line says "${words}"`, seconds, async () => (await this.headline()).includes(words));
  }

  async headline() { return this.text('h1'); }
  async text(selector) { return (await this.page.locator(selector).first().innerText()).replace(/\s+/g, ' '); }
  async texts(selector) { return this.page.locator(selector).allInnerTexts(); }

  /** What a column of the workers' table shows, from top to bottom. */
  async column(title) {
    const titles = await this.texts('#worker-columns th');
    const index = titles.findIndex((text) => text.startsWith(title));
    return this.texts(`#worker-rows tr > :nth-child(${index + 1})`);
  }

  async findsNothingInaccessible() {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate(() => globalThis.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }));
    assert.deepEqual(violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => ({ id, html, failureSummary }))), []);
  }

  async fitsItsWidth() {
    const [content, window] = await this.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(content <= window, `${content} pixels wide in a window of ${window}`);
  }

  async close() {
    await this.page.unrouteAll({ behavior: 'ignoreErrors' });
    await this.context.close();
    if (!this.expectsErrors) assert.deepEqual(this.#errors, []);
    const { origin } = new URL(this.url);
    assert.deepEqual(this.#requests.filter((url) => !url.startsWith('data:') && new URL(url).origin !== origin), []);
  }
}
