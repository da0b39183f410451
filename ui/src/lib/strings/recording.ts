// What was recorded of a call, in words.

import type { Happened } from '../bindings/Happened';
import { endReasons } from './problems';
import { troubles } from './doctor';
import { figures } from './figures';

export const recording = {
  details: 'Details',
  detailsOf: (when: string) => `Details of the call: ${when}`,
  title: 'Call details',
  gone: 'Nothing was recorded of this call, or it has been removed to make room.',
  lead: 'Figures and events of the call, without names, addresses or anything that was said. They stay on this computer unless you save a copy.',
  events: 'What happened',
  save: 'Save JSON',
  saveHint: 'For a report of a problem',
  saveTableHint: 'A table of the figures',
  saveTable: 'Save CSV',
  saved: (path: string) => `Saved: ${path}`,
  notSaved: 'It could not be saved. Check that your folder for downloads can be written to.',
  you: 'You',
  participant: (number: number) => `Participant ${number}`,
} as const;

const switched = (what: string) => ({ on }: { on: boolean }) => `${what} ${on ? 'on' : 'off'}`;

type Words = { [K in Happened['kind']]: (what: Extract<Happened, { kind: K }>) => string };

const words: Words = {
  ringing: () => 'It rang',
  connecting: () => 'Accepted',
  connected: () => 'Connected',
  unstable: () => 'Connection unstable',
  lost: ({ attempt }) => `Connection lost, attempt ${attempt}`,
  path: ({ local, remote, protocol }) => `Path: ${local} to ${remote} over ${protocol.toUpperCase()}`,
  quality: ({ quality }) => `Quality: ${figures.quality[quality]}`,
  trouble: ({ trouble }) => (trouble ? troubles[trouble]('the other side', null) : 'The trouble is over'),
  microphone: switched('Microphone'),
  camera: switched('Camera'),
  screen: switched('Shared screen'),
  left: () => 'Left the call',
  ended: ({ reason }) => (reason ? endReasons[reason]('The other side')[1] : 'Call ended'),
};

export function happened<K extends Happened['kind']>(what: Extract<Happened, { kind: K }>): string {
  return words[what.kind as K](what);
}
