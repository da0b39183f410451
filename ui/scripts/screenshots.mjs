// Takes a picture of every state in both themes, and fails on anything that axe finds, on text
// that does not fit its box, on errors in the page and on what the policy blocks.
// `npm run screenshots -- NAME...` takes only those whose name contains one of the words;
// with `--all` first, each of them in every size that a window may have.

import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { serve } from './serve.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = fileURLToPath(new URL('../screenshots/', import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const WIDE = { width: 960, height: 640 };
const NARROW = { width: 380, height: 560 };
/** What is left of the wide window at 200 % zoom. */
const ZOOMED = { width: 480, height: 320 };
/** For `--all`: a large screen's window, a small one's, and one beside something else. */
const SIZES = { '-1280': { width: 1280, height: 800 }, '-900': { width: 900, height: 600 }, '-420': { width: 420, height: 700 } };
const NOW = new Date(2026, 4, 12, 15, 24);

const openContact = (name) => (page) => page.getByTestId(`contact-${name}`).click();
const openSettings = (page) => page.getByTestId('open-settings').click();
const openSection = (title) => async (page) => {
  await openSettings(page);
  await page.getByRole('heading', { name: title, exact: true }).evaluate((heading) => heading.scrollIntoView());
};
const openNetwork = async (page) => {
  await openSettings(page);
  await page.getByTestId('hide-address').scrollIntoViewIfNeeded();
};
const openIceServer = (...steps) => async (page) => {
  await openNetwork(page);
  await page.getByTestId('add-ice-server').click();
  for (const [field, text] of steps) await page.getByTestId(field).fill(text);
};
const openCheck = async (page) => {
  await openContact('bob')(page);
  await page.getByTestId('check-connection').click();
};
const openMenu = (label) => (page) => page.getByRole('button', { name: label }).click();

const openPicker = (page) => page.getByTestId('toggle-share').click();

