import { cleanup, screen, waitFor, within } from '@testing-library/svelte';
import { tick } from 'svelte';
import { describe, expect, test, vi } from 'vitest';
import { App, LOCAL_NOTICE_MS } from '../src/lib/app.svelte';
import { fixtures } from '../src/lib/backend/fixtures';
import { NOW } from '../src/lib/backend/fixtures/people';
import { mockBackend } from '../src/lib/backend/mock';
import { endReasons } from '../src/lib/strings';
import type { EndReasonView } from '../src/lib/bindings/EndReasonView';
import { IDLE_MS } from '../src/call/idle.svelte';
import { gone, id, lastIntent, show, user } from './window';

test.each(Object.keys(fixtures))('%s can be shown', async (name) => {
  await show(name);
  expect(document.body.textContent.trim()).not.toBe('');
});

test('pictures go on whatever else changes in a call', async () => {
  const backend = await show('connected');
  const canvases = screen.getAllByTestId('tile');
  expect(canvases.length).toBeGreaterThan(1);
  backend.push((before) => ({ ...before, call: before.call && { ...before.call, connectedAt: NOW - 1000 } }));
  await tick();
  screen.getAllByTestId('tile').forEach((canvas, n) => { expect(canvas).toBe(canvases[n]); });
});

describe('what rings', () => {
  test('leads to the devices, and back to the ring', async () => {
    await show('incoming-video');
    await user.click(id('incoming-check'));
    expect(id('sample-sound')).toBeEnabled();
    await user.click(id('close-settings'));
    expect(id('incoming-accept-video')).toBeVisible();
  });

  test('does not ask for it in a call', async () => {
    await show('incoming-in-call');
    expect(gone('incoming-check')).toBe(true);
  });
});

describe('signing in', () => {
  test('sends the name as typed, and no server unless one was entered', async () => {
    const backend = await show('signed-out');
    await user.type(id('sign-in-name'), 'Alice');
    await user.click(id('sign-in-submit'));
    expect(backend.intents).toEqual([{ type: 'signIn', name: 'Alice', server: null }]);
  });

  test('sends the server that was entered', async () => {
    const backend = await show('signed-out');
    await user.type(id('sign-in-server'), '10.0.0.2:4780');
    await user.type(id('sign-in-name'), 'alice{Enter}');
    expect(lastIntent(backend)).toEqual({ type: 'signIn', name: 'alice', server: '10.0.0.2:4780' });
  });

  test.each([
    ['name-taken', 'nameTaken'],
    ['wrong-key', 'wrongKey'],
    ['unreachable', 'unreachable'],
    ['bad-name', 'badName'],
  ])('tells what is wrong: %s', async (fixture, problem) => {
    await show(`signed-out-${fixture}`);
    expect(id('sign-in-problem')).toHaveAttribute('data-problem', problem);
    expect(id('sign-in-name')).toHaveValue('alice');
  });

  test('offers this computer when another does not answer', async () => {
    const backend = await show('signed-out-unreachable');
    await user.click(screen.getByRole('button', { name: 'Use this computer instead' }));
    expect(lastIntent(backend)).toEqual({ type: 'signIn', name: 'alice', server: null });
  });

  test('a name that the app rejects is told at once', async () => {
    const backend = await show('signed-out');
    backend.failNext = { code: 'badName', message: 'no' };
    await user.type(id('sign-in-name'), '!!');
    await user.click(id('sign-in-submit'));
    expect(id('sign-in-problem')).toHaveAttribute('data-problem', 'badName');
  });
});

