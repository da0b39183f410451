import { screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { describe, expect, test } from 'vitest';
import { fixtures } from '../src/lib/backend/fixtures';
import { intentErrors } from '../src/lib/strings';
import { gone, id, lastIntent, show, user } from './window';

describe('picture-in-picture', () => {
  test('shows the other side, and mutes, hangs up and goes back', async () => {
    const backend = await show('connected', 'pip');
    expect(id('pip-name')).toHaveTextContent('bob');
    expect(id('tile')).toHaveAttribute('data-tile', 'remote:bob');
    await user.click(screen.getByRole('button', { name: 'Microphone' }));
    expect(lastIntent(backend)).toEqual({ type: 'setMicrophone', on: false });
    await user.click(screen.getByRole('button', { name: 'Back to the call' }));
    expect(backend.shell.calls.at(-1)).toBe('openMain');
    await user.click(screen.getByRole('button', { name: 'Hang up' }));
    expect(lastIntent(backend)).toEqual({ type: 'hangUp' });
    expect(id('pip')).toHaveTextContent('The call is over');
  });

  test('is moved by its picture, not by its buttons', async () => {
    const backend = await show('connected', 'pip');
    await user.click(id('toggle-microphone'));
    expect(backend.shell.calls).not.toContain('startDragging');
    await user.click(id('tile'));
    expect(backend.shell.calls).toContain('startDragging');
    await user.dblClick(id('tile'));
    expect(backend.shell.calls).toContain('openMain');
  });

  test('follows whoever speaks, and stays with them', async () => {
    const backend = await show('group', 'pip');
    const levels = (account: string, speaking: boolean): void => {
      backend.pushLevels({ microphone: 0, speaking: false, participants: [{ account, level: 0.5, speaking }], chain: null });
    };
    levels('esther-w', true);
    await tick();
    expect(id('tile')).toHaveAttribute('data-tile', 'remote:esther-w');
    levels('esther-w', false);
    await tick();
    expect(id('tile')).toHaveAttribute('data-tile', 'remote:esther-w');
  });

  test('tells what is going on while there is no connection', async () => {
    await show('reconnecting', 'pip');
    expect(id('pip-note')).toHaveTextContent('Reconnecting 2 of 5');
  });

  test('is opened and left from the call', async () => {
    const backend = await show('connected');
    await user.click(id('pip-toggle'));
    expect(id('pip-toggle')).toHaveAttribute('aria-pressed', 'true');
    await user.keyboard('p');
    expect(backend.shell.calls).toEqual(['openPip', 'closePip']);
    expect(id('pip-toggle')).toHaveAttribute('aria-pressed', 'false');
  });
});

describe('the window of a ringing call', () => {
  const call = fixtures['incoming-video']?.incoming[0]?.call;

  test('says who calls, and answering goes over to the call', async () => {
    const backend = await show('incoming-video', 'incoming');
    expect(screen.getByRole('alertdialog', { name: 'bob would like a video call' })).toBeVisible();
    await user.click(id('incoming-accept-audio'));
    expect(lastIntent(backend)).toEqual({ type: 'accept', call, media: 'audio' });
    expect(backend.shell.calls).toEqual(['openMain']);
  });

  test('tells how many more ring', async () => {
    await show('incoming-two', 'incoming');
    expect(screen.getAllByTestId('incoming-more').map((more) => more.textContent)).toEqual(['1 more']);
  });

  test('declining opens nothing', async () => {
    const backend = await show('incoming-video', 'incoming');
    await user.click(id('incoming-decline'));
    expect(lastIntent(backend)).toEqual({ type: 'decline', call });
    expect(backend.shell.calls).toEqual([]);
  });

  test('can be put away by key while it goes on ringing', async () => {
    const backend = await show('incoming-video', 'incoming');
    await user.keyboard('{Escape}');
    expect(backend.shell.calls).toEqual(['closeIncoming']);
    expect(backend.intents).toEqual([]);
  });

  test('why a call cannot be taken is told in the main window', async () => {
    const backend = await show('incoming-video', 'incoming');
    backend.failNext = { code: 'noCall', message: '' };
    await user.click(id('incoming-accept-video'));
    expect(backend.shell.calls).toEqual(['openMain']);
  });
});

describe('do not disturb', () => {
  test('keeps calls that ring in the list', async () => {
    const backend = await show('quiet-incoming');
    expect(screen.queryByRole('alertdialog')).toBeNull();
    expect(id('quiet')).toHaveTextContent('bob would like a video call');
    await user.click(screen.getAllByTestId('incoming-accept-audio')[0] ?? document.body);
    expect(lastIntent(backend)).toMatchObject({ type: 'accept', media: 'audio' });
  });

  test('shows a call that rings during another, and interrupts nothing', async () => {
    const backend = await show('quiet-in-call');
    expect(screen.queryByRole('alertdialog')).toBeNull();
    expect(screen.getByRole('group', { name: 'jonas is calling' })).toBeVisible();
    await user.click(id('silent-ring-decline'));
    expect(lastIntent(backend)).toMatchObject({ type: 'decline' });
  });

  test('lets a call be answered during another, without a picture that nobody asked for', async () => {
    const backend = await show('quiet-in-call');
    await user.click(id('silent-ring-answer'));
    expect(lastIntent(backend)).toMatchObject({ type: 'accept', media: 'audio' });
  });

  test('is seen beside the contacts, and ends there', async () => {
    const backend = await show('quiet');
    await user.click(id('quiet-off'));
    expect(lastIntent(backend)).toMatchObject({ type: 'updateSettings', settings: { doNotDisturb: false } });
    expect(gone('quiet')).toBe(true);
  });
});

describe('missed calls', () => {
  test('are called back from the list as they were offered', async () => {
    const backend = await show('calls');
    await user.click(id('tab-calls'));
    await user.click(screen.getByRole('button', { name: 'Call back jonas' }));
    expect(lastIntent(backend)).toEqual({ type: 'call', to: ['jonas'], media: 'audio' });
  });

  test.each(['audio', 'video'] as const)('are called back from the notice as they were offered: %s', async (media) => {
    const backend = await show('notices');
    backend.push((snapshot) => ({
      ...snapshot,
      history: snapshot.history.map((entry) => (entry.with.includes('jonas') ? { ...entry, media } : entry)),
    }));
    await tick();
    await user.click(screen.getByRole('button', { name: 'Call back jonas' }));
    expect(lastIntent(backend)).toEqual({ type: 'call', to: ['jonas'], media });
  });

  test('are called back from the notice, which goes', async () => {
    const backend = await show('notices');
    await user.click(screen.getByRole('button', { name: 'Call back jonas' }));
    expect(backend.intents).toEqual([
      { type: 'dismissNotice', id: 1 },
      { type: 'call', to: ['jonas'], media: 'audio' },
    ]);
  });
});

test('what was asked for elsewhere and is refused is told in the main window', async () => {
  const backend = await show('contacts');
  backend.shell.refuse('noRelay');
  await tick();
  expect(screen.getByText(intentErrors.noRelay)).toBeVisible();
});

describe('a link', () => {
  test('to call a contact asks first', async () => {
    const backend = await show('contacts');
    backend.shell.openLink({ kind: 'call', name: 'bob', server: null });
    await tick();
    expect(screen.getByRole('dialog', { name: 'Call bob?' })).toBeVisible();
    expect(backend.intents).toEqual([]);
    await user.click(id('call-link-video'));
    expect(lastIntent(backend)).toEqual({ type: 'call', to: ['bob'], media: 'video' });
  });

  test.each(['call', 'invite'] as const)('of a stranger fills in the request: %s', async (kind) => {
    const backend = await show('contacts');
    backend.shell.openLink({ kind, name: 'zoe', server: null });
    await tick();
    expect(id('add-contact-name')).toHaveValue('zoe');
    await user.click(id('add-contact-submit'));
    expect(lastIntent(backend)).toEqual({ type: 'addContact', name: 'zoe' });
    expect(gone('add-contact')).toBe(true);
  });

  test('for another server warns', async () => {
    const backend = await show('contacts');
    backend.shell.openLink({ kind: 'invite', name: 'zoe', server: 'calls.example.org:4780' });
    await tick();
    expect(id('add-contact')).toHaveTextContent('people on the server calls.example.org:4780');
  });

  test('to call does nothing in a call, and says so', async () => {
    const backend = await show('connected');
    backend.shell.openLink({ kind: 'call', name: 'jonas', server: null });
    await tick();
    expect(id('notice')).toHaveTextContent('You are in a call. Hang up first.');
    expect(backend.intents).toEqual([]);
  });

  test('before signing in brings its server along, and waits', async () => {
    const backend = await show('signed-out');
    backend.shell.openLink({ kind: 'invite', name: 'zoe', server: 'calls.example.org:4780' });
    await tick();
    expect(id('sign-in-server')).toHaveValue('calls.example.org:4780');
    await user.type(id('sign-in-name'), 'alice{Enter}');
    await tick();
    expect(id('add-contact-name')).toHaveValue('zoe');
  });
});