/** What to look at: a fixture, what to do there, and at which sizes. */
const VIEWS = [
  { name: 'signed-out', narrow: true, zoomed: true },
  { name: 'signed-out-name-taken' },
  { name: 'signed-out-wrong-key' },
  { name: 'signed-out-unreachable', narrow: true },
  { name: 'signed-out-bad-name' },
  { name: 'signed-out-bad-address' },
  { name: 'signed-out-key-store' },
  { name: 'signing-in' },
  { name: 'empty', narrow: true },
  { name: 'contacts', narrow: true },
  { name: 'contact', act: openContact('bob'), narrow: true, zoomed: true },
  {
    name: 'call-details',
    fixture: 'contact',
    act: async (page) => {
      await openContact('bob')(page);
      await page.getByTestId('call-details-open').first().click();
      await page.getByTestId('recorded-events').waitFor();
    },
    narrow: true,
  },
  {
    name: 'stats-all',
    fixture: 'connected',
    act: async (page) => {
      await page.getByTestId('stats-open').click();
      await page.getByTestId('all-figures-bob').locator('summary').click();
    },
    narrow: true,
  },
  { name: 'contact-key-changed', act: openContact('dimitri') },
  { name: 'calls', act: (page) => page.getByTestId('tab-calls').click(), narrow: true },
  {
    name: 'calls-none-found',
    fixture: 'calls',
    act: async (page) => {
      await page.getByTestId('tab-calls').click();
      await page.getByTestId('search').fill('zoe');
    },
  },
  { name: 'calls-empty', fixture: 'empty', act: (page) => page.getByTestId('tab-calls').click() },
  { name: 'add-contact', fixture: 'contacts', act: (page) => page.getByTestId('add-contact-open').click(), narrow: true },
  { name: 'offline', narrow: true },
  { name: 'echoing-here', narrow: true },
  { name: 'echoing-there' },
  { name: 'settings-sound', fixture: 'settings', act: openSection('Voice processing'), narrow: true },
  { name: 'settings', act: openSettings, narrow: true, zoomed: true },
  {
    name: 'settings-end',
    fixture: 'settings',
    act: async (page) => {
      await openSettings(page);
      await page.getByTestId('sign-out').scrollIntoViewIfNeeded();
    },
  },
  { name: 'settings-notifications', fixture: 'quiet', act: openSection('Notifications'), narrow: true },
  { name: 'settings-general', fixture: 'about', act: openSection('General') },
  { name: 'shortcuts-taken', act: openSection('Shortcuts') },
  { name: 'settings-shortcuts', fixture: 'shortcuts-on', act: openSection('Shortcuts'), narrow: true, zoomed: true },
  {
    name: 'settings-recording',
    fixture: 'shortcuts-on',
    act: async (page) => {
      await openSection('Shortcuts')(page);
      await page.getByTestId('record-share').click();
      await page.keyboard.press('Control+Shift+M');
    },
    narrow: true,
  },
  {
    name: 'settings-about',
    fixture: 'about',
    act: async (page) => {
      await openSection('About')(page);
      await page.getByTestId('about-licences').locator('summary').click();
      await page.getByTestId('about-licences').scrollIntoViewIfNeeded();
    },
    narrow: true,
  },
  { name: 'settings-lacking', fixture: 'about-lacking', act: openSection('About'), narrow: true },
  { name: 'settings-lacking-shortcuts', fixture: 'about-lacking', act: openSection('Shortcuts') },
  { name: 'link-call', fixture: 'contacts', query: 'link=call:bob', narrow: true },
  { name: 'link-stranger', fixture: 'contacts', query: 'link=call:zoe' },
  { name: 'link-elsewhere', fixture: 'contacts', query: 'link=invite:zoe@calls.example.org:4780', narrow: true },
  { name: 'link-signed-out', fixture: 'signed-out', query: 'link=invite:zoe@calls.example.org:4780' },
  { name: 'network-empty', act: openNetwork, narrow: true, zoomed: true },
  {
    name: 'network-servers',
    act: async (page) => {
      await openNetwork(page);
      await page.getByTestId('add-ice-server').scrollIntoViewIfNeeded();
    },
    narrow: true,
  },
  {
    name: 'network-full',
    act: async (page) => {
      await openNetwork(page);
      await page.getByTestId('add-ice-server').scrollIntoViewIfNeeded();
    },
    narrow: true,
  },
  {
    name: 'network-remove',
    fixture: 'network-servers',
    act: async (page) => {
      await openNetwork(page);
      await page.getByTestId('remove-ice-server').last().click();
    },
    narrow: true,
  },
  { name: 'ice-server', fixture: 'network-empty', act: openIceServer(), narrow: true, zoomed: true },
  {
    name: 'ice-server-edit',
    fixture: 'network-servers',
    act: async (page) => {
      await openNetwork(page);
      await page.getByTestId('edit-ice-server').last().click();
      await page.getByTestId('show-password').click();
    },
    narrow: true,
  },
  ...[
    ['address', ['ice-addresses', 'turn.example.org']],
    ['credentials', ['ice-addresses', 'turn:turn.example.org']],
  ].map(([name, ...steps]) => ({
    name: `ice-server-bad-${name}`,
    fixture: 'network-empty',
    act: async (page) => {
      await openIceServer(...steps)(page);
      await page.getByTestId('ice-save').click();
      await page.getByRole('alert').filter({ hasText: /./ }).first().waitFor();
    },
    narrow: true,
  })),
  {
    name: 'ice-server-bad-certificate',
    fixture: 'network-servers',
    act: async (page) => {
      await openNetwork(page);
      await page.getByTestId('edit-ice-server').last().click();
      await page.getByTestId('ice-certificate').fill('5f:5f');
      await page.getByTestId('ice-save').click();
    },
    narrow: true,
  },
  { name: 'check-begun', act: openCheck },
  { name: 'check-running', act: openCheck, narrow: true, zoomed: true },
  { name: 'check-good', act: openCheck, narrow: true, zoomed: true },
  {
    name: 'check-copied',
    fixture: 'check-good',
    act: async (page) => {
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
      await openCheck(page);
      await page.getByTestId('check-copy').click();
      await page.getByText('Copied.').waitFor();
    },
    narrow: true,
  },
  { name: 'check-some', act: openCheck },
  { name: 'check-blocked', act: openCheck, narrow: true },
  { name: 'check-no-relay', act: openCheck },
  { name: 'check-bad', act: openCheck, narrow: true },
  {
    name: 'check-in-settings',
    fixture: 'check-good',
    act: async (page) => {
      await openNetwork(page);
      await page.getByTestId('check-connection').click();
    },
  },
  { name: 'echo', act: openContact('echo'), narrow: true, zoomed: true },
  { name: 'echo-ringing' },
  { name: 'echo-alone', narrow: true },
  { name: 'echo-call' },
  { name: 'echo-relayed', narrow: true },
  { name: 'quiet', narrow: true },
  { name: 'quiet-incoming', narrow: true },
  { name: 'notices', narrow: true },
  { name: 'incoming-video', narrow: true, zoomed: true },
  { name: 'incoming-audio' },
  { name: 'incoming-two', narrow: true },
  { name: 'incoming-in-call', narrow: true },
  { name: 'quiet-in-call', narrow: true, zoomed: true },
  { name: 'calling' },
  { name: 'ringing', narrow: true, zoomed: true },
  { name: 'ringing-audio' },
  { name: 'connecting' },
  { name: 'connected', narrow: true, zoomed: true },
  { name: 'connected-hour' },
  { name: 'connected-audio' },
  { name: 'connected-idle', fixture: 'connected', idle: true },
  { name: 'sound-menu', fixture: 'connected', act: openMenu('Sound devices'), narrow: true },
  { name: 'camera-menu', fixture: 'connected', act: openMenu('Camera devices') },
  {
    name: 'settings-in-call',
    fixture: 'connected',
    act: async (page) => {
      await openMenu('Sound devices')(page);
      await page.getByTestId('sound-settings').click();
    },
    narrow: true,
  },
  { name: 'stats', fixture: 'connected', act: (page) => page.getByTestId('stats-open').click(), narrow: true },
  { name: 'stats-poor', fixture: 'poor', act: (page) => page.getByTestId('stats-open').click() },
  { name: 'picker', act: openPicker, narrow: true, zoomed: true },
  { name: 'picker-one', act: openPicker },
  { name: 'picker-looking', act: openPicker },
  { name: 'picker-nothing', act: openPicker },
  { name: 'picker-no-portal', act: openPicker, narrow: true, zoomed: true },
  { name: 'share-menu', fixture: 'picker', act: openMenu('What to share'), narrow: true },
  { name: 'share-menu-again', fixture: 'share-again', act: openMenu('What to share') },
  { name: 'share-menu-sharing', fixture: 'sharing', act: openMenu('What to share'), narrow: true },
  { name: 'share-tooltip', fixture: 'sharing', act: (page) => page.getByTestId('toggle-share').hover() },
  { name: 'share-dialog', narrow: true },
  { name: 'share-starting' },
  { name: 'sharing', narrow: true, zoomed: true },
  { name: 'sharing-window', narrow: true },
  { name: 'sharing-sound', narrow: true },
  { name: 'sharing-camera', narrow: true },
  { name: 'sharing-audio' },
  { name: 'share-closed', narrow: true },
  { name: 'share-refused' },
  { name: 'shared', narrow: true, zoomed: true },
  { name: 'shared-idle', fixture: 'shared', idle: true },
  { name: 'shared-actual', fixture: 'shared', act: (page) => page.getByTestId('zoom-actual').click(), narrow: true },
  { name: 'shared-both', narrow: true },
  { name: 'shared-audio', narrow: true },
  { name: 'shared-unstable' },
  { name: 'shared-group', narrow: true, zoomed: true },
  { name: 'shared-two', narrow: true },
  ...['connected', 'connected-audio', 'muted-all', 'shared', 'reconnecting', 'ringing', 'group', 'empty'].flatMap((fixture) => [
    { name: `pip-${fixture}`, fixture, window: 'pip', sizes: { '': { width: 320, height: 180 } } },
    {
      name: `pip-${fixture}-controls`,
      fixture,
      window: 'pip',
      act: (page) => page.mouse.move(100, 50),
      sizes: { '': { width: 320, height: 180 }, '-tiny': { width: 200, height: 112 }, '-large': { width: 640, height: 360 } },
    },
  ]),
  ...['incoming-video', 'incoming-audio', 'incoming-two', 'empty'].map((fixture) => ({
    name: `window-${fixture}`,
    fixture,
    window: 'incoming',
    sizes: { '': { width: 360, height: 150 } },
  })),
  { name: 'tooltip', fixture: 'connected', act: (page) => page.getByTestId('toggle-microphone').hover() },
  { name: 'remote-camera-off', narrow: true, zoomed: true },
  { name: 'remote-paused', narrow: true },
  { name: 'own-paused', narrow: true },
  { name: 'paused-menu', fixture: 'own-paused', act: openMenu('Camera devices'), narrow: true },
  { name: 'group-paused', narrow: true },
  { name: 'remote-muted', narrow: true },
  { name: 'muted-all' },
  { name: 'speaking' },
  { name: 'own-camera-off' },
  { name: 'no-camera', narrow: true },
  { name: 'no-microphone' },
  { name: 'no-devices', act: (page) => page.getByTestId('toggle-microphone').hover(), narrow: true },
  { name: 'call-notices', narrow: true, zoomed: true },
  { name: 'poor' },
  { name: 'relayed' },
  { name: 'stats-relayed', fixture: 'relayed', act: (page) => page.getByTestId('stats-open').click(), narrow: true },
  { name: 'unstable', narrow: true, zoomed: true },
  { name: 'unstable-no-microphone', narrow: true },
  { name: 'stats-unstable', fixture: 'unstable', act: (page) => page.getByTestId('stats-open').click() },
  { name: 'reconnecting', narrow: true, zoomed: true },
  { name: 'reconnecting-now' },
  { name: 'reconnecting-waiting', narrow: true },
  { name: 'reconnecting-last', narrow: true },
  { name: 'picture-not-arriving', narrow: true, zoomed: true },
  { name: 'picture-not-leaving', narrow: true },
  { name: 'group', narrow: true },
  { name: 'group-links', narrow: true, zoomed: true },
  { name: 'group-pictures', narrow: true },
  { name: 'group-lost', narrow: true },
  ...[
    'hungUp', 'remoteHungUp', 'cancelled', 'remoteCancelled', 'declined', 'remoteDeclined', 'remoteBusy', 'noAnswer',
    'missed', 'remoteOffline', 'unknownAccount', 'notAContact', 'answeredElsewhere', 'declinedElsewhere',
    'connectionLost', 'connectionFailed', 'untrusted', 'remoteUntrusted', 'serverUnreachable', 'internal',
  ].map((reason) => ({ name: `ended-${reason}`, narrow: reason === 'untrusted' })),
];

