import { screen, within } from '@testing-library/svelte';
import { tick } from 'svelte';
import { describe, expect, test } from 'vitest';
import { shareProblems } from '../src/lib/strings';
import { stillChosen } from '../src/share/targets';
import { actualSize, placeAt, scrollTo } from '../src/share/zoom';
import { largeScreen, featured } from '../src/call/pictures';
import { fixtures } from '../src/lib/backend/fixtures';
import { participant } from '../src/lib/backend/fixtures/calls';
import { gone, id, lastIntent, show, user } from './window';

const targets = fixtures.picker?.screens.targets ?? [];

describe('the picker', () => {
  test('is watched while it is open, and shares what is chosen', async () => {
    const backend = await show('picker');
    await user.click(id('toggle-share'));
    expect(lastIntent(backend)).toEqual({ type: 'watchScreens', on: true });
    await user.click(screen.getByRole('radio', { name: 'Screen 2' }));
    await user.click(id('share-submit'));
    expect(backend.intents.slice(-2)).toEqual([
      { type: 'shareScreen', target: 'monitor:2' },
      { type: 'watchScreens', on: false },
    ]);
    expect(gone('share-picker')).toBe(true);
    expect(id('share-banner')).toHaveTextContent('You are sharing Screen 2');
  });

  test('has the main screen chosen, and arrows reach every screen and window', async () => {
    const backend = await show('picker');
    await user.keyboard('s');
    const radios = within(id('share-picker')).getAllByRole('radio');
    expect(radios).toHaveLength(targets.length);
    expect(radios[0]).toBeChecked();
    expect(radios[0]).toHaveFocus();
    await user.keyboard('{ArrowDown}{ArrowDown}');
    expect(radios[2]).toBeChecked();
    expect(radios[2]).toHaveAccessibleName('signalling.rs: tincan');
    expect(radios[2]).toHaveAccessibleDescription('Text Editor, 1280 × 800');
    await user.keyboard('{Enter}');
    expect(backend.intents).toContainEqual({ type: 'shareScreen', target: 'window:1' });
  });

  test('offers the sound of what is chosen', async () => {
    const backend = await show('picker');
    await user.click(id('toggle-share'));
    const sound = screen.getByRole('switch', { name: 'Share the sound, too' });
    expect(sound).not.toBeChecked();
    expect(sound).toHaveAccessibleDescription('What your programs play. The call itself is left out.');
    await user.click(id('target-window:3'));
    expect(sound).toHaveAccessibleDescription('What this window’s program plays.');
    await user.click(sound);
    expect(lastIntent(backend)).toMatchObject({ type: 'updateSettings', settings: { shareSound: true } });
    expect(sound).toBeChecked();
  });

  test('does not speak of sound where none can be taken', async () => {
    const backend = await show('picker');
    backend.push((snapshot) => ({ ...snapshot, screens: { ...snapshot.screens, hasSound: false } }));
    await user.click(id('toggle-share'));
    expect(gone('share-sound')).toBe(true);
  });

  test('shares at once what is clicked twice', async () => {
    const backend = await show('picker');
    await user.click(id('toggle-share'));
    await user.dblClick(id('target-window:3'));
    expect(backend.intents).toContainEqual({ type: 'shareScreen', target: 'window:3' });
  });

  test('a window that is closed meanwhile is chosen no longer', async () => {
    const backend = await show('picker');
    await user.click(id('toggle-share'));
    await user.click(id('target-window:3'));
    backend.push((snapshot) => ({
      ...snapshot,
      screens: { ...snapshot.screens, targets: targets.filter((target) => target.id !== 'window:3') },
    }));
    await tick();
    expect(screen.getByRole('radio', { name: 'Screen 1' })).toBeChecked();
  });

  test('names the package that is missing', async () => {
    await show('picker-no-portal');
    await user.click(id('toggle-share'));
    expect(id('share-unavailable')).toHaveTextContent('Install the package xdg-desktop-portal-gnome');
    expect(gone('share-submit')).toBe(true);
  });

  test('stays away where the system asks', async () => {
    const backend = await show('share-dialog');
    backend.push((snapshot) => ({ ...snapshot, call: snapshot.call && { ...snapshot.call, share: { kind: 'off' } } }));
    await tick();
    await user.click(id('toggle-share'));
    expect(lastIntent(backend)).toEqual({ type: 'shareScreen', target: null });
    expect(gone('share-picker')).toBe(true);
  });

  test('what the system gives again without asking is one step away', async () => {
    const backend = await show('share-again');
    await user.click(id('share-menu-again'));
    expect(lastIntent(backend)).toEqual({ type: 'shareScreen', target: 'again' });
  });

  test('the one chosen stays chosen, else the main screen is', () => {
    expect(stillChosen(targets, 'window:2')).toBe('window:2');
    expect(stillChosen(targets, 'window:9')).toBe('monitor:1');
    expect(stillChosen(targets.filter(({ kind }) => kind === 'window'), null)).toBeNull();
  });
});