describe('contacts', () => {
  test('show who they are and whether they can be called', async () => {
    await show('contacts');
    expect(id('me-name')).toHaveTextContent('alice');
    expect(id('contact-bob')).toHaveAttribute('data-presence', 'online');
    expect(id('contact-carol.jensen')).toHaveAttribute('data-presence', 'inCall');
  });

  test('are called from their page', async () => {
    const backend = await show('contacts');
    await user.click(within(id('contact-bob')).getByRole('button'));
    await user.click(id('call-video'));
    expect(lastIntent(backend)).toEqual({ type: 'call', to: ['bob'], media: 'video' });
    expect(id('call')).toHaveAttribute('data-phase', 'ringing');
  });

  test('can be searched', async () => {
    await show('contacts');
    await user.type(id('search'), 'esth');
    expect(gone('contact-bob')).toBe(true);
    expect(id('contact-esther-w')).toBeVisible();
  });

  test('are added by name, and an error is told beside it', async () => {
    const backend = await show('contacts');
    await user.click(id('add-contact-open'));
    await user.type(id('add-contact-name'), 'zoe');
    backend.failNext = { code: 'offline', message: '' };
    await user.click(id('add-contact-submit'));
    expect(screen.getByText('The server is not connected. Try again in a moment.')).toBeVisible();
    await user.click(id('add-contact-submit'));
    expect(lastIntent(backend)).toEqual({ type: 'addContact', name: 'zoe' });
    expect(gone('add-contact-name')).toBe(true);
  });

  test('are none yet beside the test call: one is told how to be found, and can try it', async () => {
    await show('echo-alone');
    expect(screen.getByText(/Others find you as “alice”/)).toBeVisible();
    await user.click(id('first-test-call'));
    expect(id('contact-name')).toHaveTextContent('Echo (test call)');
  });

  test('requests are answered', async () => {
    const backend = await show('contacts');
    await user.click(id('request-accept-priya'));
    expect(lastIntent(backend)).toEqual({ type: 'answerRequest', name: 'priya', accept: true });
    await user.click(id('request-withdraw-tom.okafor'));
    expect(lastIntent(backend)).toEqual({ type: 'removeContact', name: 'tom.okafor' });
  });

  test('past calls are listed with their outcome', async () => {
    await show('calls');
    await user.click(id('tab-calls'));
    const items = screen.getAllByTestId('history-item');
    expect(items).toHaveLength(9);
    expect(items[1]).toHaveAttribute('data-outcome', 'missed');
    expect(items[1]).toHaveAttribute('data-with', 'jonas');
  });
});

describe('an incoming call', () => {
  test('has the focus but not on a button, and is answered or declined', async () => {
    const backend = await show('incoming-video');
    expect(screen.getByRole('alertdialog', { name: 'bob would like a video call' })).toBeVisible();
    expect(id('incoming')).toHaveFocus();
    expect(id('incoming')).toHaveAttribute('data-from', 'bob');
    const call = fixtures['incoming-video']?.incoming[0]?.call;
    await user.click(id('incoming-accept-audio'));
    expect(lastIntent(backend)).toEqual({ type: 'accept', call, media: 'audio' });
  });

  test('says what answering ends', async () => {
    await show('incoming-in-call');
    expect(screen.getByRole('alertdialog')).toHaveAccessibleDescription('Answering ends your call with bob.');
    cleanup();
    await show('incoming-video');
    expect(gone('incoming-ends-call')).toBe(true);
  });

  test('declining says so', async () => {
    const backend = await show('incoming-audio');
    await user.click(id('incoming-decline'));
    expect(lastIntent(backend)).toMatchObject({ type: 'decline' });
    expect(id('ended')).toHaveAttribute('data-reason', 'declined');
  });
});

