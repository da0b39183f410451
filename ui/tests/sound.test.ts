// The microphone's settings, the key that is held, and the hint for who speaks while muted.

import { fireEvent } from '@testing-library/svelte';
import { tick } from 'svelte';
import { expect, test, vi } from 'vitest';
import { MutedHint, PAUSE_MS, SHOWN_MS } from '../src/call/muted-hint';
import type { Levels } from '../src/lib/bindings/Levels';
import { gone, id, lastIntent, show, user } from './window';

const speaking: Levels = { microphone: 0.6, speaking: true, participants: [], chain: null };

test('noise is taken out in steps, and not at all from original sound', async () => {
  const backend = await show('contacts');
  await user.click(id('open-settings'));
  await user.selectOptions(id('noise-suppression'), 'low');
  expect(lastIntent(backend)).toMatchObject({ type: 'updateSettings', settings: { noiseSuppression: 'low' } });
  await user.click(id('original-sound'));
  expect(lastIntent(backend)).toMatchObject({ type: 'updateSettings', settings: { originalSound: true } });
  for (const part of ['noise-suppression', 'echo-cancellation', 'high-pass', 'auto-gain', 'limiter']) {
    expect(id(part)).toBeDisabled();
  }
});

test('meters show what the processing does', async () => {
  const backend = await show('contacts');
  await user.click(id('open-settings'));
  expect(id('echo-taken')).toHaveTextContent('–');
  backend.pushLevels({ ...speaking, chain: { input: 0.3, output: 0.5, echoDb: 31.4, noiseDb: null, gainDb: -2 } });
  await tick();
  expect(id('meter-before')).toHaveAttribute('aria-valuenow', '30');
  expect(id('meter-after')).toHaveAttribute('aria-valuenow', '50');
  expect(id('echo-taken')).toHaveTextContent('31 dB');
  expect(id('noise-taken')).toHaveTextContent('–');
  expect(id('gained')).toHaveTextContent('-2 dB');
});

test('space turns the microphone round while it is held, once', async () => {
  const backend = await show('connected');
  await fireEvent.keyDown(document.body, { key: ' ' });
  expect(lastIntent(backend)).toEqual({ type: 'holdMicrophone', held: true });
  const count = backend.intents.length;
  await fireEvent.keyDown(document.body, { key: ' ', repeat: true });
  expect(backend.intents.length).toBe(count);
  await fireEvent.keyUp(document.body, { key: ' ' });
  expect(lastIntent(backend)).toEqual({ type: 'holdMicrophone', held: false });
  await fireEvent.keyUp(document.body, { key: ' ' });
  expect(backend.intents.length).toBe(count + 1);
});

test('a key that is held is let go when the window loses the focus', async () => {
  const backend = await show('connected');
  await fireEvent.keyDown(document.body, { key: ' ' });
  await fireEvent.blur(window);
  expect(lastIntent(backend)).toEqual({ type: 'holdMicrophone', held: false });
});

test('space that is typed is no key to talk', async () => {
  const backend = await show('connected');
  const field = document.body.appendChild(document.createElement('input'));
  const count = backend.intents.length;
  await fireEvent.keyDown(field, { key: ' ' });
  field.remove();
  expect(backend.intents.length).toBe(count);
});

test('who speaks while muted is told so for a while', async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const backend = await show('muted-all');
  for (let n = 0; n < 5; n += 1) {
    backend.pushLevels({ ...speaking });
    await tick();
  }
  expect(id('muted-hint')).toBeVisible();
  await vi.advanceTimersByTimeAsync(SHOWN_MS + 100);
  expect(gone('muted-hint')).toBe(true);
});

test('it is not told again for half a minute, nor for a cough', () => {
  const hint = new MutedHint();
  const hear = (now: number, levels: number): boolean[] => Array.from({ length: levels }, () => hint.hear(true, now));
  expect(hear(0, 4)).not.toContain(true);
  hint.hear(false, 0);
  expect(hear(0, 4)).not.toContain(true);
  expect(hint.hear(true, 0)).toBe(true);
  expect(hear(PAUSE_MS - 1, 50)).not.toContain(true);
  expect(hint.hear(true, PAUSE_MS)).toBe(true);
});

test('strong echo is told on both sides', async () => {
  await show('echoing-here');
  expect(id('echoing-here')).toHaveTextContent('bob may hear an echo from you');
});

test('who hears themselves is told why', async () => {
  await show('echoing-there');
  expect(id('echoing-bob')).toHaveTextContent('bob’s speaker is too loud there');
  expect(gone('echoing-here')).toBe(true);
});

test('each participant is heard as loud as is wanted', async () => {
  const backend = await show('group');
  const slider = id('volume-bob');
  expect(slider).toHaveAttribute('aria-valuetext', '100 %');
  await fireEvent.input(slider, { target: { value: '140' } });
  expect(lastIntent(backend)).toEqual({ type: 'setVolume', account: 'bob', percent: 140 });
});