/** Runs in the page: text that is cut off, and anything wider than the window. */
function misfits() {
  const found = [];
  const clips = (element) => getComputedStyle(element).overflowX !== 'visible';
  for (const element of document.querySelectorAll('button, label, h1, h2, h3, p, span, dd, legend')) {
    if (element.closest('.visually-hidden, [hidden]') || element.classList.contains('ellipsis')) continue;
    const box = element.getBoundingClientRect();
    if (box.width === 0 || getComputedStyle(element).visibility === 'hidden') continue;
    const text = (element.textContent ?? '').trim().slice(0, 40);
    if (text !== '' && clips(element) && element.scrollWidth > element.clientWidth + 1) found.push(`cut off: ${text}`);
    if (box.right > innerWidth + 1 || box.left < -1) found.push(`outside the window: <${element.localName}> ${text}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page scrolls sideways');
  for (const button of document.querySelectorAll('button, select, input:not(.visually-hidden):not([role=switch])')) {
    const { width, height } = button.getBoundingClientRect();
    if (width > 0 && (width < 44 || height < 44)) found.push(`small target ${width}x${height}: ${button.outerHTML.slice(0, 90)}`);
  }
  return found;
}

const all = process.argv[2] === '--all';
const words = process.argv.slice(all ? 3 : 2);
const views = VIEWS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));

await build({ root, logLevel: 'error' });
mkdirSync(out, { recursive: true });
const server = await serve(fileURLToPath(new URL('../dist', import.meta.url)));
const { port } = server.address();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--force-color-profile=srgb'],
});

let problems = 0;
const complain = (where, what) => {
  problems += 1;
  console.error(`${where}: ${what}`);
};

async function look({ name, fixture = name, window = 'main', query = '', act, idle }, theme, viewport, suffix) {
  const where = `${name}-${theme}${suffix}`;
  const page = await browser.newPage({ viewport, locale: 'en-GB', reducedMotion: 'reduce' });
  page.on('pageerror', (error) => complain(where, error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.text().includes('Content Security Policy')) complain(where, message.text());
  });
  await page.clock.setFixedTime(NOW);
  await page.goto(`http://127.0.0.1:${port}/?fixture=${fixture}&theme=${theme}&window=${window}&${query}`);
  await page.locator('#app > *').first().waitFor();
  await page.evaluate(() => document.fonts.ready);
  if (act) await act(page);
  if (idle) await page.locator('.aside').waitFor();
  // On a busy machine controls may have stepped aside by now.
  else await page.evaluate(() => window.dispatchEvent(new Event('pointermove')));
  await page.waitForTimeout(250);
  await page.screenshot({ path: `${out}${where}.png` });
  for (const misfit of await page.evaluate(misfits)) complain(where, misfit);
  if (!idle) {
    const { violations } = await page.evaluate(`(() => { ${axe}; return axe.run({ resultTypes: ['violations'] }); })()`);
    for (const { id, help, nodes } of violations) {
      complain(where, `axe ${id}: ${help}: ${nodes.map((node) => `${node.target.join(' ')} ${node.any[0]?.message ?? ''}`).join('; ')}`);
    }
  }
  await page.close();
}

for (const view of views) {
  for (const theme of ['light', 'dark']) {
    for (const [suffix, size] of Object.entries(view.sizes ?? (all ? SIZES : { '': WIDE }))) await look(view, theme, size, suffix);
    if (view.narrow && !all) await look(view, theme, NARROW, '-narrow');
    if (view.zoomed && !all && theme === 'light') await look(view, theme, ZOOMED, '-zoomed');
  }
}

await browser.close();
server.close();
console.log(`${views.length} views, ${problems} problems, pictures in screenshots/`);
process.exitCode = problems === 0 ? 0 : 1;
