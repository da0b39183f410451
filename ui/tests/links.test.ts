import { expect, test } from 'vitest';
import { linkNews, waitsFor, waitWords } from '../src/call/link';
import { calls, participant } from '../src/lib/backend/fixtures/calls';
import { callQuality } from '../src/lib/quality';

const NOW = 1_000_000;
const lost = (attempt: number, nextAt: number | null) => ({ kind: 'reconnecting', attempt, of: 5, nextAt }) as const;

test('the countdown reaches one and then tries', () => {
  const words = (now: number): string => waitWords(waitsFor(lost(2, NOW + 3000), false, now));
  expect(words(NOW)).toBe('Next try in 3 s');
  expect(words(NOW + 1)).toBe('Next try in 3 s');
  expect(words(NOW + 2999)).toBe('Next try in 1 s');
  expect(words(NOW + 3000)).toBe('Trying now');
});

test('without a next try it is the last one, or waits for the network', () => {
  expect(waitsFor(lost(5, null), false, NOW).kind).toBe('last');
  expect(waitsFor(lost(5, null), true, NOW).kind).toBe('network');
  expect(waitsFor(lost(2, null), false, NOW).kind).toBe('network');
});

test('what is told aloud changes with the attempt and not with the seconds', () => {
  const told = (attempt: number, nextAt: number): string => linkNews([participant('bob', { link: lost(attempt, nextAt) })]);
  expect(told(2, NOW + 3000)).toBe(told(2, NOW + 1000));
  expect(told(2, NOW)).toBe('Reconnecting 2 of 5.');
  expect(told(3, NOW)).not.toBe(told(2, NOW));
});

test('among several it is told whose connection it is, and of those that are good nothing', () => {
  const group = [
    participant('bob', { link: { kind: 'unstable' } }),
    participant('jonas'),
    participant('esther-w', { pictureProblem: 'notLeaving' }),
  ];
  expect(linkNews(group)).toBe('bob: Connection unstable. Your picture does not reach esther-w.');
  expect(linkNews([participant('bob')])).toBe('');
});

test('a connection that wavers is not called good, and one that is lost is not called anything', () => {
  const grade = (name: 'connected' | 'unstable' | 'reconnecting'): unknown => {
    const { call } = calls[name];
    return call && callQuality(call);
  };
  expect(grade('connected')).toBe('excellent');
  expect(grade('unstable')).toBe('poor');
  expect(grade('reconnecting')).toBeNull();
});
