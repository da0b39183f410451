// Words about the microphone's sound.

import type { NoiseSuppression } from '../bindings/NoiseSuppression';
import { possessive } from '../format';

export const sound = {
  highPass: 'Low-cut filter',
  highPassHint: 'Takes out rumble of desks, fans and breath.',
  limiter: 'Limiter',
  limiterHint: 'Softens what would be too loud to be sent whole.',
  original: 'Original sound',
  originalHint: 'For music: both sides of the microphone, as they are. Wear headphones, since nothing is done about echo.',
  whileHeld: 'Talk only while a key is held',
  whileHeldHint: 'Your microphone is off unless you hold the space bar in the call’s window, or the keys that you set under Shortcuts.',
  mutedHint: 'Tell me when I speak while muted',
  mutedHintHint: 'For that the microphone stays open while it is muted. Nothing of it is sent.',
  youAreMuted: 'You are muted. Hold the space bar to talk.',
  hold: 'Microphone the other way while held',
  echoingHere: (names: string) => `${names} may hear an echo from you. Lower your speaker’s volume, or use headphones.`,
  echoingThere: (name: string) => `You may hear yourself: ${possessive(name)} speaker is too loud there. They have been told.`,
  volumeOf: (name: string) => `Volume: ${name}`,
  before: 'Before',
  after: 'After',
  echoTaken: 'Echo taken out',
  noiseTaken: 'Noise taken out',
  gained: 'Gain',
} as const;

export const noiseLevels = {
  off: 'Off',
  low: 'Low',
  moderate: 'Moderate',
  high: 'High',
  veryHigh: 'Very high',
} satisfies Record<NoiseSuppression, string>;