describe('in a call', () => {
  test('buttons keep their names and tell their state', async () => {
    const backend = await show('connected');
    const microphone = screen.getByRole('button', { name: 'Microphone' });
    expect(microphone).toHaveAttribute('aria-pressed', 'true');
    await user.click(microphone);
    expect(lastIntent(backend)).toEqual({ type: 'setMicrophone', on: false });
    expect(screen.getByRole('button', { name: 'Microphone' })).toHaveAttribute('aria-pressed', 'false');
    await user.click(screen.getByRole('button', { name: 'Hang up' }));
    expect(id('ended')).toHaveAttribute('data-reason', 'hungUp');
  });

  test('keys do the same, but not with other modifiers', async () => {
    const backend = await show('connected');
    await user.keyboard('m');
    await user.keyboard('v');
    await user.keyboard('{Control>}m{/Control}');
    await user.keyboard('{Control>}{Shift>}H{/Shift}{/Control}');
    expect(backend.intents).toEqual([
      { type: 'setMicrophone', on: false },
      { type: 'setCamera', on: false },
      { type: 'hangUp' },
    ]);
  });

  test('a picture that is paused is told apart from a camera that is off, on both sides', async () => {
    await show('remote-paused');
    expect(id('remote-paused')).toHaveTextContent('bob has paused the picture');
    expect(gone('remote-camera-off')).toBe(true);
    cleanup();
    const backend = await show('own-paused');
    expect(id('self-paused')).toBeVisible();
    expect(screen.getByRole('button', { name: 'Camera' })).toHaveAttribute('aria-pressed', 'false');
    await user.click(id('stop-camera'));
    expect(lastIntent(backend)).toEqual({ type: 'setCamera', on: false });
    await user.click(id('toggle-camera'));
    await user.click(id('pause-camera'));
    expect(lastIntent(backend)).toEqual({ type: 'pauseCamera', on: true });
    await user.click(id('toggle-camera'));
    expect(lastIntent(backend)).toEqual({ type: 'setCamera', on: true });
  });

  test('an audio call says that it is one, and not that a camera is off', async () => {
    await show('connected-audio');
    expect(id('remote-camera-off')).toHaveTextContent('Audio call');
  });

  test('settings are one step away, by menu and key, and take the keys while they are open', async () => {
    const backend = await show('connected');
    await user.click(id('sound-settings'));
    expect(id('settings')).toBeVisible();
    await user.keyboard('m');
    expect(backend.intents).not.toContainEqual({ type: 'setMicrophone', on: false });
    await user.click(id('close-settings'));
    await user.keyboard('{Control>},{/Control}');
    expect(id('settings')).toBeVisible();
    backend.push((snapshot) => ({ ...snapshot, call: null }));
    await tick();
    expect(gone('settings')).toBe(true);
  });

  test('the whole screen is taken and given back by button and key, and at the end', async () => {
    let full = false;
    const change = (to: boolean) => (): Promise<void> => {
      full = to;
      document.dispatchEvent(new Event('fullscreenchange'));
      return Promise.resolve();
    };
    const page = { fullscreenEnabled: { value: true }, fullscreenElement: { get: () => (full ? document.body : null) }, exitFullscreen: { value: change(false) } };
    for (const [name, property] of Object.entries(page)) Object.defineProperty(document, name, { ...property, configurable: true });
    Object.defineProperty(document.documentElement, 'requestFullscreen', { value: change(true), configurable: true });
    await show('connected');
    await user.click(id('full-screen'));
    expect(id('full-screen')).toHaveAttribute('aria-pressed', 'true');
    await user.keyboard('f');
    expect(full).toBe(false);
    await user.keyboard('f');
    await user.click(id('hang-up'));
    expect(full).toBe(false);
    for (const name of Object.keys(page)) Reflect.deleteProperty(document, name);
  });

  test('the timer counts from the connection and the tiles are named', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOW });
    await show('connected');
    expect(id('call-timer')).toHaveTextContent('12:04');
    expect(id('call-peer-name')).toHaveTextContent('bob');
    const tiles = screen.getAllByTestId('tile').map((tile) => tile.dataset.tile);
    expect(tiles).toEqual(['remote:bob', 'self']);
  });

  test('the other side is shown muted and without camera', async () => {
    await show('muted-all');
    expect(id('remote-muted')).toBeVisible();
    expect(id('remote-camera-off')).toBeVisible();
    expect(screen.getByText(/Your microphone is off. bob is muted/)).toBeInTheDocument();
  });

  test('who speaks is marked while they speak', async () => {
    const backend = await show('connected');
    expect(gone('speaking-bob')).toBe(true);
    const levels = (speaking: boolean): void => {
      backend.pushLevels({ microphone: 0, speaking: false, participants: [{ account: 'bob', level: 0.5, speaking }], chain: null });
    };
    levels(true);
    await tick();
    expect(id('speaking-bob')).toBeInTheDocument();
    levels(false);
    await tick();
    expect(gone('speaking-bob')).toBe(true);
  });

  test.each([
    ['connected-audio', 'microphone-speaking', 'speaking-alice'],
    ['connected', 'speaking-alice', 'microphone-speaking'],
  ])('the own voice is marked once in %s', async (fixture, where, elsewhere) => {
    const backend = await show(fixture);
    expect(gone(where)).toBe(true);
    backend.pushLevels({ microphone: 0.6, speaking: true, participants: [], chain: null });
    await tick();
    expect(id(where)).toBeInTheDocument();
    expect(gone(elsewhere)).toBe(true);
    backend.pushLevels({ microphone: 0, speaking: false, participants: [], chain: null });
    await tick();
    expect(gone(where)).toBe(true);
  });

  test('the figures open and close', async () => {
    await show('connected');
    await user.click(id('stats-open'));
    expect(id('stats-panel')).toBeVisible();
    await user.keyboard('{Escape}');
    expect(gone('stats-panel')).toBe(true);
  });

  test('reconnecting tells which attempt it is', async () => {
    await show('reconnecting');
    expect(id('call')).toHaveAttribute('data-phase', 'reconnecting');
    expect(id('reconnecting')).toHaveTextContent('Reconnecting 2 of 5');
  });

  test('a missing device is told in words', async () => {
    await show('no-microphone');
    expect(id('problem-microphone')).toHaveTextContent('No microphone found.');
    expect(id('toggle-microphone')).toHaveAttribute('data-problem', 'missing');
    expect(id('toggle-microphone')).toHaveAccessibleDescription(/^No microphone found/);
  });

  test('controls step aside without pointer or key, and come back', async () => {
    vi.useFakeTimers();
    await show('connected');
    await vi.advanceTimersByTimeAsync(IDLE_MS);
    expect(id('call')).toHaveClass('aside');
    window.dispatchEvent(new Event('pointermove'));
    await vi.advanceTimersByTimeAsync(0);
    expect(id('call')).not.toHaveClass('aside');
  });

  test('controls stay while there is no picture to make room for', async () => {
    vi.useFakeTimers();
    await show('connected-audio');
    await vi.advanceTimersByTimeAsync(2 * IDLE_MS);
    expect(id('call')).not.toHaveClass('aside');
  });
});