describe('sharing', () => {
  test('is told with its name, and what others see is in the own tile', async () => {
    await show('sharing');
    expect(id('share-banner')).toHaveTextContent('You are sharing Screen 1');
    expect(id('self-tile')).toHaveAccessibleName('What the others see');
    expect(screen.getByRole('button', { name: 'Share screen' })).toHaveAttribute('aria-pressed', 'true');
  });

  test('the camera can be shown meanwhile, and the screen again', async () => {
    const backend = await show('sharing');
    await user.click(id('share-swap'));
    expect(lastIntent(backend)).toEqual({ type: 'showWhileSharing', camera: true });
    expect(id('share-banner')).toHaveTextContent('You share Screen 1, but show your camera');
    await user.click(id('share-swap'));
    expect(lastIntent(backend)).toEqual({ type: 'showWhileSharing', camera: false });
  });

  test.each(['share-stop', 'toggle-share', 'share-menu-stop'])('ends by %s', async (testid) => {
    const backend = await show('sharing');
    await user.click(id(testid));
    expect(lastIntent(backend)).toEqual({ type: 'stopSharing' });
    expect(gone('share-banner')).toBe(true);
  });

  test('can be changed for something else', async () => {
    const backend = await show('sharing');
    await user.click(id('share-menu-choose'));
    await user.click(id('target-window:1'));
    await user.click(id('share-submit'));
    expect(backend.intents).toContainEqual({ type: 'shareScreen', target: 'window:1' });
  });

  test('that waits for the system’s dialog can be given up', async () => {
    const backend = await show('share-dialog');
    expect(id('share-banner')).toHaveTextContent('Choose in the system’s dialog what to share');
    await user.click(id('share-stop'));
    expect(lastIntent(backend)).toEqual({ type: 'stopSharing' });
  });

  test('in an audio call shows what others see', async () => {
    await show('sharing-audio');
    expect(within(id('self-tile')).getByTestId('tile')).toBeInTheDocument();
  });

  test.each(['closed', 'refused'] as const)('that ended by itself is told with what to do: %s', async (problem) => {
    await show(`share-${problem}`);
    expect(id('problem-share')).toHaveTextContent(shareProblems[problem]);
  });
});

describe('a shared screen', () => {
  test('is named, fitted at first, and shown at its actual size when asked', async () => {
    await show('shared');
    expect(screen.getByRole('img', { name: 'bob’s screen' })).toBeInTheDocument();
    expect(id('shared-screen')).toHaveAttribute('data-zoom', 'fit');
    const canvas = within(id('shared-screen')).getByTestId<HTMLCanvasElement>('tile');
    canvas.width = 1920;
    canvas.height = 1080;
    await tick();
    expect(id('zoom-actual')).toBeDisabled();
    canvas.dataset.frames = '1';
    await tick();
    await user.click(id('zoom-actual'));
    expect(id('shared-screen')).toHaveAttribute('data-zoom', 'actual');
    expect(canvas.parentElement).toHaveStyle({ width: '1920px', height: '1080px' });
    expect(screen.getByRole('group', { name: 'bob’s screen' })).toHaveAttribute('tabindex', '0');
    await user.keyboard('z');
    expect(id('shared-screen')).toHaveAttribute('data-zoom', 'fit');
    await user.dblClick(id('shared-screen'));
    expect(id('shared-screen')).toHaveAttribute('data-zoom', 'actual');
  });

  test('is told aloud', async () => {
    await show('shared');
    expect(screen.getByText(/bob shares a screen\./)).toBeInTheDocument();
  });

  test('is large beside the others, and another can be made so', async () => {
    await show('shared-two');
    expect(within(id('participant-bob')).getByTestId('shared-screen')).toBeInTheDocument();
    await user.click(id('enlarge-jonas'));
    expect(within(id('participant-jonas')).getByTestId('shared-screen')).toBeInTheDocument();
    expect(within(id('participant-bob')).queryByTestId('shared-screen')).toBeNull();
  });

  test('who is asked for is large only while they share', () => {
    const both = fixtures['shared-two']?.call?.participants ?? [];
    expect(largeScreen(both, 'jonas')).toBe('jonas');
    expect(largeScreen(both, 'esther-w')).toBe('bob');
    expect(largeScreen([participant('bob')], 'bob')).toBeNull();
  });

  test('a small window shows a screen, else who spoke, else whoever has a picture', () => {
    const dark = participant('bob', { camera: false });
    const others = [dark, participant('esther-w'), participant('jonas')];
    expect(featured(others, null)?.account).toBe('esther-w');
    expect(featured(others, 'jonas')?.account).toBe('jonas');
    expect(featured([...others, participant('carol', { screen: true })], 'jonas')?.account).toBe('carol');
    expect(featured([dark], null)?.account).toBe('bob');
  });
});

describe('zooming', () => {
  const picture = { width: 1920, height: 1080 };

  test('what lies under the pointer is found in a fitted picture, and beside it its edge', () => {
    // 960 by 540, with bars of 50 above and below.
    const box = { width: 960, height: 640 };
    expect(placeAt({ x: 480, y: 320 }, box, picture)).toEqual({ x: 0.5, y: 0.5 });
    expect(placeAt({ x: 240, y: 50 }, box, picture)).toEqual({ x: 0.25, y: 0 });
    expect(placeAt({ x: 960, y: 640 }, box, picture)).toEqual({ x: 1, y: 1 });
  });

  test('it stays there at the actual size', () => {
    const origin = { x: 16, y: 72 };
    expect(scrollTo({ x: 0.5, y: 0.5 }, { x: 480, y: 320 }, picture, origin)).toEqual({ x: 496, y: 292 });
    expect(scrollTo({ x: 0, y: 0 }, { x: 100, y: 100 }, picture, origin)).toEqual({ x: 0, y: 0 });
  });

  test('one pixel of the picture is one of a screen with small pixels', () => {
    expect(actualSize(picture, 2)).toEqual({ width: 960, height: 540 });
  });
});
