// What is wrong with a call and what helps, in plain words.

import type { Remedy } from '../bindings/Remedy';
import type { Trouble } from '../bindings/Trouble';
import { possessive } from '../format';

const carries = (kbps: number | null): string => (kbps === null ? 'carries little' : `carries about ${Math.round(kbps / 10) * 10} kbit/s`);

export const troubles = {
  myProcessor: () => 'Your computer does not keep up.',
  theirProcessor: (name) => `${possessive(name)} computer does not keep up.`,
  myUplink: () => 'Your connection loses or delays what you send.',
  theirUplink: (name) => `${possessive(name)} connection loses or delays what they send.`,
  myUplinkNarrow: (name, kbps) => `Your connection to ${name} ${carries(kbps)}, so your picture is sent smaller.`,
  theirUplinkNarrow: (name, kbps) => `${possessive(name)} connection to you ${carries(kbps)}, so their picture comes smaller.`,
  relay: () => 'The way through the relay is slow or loses sound and picture.',
  path: (name) => `The network between you and ${name} is slow or loses sound and picture.`,
  myMicrophoneSilent: () => 'Nothing is heard from your microphone.',
  myMicrophoneClipping: () => 'Your microphone is too loud and sounds distorted.',
  theirMicrophoneSilent: (name) => `Nothing is heard from ${possessive(name)} microphone.`,
  theirMicrophoneClipping: (name) => `${possessive(name)} microphone is too loud and sounds distorted.`,
} satisfies Record<Trouble, (name: string, kbps: number | null) => string>;

export const remedies = {
  closePrograms: () => 'Close other programs.',
  askToClosePrograms: (name) => `Ask ${name} to close other programs.`,
  stopPicture: () => 'Turn your camera or shared screen off.',
  askToStopPicture: (name) => `Ask ${name} to turn their camera or shared screen off.`,
  improveNetwork: () => 'Move closer to your router, or use a cable.',
  askToImproveNetwork: (name) => `Ask ${name} to move closer to their router, or to use a cable.`,
  freeNetwork: () => 'Close what else is uploading, or move closer to your router.',
  askToFreeNetwork: (name) => `Ask ${name} to close what else is uploading, or to move closer to their router.`,
  showAddress: () => 'Turn off “Hide my address” in the settings, so that calls may go directly.',
  takeTurns: () => 'Wait a moment before you answer: words take long to arrive.',
  callAgain: () => 'Call again, if you can from another network.',
  checkMicrophone: () => 'Switch it on, or choose another one.',
  askToCheckMicrophone: (name) => `Ask ${name} to switch it on or to choose another one.`,
  lowerMicrophone: () => 'Move away from it, or lower its level.',
  askToLowerMicrophone: (name) => `Ask ${name} to move away from it or to lower its level.`,
} satisfies Record<Remedy, (name: string) => string>;