describe('an ending', () => {
  test.each(Object.keys(endReasons) as EndReasonView[])('%s has its words', async (reason) => {
    const backend = await show(`ended-${reason}`);
    expect(id('ended')).toHaveAttribute('data-reason', reason);
    expect(id('ended-text')).toHaveTextContent(endReasons[reason]('bob')[1]);
    await user.click(id('ended-close'));
    expect(lastIntent(backend)).toEqual({ type: 'dismissEnded' });
    expect(gone('ended')).toBe(true);
  });

  test.each([
    ['noAnswer', true],
    ['hungUp', false],
    ['connectionLost', true],
  ])('offers another call, first where it is likely to be wanted: %s', async (reason, first) => {
    const backend = await show(`ended-${reason}`);
    expect(id('ended-again').classList.contains('primary')).toBe(first);
    await user.click(id('ended-again'));
    expect(lastIntent(backend)).toEqual({ type: 'call', to: ['bob'], media: 'video' });
  });

  test.each(['untrusted', 'answeredElsewhere', 'unknownAccount'])('offers no call that would end alike: %s', async (reason) => {
    await show(`ended-${reason}`);
    expect(gone('ended-again')).toBe(true);
  });

  test('by a danger leads to the contact and the safety number', async () => {
    await show('ended-untrusted');
    await user.click(id('ended-contact'));
    expect(gone('ended')).toBe(true);
    expect(id('contact-name')).toHaveTextContent('bob');
  });

  test.each(['connectionFailed', 'connectionLost', 'serverUnreachable'])('by the network leads to the check: %s', async (reason) => {
    await show(`ended-${reason}`);
    await user.click(id('ended-check'));
    expect(id('connection-check')).toBeVisible();
  });
});

