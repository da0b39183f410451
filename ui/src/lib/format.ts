// Times, names and figures as people read them.

/** 00:07, 12:04, 1:02:03. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number): string => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`;
}

/** 40 s, 12 min, 1 h 5 min. */
export function roughDuration(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return rest === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}

const DAY_MS = 86_400_000;

/** 14:05 today, Yesterday, Monday within a week, else 3 May. */
export function when(at: number, now: number, locale?: string): string {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  const date = new Date(at);
  if (at >= midnight) return date.toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' });
  if (at >= midnight - DAY_MS) return 'Yesterday';
  if (at >= midnight - 6 * DAY_MS) return date.toLocaleDateString(locale, { weekday: 'long' });
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return date.toLocaleDateString(locale, { day: 'numeric', month: 'short', year: sameYear ? undefined : 'numeric' });
}

/** One or two letters that stand for a name. */
export function initials(name: string): string {
  const [first = '', ...rest] = name.split(/[._-]+/).filter((part) => part !== '');
  return (first.slice(0, 1) + (rest.at(-1) ?? '').slice(0, 1)).toUpperCase();
}

/** How many avatar colours there are in the style sheet. */
export const AVATAR_COLOURS = 8;

/** The avatar colour of a name: the same on every computer (FNV-1a). */
export function avatarColour(name: string): number {
  let hash = 0x811c9dc5;
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash % AVATAR_COLOURS;
}

/** Sixty digits as twelve groups of five. */
export function digitGroups(digits: string): string[] {
  return digits.replaceAll(/\D/g, '').match(/\d{1,5}/g) ?? [];
}

/** a, b and c. */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}

export function possessive(who: string): string {
  return who.endsWith('s') ? `${who}’` : `${who}’s`;
}
