// A daemon of a test's own, on ports that the kernel chooses, with its address for operators.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const programs = process.env.ECHO_PROGRAMS;

/** Waits until `check` gives something true, and gives that. */
export async function eventually(what, seconds, check) {
  const end = Date.now() + 1000 * seconds;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export class Daemon {
  #child;
  #loads = [];
  #log = '';
  #folder = mkdtempSync(join(tmpdir(), 'tcp-echo-page-'));
  #arguments;

  static async start(...options) {
    const daemon = new Daemon();
    daemon.#arguments = ['--workers', '2', ...options];
    await daemon.#run('127.0.0.1:0', '127.0.0.1:0');
    return daemon;
  }

  async #run(listen, adminListen) {
    this.#log = '';
    this.#child = spawn(join(programs, 'tcp-echo-master'),
      ['--listen', listen, '--admin-listen', adminListen, '--control-socket', this.#socket, ...this.#arguments],
      { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr.on('data', (data) => { this.#log += data; });
    const serving = await eventually('the daemon serves', 20, () => this.#log.match(/serving on (\S+) with/));
    this.address = serving[1];
    this.admin = this.#log.match(/HTTP for operators on (\S+)/)[1];
    this.url = `http://${this.admin}/`;
  }

  get #socket() { return join(this.#folder, 'control.sock'); }
  get log() { return this.#log; }

  ctl(...words) {
    return execFileSync(join(programs, 'tcp-echo-ctl'), ['--socket', this.#socket, ...words], { encoding: 'utf8' });
  }

  /** Its processes, by the end of their names: wrk1, admin. */
  child(role) {
    const pids = readFileSync(`/proc/${this.#child.pid}/task/${this.#child.pid}/children`, 'utf8').trim().split(' ');
    return Number(pids.find((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').includes(`[${role}]`)));
  }

  /** Connections that send and compare, a little, until the daemon is stopped or some minutes are over. */
  load(...options) {
    const child = spawn(join(programs, 'tcp-echo-load'),
      [this.address, '--duration', '5m', '--connections', '20', '--rate', '100', ...options], { stdio: 'ignore' });
    this.#loads.push(child);
  }

  async #end(child, signal) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async stop() {
    for (const load of this.#loads.splice(0)) await this.#end(load, 'SIGKILL');
    await this.#end(this.#child, 'SIGTERM');
  }

  /** The same service once more, at the same addresses. */
  async startAgain() {
    await this.#run(this.address, this.admin);
  }

  async discard() {
    await this.stop();
    rmSync(this.#folder, { recursive: true });
  }
}
