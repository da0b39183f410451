import { fireEvent, waitFor, within } from '@testing-library/svelte';
import { describe, expect, test } from 'vitest';
import { clash, record, shownKeys } from '../src/settings/accelerator';
import { settings } from '../src/lib/backend/fixtures/people';
import { gone, id, lastIntent, show, user } from './window';

describe('settings', () => {
  test.each([
    ['start-at-login', { startAtLogin: true }],
    ['close-to-tray', { closeToTray: false }],
    ['pip-on-minimise', { pipOnMinimise: false }],
    ['notifications', { notifications: false }],
    ['do-not-disturb', { doNotDisturb: true }],
  ])('%s is switched', async (testid, changes) => {
    const backend = await show('contacts');
    await user.click(id('open-settings'));
    await user.click(id(testid));
    expect(lastIntent(backend)).toEqual({ type: 'updateSettings', settings: { ...settings, ...changes } });
  });

  test('starting without a window is asked only of who starts at login', async () => {
    await show('contacts');
    await user.click(id('open-settings'));
    expect(gone('start-hidden')).toBe(true);
    await user.click(id('start-at-login'));
    expect(id('start-hidden')).toBeChecked();
  });
});

describe('shortcuts', () => {
  test('are recorded', async () => {
    const backend = await show('shortcuts-on');
    await user.click(id('open-settings'));
    await user.click(id('record-share'));
    await user.keyboard('{Control>}{Alt>}s{/Alt}{/Control}');
    expect(lastIntent(backend)).toMatchObject({ settings: { shortcuts: { share: 'Control+Alt+S', enabled: true } } });
    expect(id('shortcut-share')).toHaveAttribute('data-keys', 'Control+Alt+S');
  });

  test('for talking are none at first, and are recorded like others', async () => {
    const backend = await show('shortcuts-on');
    await user.click(id('open-settings'));
    expect(id('shortcut-talk')).toHaveAttribute('data-keys', '');
    await user.click(id('record-talk'));
    await user.keyboard('{Control>}{Shift>}t{/Shift}{/Control}');
    expect(lastIntent(backend)).toMatchObject({ settings: { shortcuts: { talk: 'Control+Shift+T' } } });
  });

  test('that another has are refused, and so are keys that one types with', async () => {
    const backend = await show('shortcuts-on');
    await user.click(id('open-settings'));
    const before = backend.intents.length;
    await user.click(id('record-share'));
    await user.keyboard('{Control>}{Shift>}m{/Shift}{/Control}');
    expect(id('shortcut-share')).toHaveTextContent('Already used for “Microphone on or off”.');
    await user.keyboard('{Shift>}k{/Shift}');
    expect(id('shortcut-share')).toHaveTextContent('Hold Ctrl, Alt or Super as well');
    await user.keyboard('{Escape}');
    expect(id('record-share')).toHaveAttribute('aria-pressed', 'false');
    expect(id('settings')).toBeVisible();
    expect(backend.intents).toHaveLength(before);
  });

  test('of the call’s window are listed', async () => {
    await show('contacts');
    await user.click(id('open-settings'));
    expect(id('call-keys')).toHaveTextContent(/Full screen\s*F/);
  });

  test('are cleared', async () => {
    const backend = await show('shortcuts-on');
    await user.click(id('open-settings'));
    await user.click(id('clear-mute'));
    expect(lastIntent(backend)).toMatchObject({ settings: { shortcuts: { mute: '' } } });
  });

  test('cannot be changed while they are off', async () => {
    await show('contacts');
    await user.click(id('open-settings'));
    expect(id('record-mute')).toBeDisabled();
  });

  test('are refused where the desktop has none for programs', async () => {
    await show('about-lacking');
    await user.click(id('open-settings'));
    await waitFor(() => { expect(id('shortcuts-refused')).toBeVisible(); });
    expect(gone('record-mute')).toBe(true);
  });

  test('are proposals where the desktop has the last word', async () => {
    await show('shortcuts-proposed');
    await user.click(id('open-settings'));
    await waitFor(() => { expect(id('shortcuts-enabled')).toHaveAccessibleDescription(/Your desktop asks/); });
    expect(id('record-mute')).toBeEnabled();
  });

  test('of another program are told, and no longer once they are free', async () => {
    const backend = await show('shortcuts-taken');
    await user.click(id('open-settings'));
    await waitFor(() => { expect(id('record-mute')).toHaveAccessibleDescription('Another program has these keys. Record others.'); });
    expect(id('record-share')).not.toHaveAccessibleDescription(/Another program/);
    backend.shell.takeShortcuts([]);
    await waitFor(() => { expect(id('record-mute')).not.toHaveAccessibleDescription(/Another program/); });
  });

  test('are named by the key’s place, whatever Shift makes of it', () => {
    const press = (init: KeyboardEventInit): unknown => record(new KeyboardEvent('keydown', init));
    expect(press({ key: '!', code: 'Digit1', ctrlKey: true, shiftKey: true })).toEqual({ kind: 'keys', accelerator: 'Control+Shift+1' });
    expect(press({ key: 'F9', code: 'F9' })).toEqual({ kind: 'keys', accelerator: 'F9' });
    expect(press({ key: ' ', code: 'Space', metaKey: true })).toEqual({ kind: 'keys', accelerator: 'Super+Space' });
    expect(press({ key: 'Control', code: 'ControlLeft', ctrlKey: true })).toEqual({ kind: 'incomplete' });
    expect(press({ key: 'K', code: 'KeyK', shiftKey: true })).toEqual({ kind: 'bare' });
  });

  test('clash with another action, not with their own', () => {
    const { shortcuts } = settings;
    expect(clash(shortcuts, 'share', 'control+shift+m')).toBe('mute');
    expect(clash(shortcuts, 'mute', 'Control+Shift+M')).toBeNull();
    expect(shownKeys('Control+Shift+M')).toEqual(['Ctrl', 'Shift', 'M']);
    expect(shownKeys('')).toEqual([]);
  });
});

describe('about', () => {
  test('tells version, log and licences', async () => {
    await show('about');
    await user.click(id('open-settings'));
    await waitFor(() => { expect(id('about-version')).toHaveTextContent('Tincan 0.1.0'); });
    expect(id('about-log')).toHaveTextContent('tincan.log');
    expect(id('about-licences')).toHaveTextContent('Inter: OFL-1.1');
    expect(gone('about-lacks')).toBe(true);
  });

  test('tells what the desktop lacks, and what to do', async () => {
    await show('about-lacking');
    await user.click(id('open-settings'));
    await waitFor(() => { expect(id('about-lacks').children).toHaveLength(4); });
    expect(id('notification-lack')).toBeVisible();
  });
});

test('the quality of the picture is chosen in the settings and during a call', async () => {
  const backend = await show('connected');
  expect(within(id('picture-quality')).getAllByRole('radio', { hidden: true })).toHaveLength(6);
  await fireEvent.click(id('picture-quality-medium'));
  expect(lastIntent(backend)).toEqual({ type: 'setPictureQuality', quality: 'medium' });
});
