// What a lost connection waits for, in terms that a person can follow.

import type { LinkView } from '../lib/bindings/LinkView';
import type { ParticipantView } from '../lib/bindings/ParticipantView';
import { nameOf } from '../lib/names';
import { linkWait, pictureProblems, t } from '../lib/strings';

export type Reconnecting = Extract<LinkView, { kind: 'reconnecting' }>;

export type Wait = { kind: 'next'; seconds: number } | { kind: 'now' | 'network' | 'last' };

/** `offline`: the server cannot be reached, and each attempt needs it. */
export function waitsFor({ attempt, of, nextAt }: Reconnecting, offline: boolean, now: number): Wait {
  if (nextAt === null) return { kind: offline || attempt < of ? 'network' : 'last' };
  const seconds = Math.ceil((nextAt - now) / 1000);
  return seconds > 0 ? { kind: 'next', seconds } : { kind: 'now' };
}

export function waitWords(wait: Wait): string {
  return wait.kind === 'next' ? linkWait.next(wait.seconds) : linkWait[wait.kind];
}

/** What is told aloud of each connection: once for each change, without the seconds. */
export function linkNews(participants: readonly ParticipantView[]): string {
  const alone = participants.length === 1;
  return participants
    .flatMap(({ account, link, pictureProblem }) => {
      const who = alone ? '' : `${nameOf(account)}: `;
      const words = [];
      if (link.kind === 'unstable') words.push(`${who}${t.link.unstable}.`);
      if (link.kind === 'reconnecting') words.push(`${who}${t.link.attempt(link.attempt, link.of)}.`);
      if (link.kind === 'good' && pictureProblem) words.push(pictureProblems[pictureProblem](nameOf(account)));
      return words;
    })
    .join(' ');
}
