// Calls by the keyboard alone: nothing here clicks.

import { expect, test } from 'vitest';
import { gone, id, lastIntent, show, user } from './window';

/** Presses Tab until an element has the focus. */
async function tabTo(testid: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    if (document.activeElement === document.querySelector(`[data-testid="${testid}"]`)) return;
    await user.tab();
  }
  throw new Error(`Tab does not lead to ${testid}`);
}

test('a call is made, shared in and ended by keyboard', async () => {
  const backend = await show('contacts');
  await tabTo('search');
  await user.keyboard('bob');
  await user.tab();
  await user.tab();
  while (!document.activeElement?.textContent.includes('bob')) await user.tab();
  await user.keyboard('{Enter}');
  await tabTo('call-video');
  await user.keyboard('{Enter}');
  expect(lastIntent(backend)).toEqual({ type: 'call', to: ['bob'], media: 'video' });

  await tabTo('toggle-microphone');
  await user.keyboard(' ');
  expect(lastIntent(backend)).toEqual({ type: 'setMicrophone', on: false });
  await user.keyboard('v');
  expect(lastIntent(backend)).toEqual({ type: 'setCamera', on: false });
  await user.keyboard('v');
  await user.keyboard('{Shift>}V{/Shift}');
  expect(lastIntent(backend)).toEqual({ type: 'pauseCamera', on: true });
  await user.keyboard('v');
  expect(lastIntent(backend)).toEqual({ type: 'setCamera', on: true });
  await user.keyboard('p');
  expect(backend.shell.calls).toEqual(['openPip']);
  await tabTo('hang-up');
  await user.keyboard('{Enter}');
  expect(lastIntent(backend)).toEqual({ type: 'hangUp' });

  expect(id('ended-close')).toHaveFocus();
  await user.keyboard('{Escape}');
  expect(lastIntent(backend)).toEqual({ type: 'dismissEnded' });
});

test('a screen is chosen, swapped for the camera and taken back by keyboard', async () => {
  const backend = await show('picker');
  await tabTo('toggle-share');
  await user.keyboard('{Enter}');
  while (!(document.activeElement instanceof HTMLInputElement)) await user.tab();
  await user.keyboard('{ArrowRight}{Enter}');
  expect(backend.intents).toContainEqual({ type: 'shareScreen', target: 'monitor:2' });
  await tabTo('share-swap');
  await user.keyboard('{Enter}');
  expect(lastIntent(backend)).toEqual({ type: 'showWhileSharing', camera: true });
  await user.keyboard('s');
  expect(lastIntent(backend)).toEqual({ type: 'stopSharing' });
  expect(gone('share-banner')).toBe(true);
});

test('an incoming call is answered by keyboard', async () => {
  const backend = await show('incoming-video');
  expect(id('incoming')).toHaveFocus();
  await tabTo('incoming-accept-video');
  await user.keyboard('{Enter}');
  expect(lastIntent(backend)).toMatchObject({ type: 'accept', media: 'video' });
  expect(id('call')).toHaveAttribute('data-phase', 'connected');
});

test.each(['incoming-decline', 'incoming-accept-audio'])('the window of a ringing call has %s in reach of Tab', async (testid) => {
  const backend = await show('incoming-audio', 'incoming');
  await tabTo(testid);
  await user.keyboard('{Enter}');
  expect(backend.intents).toHaveLength(1);
});

test('a call that rings silently during another is answered by keyboard', async () => {
  const backend = await show('quiet-in-call');
  await tabTo('silent-ring-answer');
  await user.keyboard('{Enter}');
  expect(lastIntent(backend)).toMatchObject({ type: 'accept' });
});

test('picture-in-picture is left by keyboard', async () => {
  const backend = await show('connected', 'pip');
  await tabTo('pip-back');
  await user.keyboard('{Enter}');
  expect(backend.shell.calls).toEqual(['openMain']);
});

test('another shared screen is enlarged by keyboard', async () => {
  await show('shared-two');
  await tabTo('enlarge-jonas');
  await user.keyboard('{Enter}');
  expect(id('participant-jonas').querySelector('[data-testid="shared-screen"]')).not.toBeNull();
});
