import { cleanup, screen, within } from '@testing-library/svelte';
import { tick } from 'svelte';
import { describe, expect, test, vi } from 'vitest';
import { fixtures } from '../src/lib/backend/fixtures';
import { participant } from '../src/lib/backend/fixtures/calls';
import { networks, results } from '../src/lib/backend/fixtures/network';
import { checkAdvice, lossAdvice, natWords } from '../src/lib/strings';
import { reportText, rows } from '../src/check/report';
import { gone, id, lastIntent, show, user } from './window';

describe('a connection that wavers', () => {
  test('is told on the stage and goes in silence', async () => {
    const backend = await show('unstable');
    expect(id('unstable-bob')).toHaveTextContent('Connection unstable');
    expect(id('link-news')).toHaveTextContent('Connection unstable.');
    backend.push((snapshot) => ({ ...snapshot, call: fixtures.connected?.call ?? null }));
    await tick();
    expect(gone('unstable-bob')).toBe(true);
    expect(id('link-news').textContent).toBe('');
  });

  test('is told on the tile among several', async () => {
    await show('group-links');
    expect(within(id('participant-bob')).getByTestId('unstable-bob')).toBeVisible();
    expect(id('participant-bob')).toHaveAttribute('data-link', 'unstable');
  });
});

describe('a connection that is lost', () => {
  test('counts down to the next try and tells it aloud once', async () => {
    vi.useFakeTimers();
    const backend = await show('contacts');
    const link = { kind: 'reconnecting', attempt: 2, of: 5, nextAt: Date.now() + 3000 } as const;
    backend.push((snapshot) => {
      const call = fixtures.reconnecting?.call ?? null;
      return { ...snapshot, call: call && { ...call, phase: link, participants: [participant('bob', { connected: false, link })] } };
    });
    await vi.advanceTimersByTimeAsync(0);
    const told = id('link-news').textContent;
    expect(told).toBe('Reconnecting 2 of 5.');
    expect(id('reconnecting')).toHaveTextContent('Next try in 3 s');
    await vi.advanceTimersByTimeAsync(1250);
    expect(id('reconnecting')).toHaveTextContent('Next try in 2 s');
    expect(id('link-news').textContent).toBe(told);
    await vi.advanceTimersByTimeAsync(2000);
    expect(id('reconnecting')).toHaveTextContent('Trying now');
  });

  test('is tried again at once, by pointer or key, and the button is never focused by itself', async () => {
    const backend = await show('reconnecting');
    const button = screen.getByRole('button', { name: 'Retry now' });
    expect(button).not.toHaveFocus();
    await user.click(button);
    expect(backend.intents).toEqual([{ type: 'reconnectNow' }]);
    button.focus();
    await user.keyboard('{Enter}');
    expect(lastIntent(backend)).toEqual({ type: 'reconnectNow' });
    expect(backend.intents).toHaveLength(2);
  });

  test('asks for the server too where that is away', async () => {
    const backend = await show('reconnecting-waiting');
    expect(id('reconnecting')).toHaveTextContent('Waiting for the network');
    await user.click(id('reconnecting-now'));
    expect(backend.intents).toEqual([{ type: 'retryConnection' }, { type: 'reconnectNow' }]);
  });

  test('says when it is the last try', async () => {
    await show('reconnecting-last');
    expect(id('reconnecting')).toHaveTextContent('Reconnecting 5 of 5');
    expect(id('reconnecting')).toHaveTextContent('This is the last try');
  });

  test('is told on the tile of who is away, and once if all are', async () => {
    await show('group-links');
    expect(gone('reconnecting')).toBe(true);
    expect(id('reconnecting-esther-w')).toHaveTextContent('esther-w Reconnecting 2 of 5');
    expect(id('reconnecting-carol.jensen')).toHaveTextContent('This is the last try');
  });

  test('of all is told once', async () => {
    await show('group-lost');
    expect(id('reconnecting')).toBeVisible();
    expect(screen.getAllByRole('button', { name: 'Retry now' })).toHaveLength(1);
  });
});