describe('settings', () => {
  test('choose devices and follow the system again', async () => {
    const backend = await show('contacts');
    await user.click(id('open-settings'));
    await user.selectOptions(id('device-microphone'), 'mic-builtin');
    expect(lastIntent(backend)).toEqual({ type: 'chooseDevice', device: 'microphone', id: 'mic-builtin' });
    await user.selectOptions(id('device-microphone'), '');
    expect(lastIntent(backend)).toEqual({ type: 'chooseDevice', device: 'microphone', id: null });
  });

  test('tell what the camera offers that is in use', async () => {
    await show('contacts');
    await user.click(id('open-settings'));
    expect(id('best-camera')).toHaveTextContent('Up to 1280 × 720, 30 pictures a second');
    expect(gone('best-microphone')).toBe(true);
  });

  test('are sent whole, and the theme is put on', async () => {
    const backend = await show('contacts');
    await user.click(id('open-settings'));
    await user.selectOptions(id('theme-select'), 'dark');
    expect(lastIntent(backend)).toEqual({
      type: 'updateSettings',
      settings: { ...fixtures.contacts?.settings, theme: 'dark' },
    });
    expect(document.documentElement.dataset.theme).toBe('dark');
  });

  test('the meter follows the microphone while it is tested, and closing ends the test', async () => {
    const backend = await show('contacts');
    await user.click(id('open-settings'));
    await user.click(id('test-microphone'));
    backend.pushLevels({ microphone: 0.5, speaking: true, participants: [], chain: null });
    await waitFor(() => { expect(Number(id('meter-microphone').getAttribute('aria-valuenow'))).toBeGreaterThan(0); });
    await user.click(id('close-settings'));
    expect(lastIntent(backend)).toEqual({ type: 'testMicrophone', on: false });
    expect(gone('settings')).toBe(true);
  });
});

describe('notices', () => {
  test('are shown and dismissed', async () => {
    const backend = await show('notices');
    const notices = screen.getAllByTestId('notice');
    expect(notices.map((notice) => notice.dataset.kind)).toEqual(['missedWhileBusy', 'device', 'keyInFile']);
    await user.click(within(id('notice-list')).getAllByRole('button', { name: /^Dismiss/ })[0] ?? document.body);
    expect(lastIntent(backend)).toEqual({ type: 'dismissNotice', id: 1 });
  });

  test('in a call are two at most, and none that the stage tells', async () => {
    await show('call-notices');
    const toasts = within(id('notice-list')).getAllByTestId('notice');
    expect(toasts.map((toast) => toast.textContent.trim())).toEqual([
      'No speaker found. You cannot hear others; plug one in.',
      'jonas called while you were in a call.',
    ]);
    await user.click(within(id('notice-list')).getAllByRole('button')[1] ?? document.body);
    expect(within(id('notice-list')).getAllByTestId('notice')[0]).toHaveAttribute('data-kind', 'failed');
  });

  test('tell of what was not carried out, for a while', async () => {
    const backend = await show('contacts');
    backend.failNext = { code: 'inCall', message: '' };
    await user.click(within(id('contact-bob')).getByRole('button'));
    vi.useFakeTimers();
    id('call-audio').click();
    await vi.advanceTimersByTimeAsync(0);
    expect(id('notice')).toHaveTextContent('You are in a call. Hang up first.');
    await vi.advanceTimersByTimeAsync(LOCAL_NOTICE_MS);
    expect(gone('notice')).toBe(true);
  });
});

test('the offline banner tells what is wrong and retries', async () => {
  const backend = await show('offline');
  expect(id('offline-banner')).toHaveTextContent('Not connected to the server.');
  await user.click(id('retry-connection'));
  expect(lastIntent(backend)).toEqual({ type: 'retryConnection' });
});

test('a first answer that comes late does not replace what was pushed meanwhile', async () => {
  const backend = mockBackend({ fixture: 'contacts' });
  const first = await backend.snapshot();
  backend.snapshot = () => {
    backend.push((snapshot) => ({ ...snapshot, contacts: [] }));
    return Promise.resolve(first);
  };
  const app = new App(backend);
  await app.start();
  app.stop();
  expect(app.snapshot?.contacts).toEqual([]);
});
