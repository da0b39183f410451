// The quality of a call, its figures and what the doctor says.

import { screen, within } from '@testing-library/svelte';
import { tick } from 'svelte';
import { expect, test } from 'vitest';
import type { Quality } from '../src/lib/bindings/Quality';
import { calls } from '../src/lib/backend/fixtures/calls';
import { goodStats } from '../src/lib/backend/fixtures/figures';
import { KEPT, NO_FIGURES, remember } from '../src/lib/figures';
import { plotted, plottings } from '../src/lib/plots';
import { callQuality } from '../src/lib/quality';
import { gone, id, show, user } from './window';

const { call } = calls.connected;

test('the worst of all connections is the quality of the call', () => {
  const grade = (...qualities: Quality[]): unknown =>
    call && callQuality({ ...call, stats: qualities.map((quality) => ({ ...goodStats, quality })) });
  expect(grade()).toBeNull();
  expect(grade('excellent', 'good')).toBe('good');
  expect(grade('fair', 'poor', 'excellent')).toBe('poor');
});

test('figures are remembered once each, for a while, and for one call', () => {
  if (!call) throw new Error('a call');
  let figures = NO_FIGURES;
  for (let second = 0; second < KEPT + 20; second++) {
    const now = { ...call, stats: [{ ...goodStats, at: second * 1000 }] };
    figures = remember(remember(figures, now), now);
  }
  expect(figures.of.bob).toHaveLength(KEPT);
  expect(figures.of.bob?.at(-1)?.at).toBe((KEPT + 19) * 1000);
  expect(remember(figures, { ...call, call: 'another' }).of.bob).toHaveLength(1);
  expect(remember(figures, null)).toBe(NO_FIGURES);
});

test('a figure that was not measured leaves a gap in its plot', () => {
  const past = [goodStats, { ...goodStats, roundTripTime: null }].map(plotted);
  const roundTrip = plottings(past).find(({ title }) => title === 'Round trip');
  expect(roundTrip?.lines[0]?.values).toEqual([0.024, null]);
});

test('the badge says the quality in words', async () => {
  await show('poor');
  expect(id('stats-open')).toHaveAttribute('data-quality', 'poor');
  expect(id('stats-open')).toHaveTextContent('Poor');
});

test('the panel plots figures, follows them, and has them all as a table', async () => {
  const backend = await show('connected');
  await user.click(id('stats-open'));
  const panel = within(id('stats-panel'));
  expect(panel.getByRole('img', { name: 'Round trip: Round trip 24 ms' })).toBeVisible();
  backend.push((snapshot) => ({
    ...snapshot,
    call: snapshot.call && { ...snapshot.call, stats: [{ ...goodStats, at: goodStats.at + 1000, roundTripTime: 0.13 }] },
  }));
  await tick();
  expect(panel.getByRole('img', { name: 'Round trip: Round trip 130 ms' })).toBeVisible();
  await user.click(panel.getByText('All figures'));
  expect(panel.getByRole('row', { name: 'Jitter 2.4 ms' })).toBeVisible();
  expect(panel.getByRole('row', { name: 'Picture delay 91 ms' })).toBeVisible();
  expect(panel.getByRole('row', { name: 'Delays are right within ± 11.0 ms' })).toBeVisible();
});

test('what is wrong is told with what helps, and moves into the panel when that opens', async () => {
  await show('poor');
  const words = 'Your connection loses or delays what you send. Turn your camera or shared screen off.';
  expect(id('diagnosis-bob')).toHaveTextContent(words);
  await user.click(id('stats-open'));
  expect(gone('diagnosis-bob')).toBe(true);
  expect(id('advice-bob')).toHaveTextContent(words);
});

test('a copy of the figures is saved, and it is told where', async () => {
  await show('connected');
  await user.click(id('stats-open'));
  await user.click(id('save-csv'));
  expect(id('saved')).toHaveTextContent('Saved: /home/alice/Downloads/tincan-call-c0ffee00.csv');
});

test('a call that was recorded has details with plots and what happened', async () => {
  await show('contacts');
  await user.click(within(id('contact-bob')).getByRole('button'));
  const [first] = screen.getAllByTestId('call-details-open');
  if (!first) throw new Error('a call that was recorded');
  await user.click(first);
  expect(await screen.findByTestId('recorded-0')).toHaveAttribute('data-samples', '119');
  expect(within(id('recorded-events')).getByText('Quality: Fair')).toBeVisible();
  expect(within(id('recorded-events')).getByText('The trouble is over')).toBeVisible();
});
