// Makes the pictures in docs/images anew: five minutes in the life of a service.
//   ECHO_PROGRAMS=build/test node build/page/screenshots.mjs docs/images
import { setTimeout as pass } from 'node:timers/promises';
import { Daemon } from './daemon.mjs';
import { launch, StatusPage } from './browser.mjs';

const folder = process.argv[2];
const daemon = await Daemon.start('--workers', '4');
daemon.load('--connections', '120', '--rate', '150', '--lifetime', '20s', '--duration', '6m');
for (const [wait, options] of [
  [40, ['--connections', '300', '--rate', '100', '--lifetime', '3s', '--duration', '70s']],
  [90, ['--connections', '80', '--rate', '300', '--message-size', '1024', '--duration', '50s']],
  [60, ['--connections', '200', '--rate', '50', '--lifetime', '1s', '--duration', '40s']]]) {
  await pass(1000 * wait);
  daemon.load(...options);
}
await pass(45_000);
daemon.ctl('reload');
await pass(50_000);
process.kill(daemon.child('wrk2'), 'SIGSEGV');
await pass(16_000);

const browser = await launch();
for (const [name, options] of [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['phone', { colorScheme: 'light', viewport: { width: 360, height: 740 } }]]) {
  const page = await StatusPage.open(browser, daemon.url, options);
  await page.load();
  await pass(2500);
  await page.page.screenshot({ path: `${folder}/status-page-${name}.png`, fullPage: name !== 'phone' });
  await page.close();
}
await browser.close();
await daemon.discard();
