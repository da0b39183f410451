import { expect, test } from 'vitest';
import { avatarColour, AVATAR_COLOURS, digitGroups, duration, initials, listed, roughDuration, when } from '../src/lib/format';

test('a timer is minutes and seconds, then hours', () => {
  expect([0, 7, 724, 3599, 3600, 36_061].map(duration)).toEqual(['00:00', '00:07', '12:04', '59:59', '1:00:00', '10:01:01']);
  expect(duration(-3), 'clocks may differ').toBe('00:00');
});

test('a rough duration has at most two units', () => {
  expect([45, 724, 3600, 3903].map(roughDuration)).toEqual(['45 s', '12 min', '1 h', '1 h 5 min']);
});

test('a time is told by how long ago it was', () => {
  const now = new Date(2026, 4, 12, 15, 24).getTime();
  const at = (...parts: [number, number, number, number]): string => when(new Date(...parts, 5).getTime(), now, 'en-GB');
  expect(at(2026, 4, 12, 9)).toBe('09:05');
  expect(at(2026, 4, 11, 23)).toBe('Yesterday');
  expect(at(2026, 4, 9, 12)).toBe('Saturday');
  expect(at(2026, 4, 3, 12)).toBe('3 May');
  expect(at(2025, 4, 3, 12)).toBe('3 May 2025');
});

test('initials come from the parts of a name', () => {
  expect(['bob', 'carol.jensen', 'a-b-c', '7up'].map(initials)).toEqual(['B', 'CJ', 'AC', '7']);
});

test('a name keeps its colour', () => {
  expect(avatarColour('bob')).toBe(avatarColour('bob'));
  const seen = new Set(Array.from({ length: 100 }, (_, n) => avatarColour(`name${n}`)));
  expect(seen.size).toBe(AVATAR_COLOURS);
});

test('sixty digits are twelve groups', () => {
  const groups = digitGroups('1234567890'.repeat(6));
  expect(groups).toHaveLength(12);
  expect(new Set(groups.map((group) => group.length))).toEqual(new Set([5]));
});

test('names are listed as in a sentence', () => {
  expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(listed)).toEqual(['', 'a', 'a and b', 'a, b and c']);
});
