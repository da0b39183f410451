// Plays pictures from a real socket in a real browser, on both paths: the picture arrives and
// has the right colours, a changed size is taken over, a loss asks for a key frame, a decoder
// that fails over and over ends in the fallback, and a lost socket is opened again.

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build, createServer } from 'vite';
import { WebSocketServer } from 'ws';
import { serve } from './serve.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const vite = await createServer({ root, appType: 'custom', logLevel: 'error', server: { middlewareMode: true, hmr: false, ws: false } });
const { CONFIGURATION, ACCESS_UNIT } = await vite.ssrLoadModule('/src/lib/video/canary.ts');
await vite.close();
const avcC = Buffer.from(CONFIGURATION, 'base64');
const idr = Buffer.from(ACCESS_UNIT, 'base64');

function packet({ seq, kind, key, configuration = Buffer.alloc(0), width, height, payload }) {
  const header = Buffer.alloc(32);
  header.writeUInt32LE(seq, 0);
  header.writeUInt8(kind, 4);
  header.writeUInt8((key ? 1 : 0) | (configuration.length > 0 ? 2 : 0), 5);
  header.writeUInt16LE(configuration.length, 6);
  header.writeUInt16LE(width, 8);
  header.writeUInt16LE(height, 10);
  header.writeBigUInt64LE(BigInt(seq + 1) * 33_333n, 16);
  header.writeBigUInt64LE(BigInt(Date.now()) * 1000n, 24);
  return Buffer.concat([header, configuration, payload]);
}

/** One colour in BT.601, limited range. */
function planes(width, height, [y, u, v]) {
  const chroma = (width * height) / 4;
  return Buffer.concat([Buffer.alloc(width * height, y), Buffer.alloc(chroma, u), Buffer.alloc(chroma, v)]);
}
const RED = [81, 90, 240];

/** What the far side does with a tile; set by each check. */
let behaviour = {};
let connections = 0;
const heard = [];

const sockets = new WebSocketServer({ host: '127.0.0.1', port: 0 });
sockets.on('connection', (socket, request) => {
  connections += 1;
  const query = new URL(request.url, 'http://app').searchParams;
  const mode = query.get('mode');
  let seq = 0;
  let credit = mode === 'i420' ? 2 : 4;
  socket.on('message', (data) => {
    const text = String(data);
    heard.push(text);
    if (text === 'credit') credit += 1;
  });
  const timer = setInterval(() => {
    if (credit === 0) return;
    credit -= 1;
    if (behaviour.lose && seq === 20) seq += 3;
    if (behaviour.closeAt === seq) {
      behaviour = {};
      socket.close();
    }
    if (mode === 'i420') {
      const [width, height] = seq < 10 ? [320, 240] : [640, 360];
      socket.send(packet({ seq, kind: 2, key: true, width, height, payload: planes(width, height, RED) }));
    } else {
      // After the loss come deltas only: their bytes are a key frame's, their flag is not.
      const key = !(behaviour.lose && seq > 20);
      const payload = behaviour.damage ? Buffer.from([0, 0, 0, 6, 0x65, 0xff, 0, 0xff, 0, 0xff]) : idr;
      socket.send(packet({ seq, kind: 1, key, configuration: avcC, width: 64, height: 64, payload }));
    }
    seq += 1;
  }, 20);
  socket.on('close', () => clearInterval(timer));
});
await new Promise((resolve) => sockets.once('listening', resolve));

await build({ root, logLevel: 'error' });
const server = await serve(fileURLToPath(new URL('../dist', import.meta.url)));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });

async function open(extra = '') {
  heard.length = 0;
  connections = 0;
  const page = await browser.newPage();
  page.on('pageerror', (error) => assert.fail(error));
  const endpoint = encodeURIComponent(`ws://127.0.0.1:${sockets.address().port}`);
  await page.goto(`http://127.0.0.1:${server.address().port}/?fixture=connected&endpoint=${endpoint}${extra}`);
  return page;
}

const tile = '[data-tile="remote:bob"]';
const framesAbove = (page, count) =>
  page.waitForFunction(([tile, count]) => Number(document.querySelector(tile)?.dataset.frames) > count, [tile, count], { timeout: 15_000 });
const facts = (page) => page.locator(tile).evaluate((canvas) => ({ ...canvas.dataset }));

/** The colour of one pixel, copied off the canvas as the desktop tests do. */
const pixel = (page, x, y) =>
  page.locator(tile).evaluate((canvas, [x, y]) => {
    const copy = document.createElement('canvas');
    copy.width = canvas.width;
    copy.height = canvas.height;
    const context = copy.getContext('2d');
    context.drawImage(canvas, 0, 0);
    return [...context.getImageData(x, y, 1, 1).data];
  }, [x, y]);

const checks = {
  async 'WebCodecs draws what the socket sends'() {
    behaviour = {};
    const page = await open();
    await framesAbove(page, 20);
    const { mode, width, height } = await facts(page);
    assert.deepEqual({ mode, width, height }, { mode: 'webcodecs', width: '64', height: '64' });
    assert.notDeepEqual(await pixel(page, 10, 10), [0, 0, 0, 255], 'a picture, not black');
    await page.close();
  },
  async 'WebGL draws planes in the right colours and sizes'() {
    behaviour = {};
    const page = await open('&video=i420');
    await framesAbove(page, 20);
    const { mode, width, height } = await facts(page);
    assert.deepEqual({ mode, width, height }, { mode: 'webgl', width: '640', height: '360' });
    const [red, green, blue] = await pixel(page, 320, 180);
    assert.ok(red > 250 && green < 6 && blue < 6, `red, not ${red},${green},${blue}`);
    await page.close();
  },
  async 'a loss asks for a key frame'() {
    behaviour = { lose: true };
    const page = await open();
    await framesAbove(page, 10);
    await page.waitForTimeout(1500);
    const asked = heard.filter((text) => text === 'key').length;
    // Two tiles, for at most 1.5 s and the time until they had ten pictures.
    assert.ok(asked >= 2 && asked <= 12, `asked ${asked} times`);
    await page.close();
  },
  async 'a decoder that cannot ends in the fallback'() {
    behaviour = { damage: true };
    const page = await open();
    await page.waitForSelector(`${tile}[data-mode="webgl"]`, { timeout: 20_000 });
    await framesAbove(page, 5);
    await page.close();
  },
  async 'a lost socket is opened again'() {
    behaviour = { closeAt: 15 };
    const page = await open();
    await framesAbove(page, 40);
    assert.ok(connections >= 3, `${connections} connections`);
    await page.close();
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.error(`FAIL  ${name}: ${error.message}`);
  }
}
await browser.close();
server.close();
sockets.close();
for (const client of sockets.clients) client.terminate();
process.exitCode = failed === 0 ? 0 : 1;