test.each([
  ['not-arriving', 'bob’s picture does not arrive here.'],
  ['not-leaving', 'Your picture does not reach bob.'],
])('a picture that is %s names the side', async (fixture, words) => {
  await show(`picture-${fixture}`);
  expect(id('picture-problem-bob')).toHaveTextContent(words);
  expect(id('link-news')).toHaveTextContent(words);
});

test('the figures tell of a relay', async () => {
  await show('relayed');
  await user.click(id('stats-open'));
  expect(id('stats-bob')).toHaveAttribute('data-relayed', 'true');
  await user.click(within(id('stats-panel')).getByText('All figures'));
  expect(within(id('stats-panel')).getByText('By way of a relay')).toBeVisible();
});

describe('network settings', () => {
  const { settings } = networks['network-servers'];

  async function open(fixture: string): ReturnType<typeof show> {
    const backend = await show(fixture);
    await user.click(id('open-settings'));
    return backend;
  }

  test('hide the address', async () => {
    const backend = await open('network-empty');
    await user.click(screen.getByRole('switch', { name: 'Hide my address' }));
    expect(lastIntent(backend)).toMatchObject({ type: 'updateSettings', settings: { hideAddress: true } });
    expect(id('hide-address')).toBeChecked();
  });

  test('warn at once who hides without a relay', async () => {
    await open('network-empty');
    expect(screen.queryByTestId('no-relay')).toBeNull();
    cleanup();
    await open('network-unreachable');
    expect(id('no-relay')).toHaveTextContent('No relay is known');
  });

  test('take a server, and tell at the field what is wrong with it', async () => {
    const backend = await open('network-empty');
    await user.click(id('add-ice-server'));
    await user.type(id('ice-addresses'), 'turn:turn.example.org');
    await user.click(id('ice-save'));
    expect(id('ice-password')).toBeInvalid();
    expect(id('ice-password')).toHaveAccessibleDescription('A relay needs both a user name and a password.');
    expect(id('ice-addresses')).toBeValid();
    await user.type(id('ice-username'), 'alice');
    await user.type(id('ice-password'), 'secret');
    await user.click(id('ice-save'));
    expect(gone('ice-server')).toBe(true);
    const server = { urls: ['turn:turn.example.org'], username: 'alice', credential: 'secret', certificateSha256: null };
    expect(lastIntent(backend)).toMatchObject({ type: 'updateSettings', settings: { iceServers: [server] } });
    expect(id('ice-server-0')).toHaveTextContent('turn:turn.example.org');
  });

  test('do not take what is no address, and keep what was there', async () => {
    const backend = await open('network-servers');
    await user.click(within(id('ice-server-1')).getByTestId('edit-ice-server'));
    await user.clear(id('ice-addresses'));
    await user.type(id('ice-addresses'), 'example.org');
    await user.click(id('ice-save'));
    expect(id('ice-addresses')).toBeInvalid();
    await user.click(id('close-ice-server'));
    expect((await backend.snapshot()).settings.iceServers).toEqual(settings.iceServers);
  });

  test('do not even ask about a bad fingerprint', async () => {
    const backend = await open('network-servers');
    await user.click(within(id('ice-server-1')).getByTestId('edit-ice-server'));
    await user.clear(id('ice-certificate'));
    await user.type(id('ice-certificate'), '5f:5f');
    const before = backend.intents.length;
    await user.click(id('ice-save'));
    expect(id('ice-certificate')).toBeInvalid();
    expect(backend.intents).toHaveLength(before);
  });

  test('show a password only when asked', async () => {
    await open('network-servers');
    await user.click(within(id('ice-server-1')).getByTestId('edit-ice-server'));
    expect(id('ice-password')).toHaveAttribute('type', 'password');
    await user.click(id('show-password'));
    expect(id('ice-password')).toHaveAttribute('type', 'text');
    expect(id('ice-password')).toHaveValue('correct horse');
  });

  test('remove a server after asking', async () => {
    const backend = await open('network-servers');
    await user.click(within(id('ice-server-0')).getByTestId('remove-ice-server'));
    const before = backend.intents.length;
    await user.click(id('remove-ice-server-sure'));
    expect(backend.intents).toHaveLength(before + 1);
    expect(lastIntent(backend)).toMatchObject({ settings: { iceServers: [settings.iceServers[1]] } });
    expect(gone('ice-server-1')).toBe(true);
  });

  test('have room for as many servers as the app takes', async () => {
    await open('network-full');
    expect(id('add-ice-server')).toBeDisabled();
  });
});

describe('a check of the connection', () => {
  async function open(fixture: string): ReturnType<typeof show> {
    const backend = await show(fixture);
    await user.click(within(id('contact-bob')).getByRole('button'));
    await user.click(id('check-connection'));
    return backend;
  }

  test('begins when it is opened, shows its steps and is cancelled', async () => {
    const backend = await open('check-running');
    expect(backend.intents).toEqual([{ type: 'checkConnection' }]);
    expect(id('check-step-publicAddress')).toHaveAttribute('data-done', 'true');
    expect(id('check-step-link')).toHaveAttribute('data-done', 'false');
    await user.click(id('check-cancel'));
    expect(lastIntent(backend)).toEqual({ type: 'cancelConnectionCheck' });
    expect(gone('connection-check')).toBe(true);
  });

  test.each(Object.entries(results))('that is %s says first what it means', async (name, { sentence, verdict }) => {
    const backend = await open(`check-${name}`);
    expect(id('check-verdict')).toHaveTextContent(sentence);
    expect(id('check-verdict')).toHaveTextContent(name === 'some' ? lossAdvice : checkAdvice[verdict]);
    await user.click(id('check-again'));
    expect(backend.intents.filter(({ type }) => type === 'checkConnection')).toHaveLength(2);
  });

  test('tells what could not be told, and why', async () => {
    await open('check-some');
    expect(id('check-nat')).toHaveTextContent('Could not be told: the STUN server has one address only');
    expect(id('check-relay-tls')).toHaveTextContent('Your server offers none');
    expect(id('check-loss')).toHaveTextContent('6.0 %');
  });

  test('is copied whole', async () => {
    await open('check-good');
    await user.click(id('check-copy'));
    expect(screen.getByText('Copied.')).toBeInTheDocument();
    const text = await navigator.clipboard.readText();
    expect(text).toContain('Calls connect directly.');
    expect(text).toContain('Public IPv4: 198.51.100.24:49152');
  });

  test('is opened upon the settings too', async () => {
    await show('check-good');
    await user.click(id('open-settings'));
    await user.click(id('check-connection'));
    await user.click(id('close-connection-check'));
    expect(id('settings')).toBeInTheDocument();
  });

  test('reports each row on one line', () => {
    const text = reportText(results.good, new Date(0));
    expect(text.split('\n')).toHaveLength(rows(results.good).length + 4);
    expect(text).toContain(natWords['full-cone']);
  });
});

describe('the echo contact', () => {
  test('has a name to understand and stays', async () => {
    const backend = await show('echo');
    await user.click(within(id('contact-echo')).getByRole('button'));
    expect(id('contact-name')).toHaveTextContent('Echo (test call)');
    expect(gone('remove-contact')).toBe(true);
    await user.click(id('call-audio'));
    expect(lastIntent(backend)).toEqual({ type: 'call', to: ['echo'], media: 'audio' });
    expect(id('call-peer-name')).toHaveTextContent('Echo (test call)');
  });

  test('says over which path one hears oneself, and what it measured', async () => {
    const backend = await show('echo-call');
    expect(id('echo-phase')).toHaveTextContent('You hear yourself over the direct path');
    backend.push((snapshot) => ({ ...snapshot, call: fixtures['echo-relayed']?.call ?? null }));
    await tick();
    expect(id('echo-phase')).toHaveTextContent('You hear yourself over the relay');
    expect(id('echo-report-direct')).toHaveTextContent('Direct: 12 ms there and back, 0 % lost');
    expect(id('echo-report-relayed')).toHaveTextContent('Over the relay: 31 ms there and back, 1 % lost');
  });

  test('does not count as somebody that one knows', async () => {
    await show('echo-alone');
    expect(screen.getByText('No contacts yet')).toBeInTheDocument();
    expect(id('contact-echo')).toBeVisible();
  });

  test('is found by that name, and others can be removed', async () => {
    await show('echo');
    await user.type(id('search'), 'test call');
    expect(id('contact-echo')).toBeVisible();
    expect(gone('contact-bob')).toBe(true);
  });
});
