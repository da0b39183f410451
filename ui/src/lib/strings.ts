// Every word that the window shows. A new value in the app's types does not compile here until
// it has its sentence.

import type { CallOutcome } from './bindings/CallOutcome';
import type { DeviceKind } from './bindings/DeviceKind';
import type { Direction } from './bindings/Direction';
import type { PhaseView } from './bindings/PhaseView';
import type { PictureProblem } from './bindings/PictureProblem';
import type { PictureQuality } from './bindings/PictureQuality';
import type { Presence } from './bindings/Presence';
import type { Theme } from './bindings/Theme';
import { possessive } from './format';
import { desktop } from './strings/desktop';
import { figures } from './strings/figures';
import { check, network } from './strings/network';
import { keyChanged } from './strings/problems';
import { recording } from './strings/recording';
import { share } from './strings/share';
import { shared } from './strings/shared';
import { sound } from './strings/sound';

export { notificationLacks } from './strings/desktop';
export * from './strings/doctor';
export * from './strings/network';
export * from './strings/problems';
export { happened } from './strings/recording';
export * from './strings/share';
export { noiseLevels } from './strings/sound';

export const t = {
  app: 'Tincan',
  close: 'Close',
  back: 'Back',
  dismiss: 'Dismiss',
  cancel: 'Cancel',
  you: 'You',
  thisComputer: shared.thisComputer,
  videoCall: 'Video call',
  audioCall: 'Audio call',
  callBack: 'Call back',
  callOver: 'The call is over',
  retry: 'Retry now',
  signIn: {
    title: 'Welcome to Tincan',
    lead: `${shared.tagline} No email, phone number or password.`,
    name: 'Your name',
    namePlaceholder: 'alice',
    nameHint: '2 to 32 letters, digits, dots, dashes or underscores.',
    advanced: 'Advanced',
    server: 'Server',
    serverPlaceholder: shared.thisComputer,
    serverHint: 'Empty: the server inside this app. Elsewhere, an address such as 192.168.1.20:4780.',
    submit: 'Continue',
    busy: 'Signing in',
    tryAgain: 'Try again',
    useThisComputer: 'Use this computer instead',
  },
  main: {
    search: { contacts: 'Search contacts', calls: 'Search calls' },
    contacts: 'Contacts',
    calls: 'Calls',
    settings: 'Settings',
    offline: 'Offline',
    requests: 'Requests',
    waiting: 'Waiting for an answer',
    withdraw: 'Withdraw',
    accept: 'Accept',
    decline: 'Decline',
    wantsToConnect: 'Wants to connect',
    nothingChosen: 'Pick somebody to call',
    nothingChosenLead: 'Choose a contact on the left, or add somebody new.',
  },
  empty: {
    contacts: 'No contacts yet',
    contactsLead: 'Add somebody by the name they picked. They can call you once they accept.',
    calls: 'No calls yet',
    callsLead: 'Calls that you make, take or miss will show up here.',
    welcome: (name: string) => `You are in, ${name}`,
    welcomeLead: (name: string) => `Others find you as “${name}”. Tell them, or add somebody yourself.`,
    noMatch: (query: string) => `No contact matches “${query}”.`,
    noCallMatches: (query: string) => `No call with anybody called “${query}”.`,
    testCall: 'Make a test call',
  },
  addContact: {
    open: 'Add contact',
    title: 'Add a contact',
    lead: 'Type the name that they picked. You can call each other once they accept.',
    name: 'Their name',
    submit: 'Send request',
  },
  contact: {
    recent: 'Recent calls',
    none: 'You have not called each other yet.',
    safety: 'Safety number',
    safetyLead: (name: string) =>
      `Compare these digits with ${name}, in person or over a channel you trust. If they match on both screens, nobody can listen in.`,
    show: 'Show',
    hide: 'Hide',
    remove: 'Remove contact',
    removeSure: (name: string) => `Remove ${name}? Neither of you can call until a new request is accepted.`,
    keyChanged,
  },
  incoming: {
    video: (name: string) => `${name} would like a video call`,
    audio: (name: string) => `${name} is calling`,
    acceptVideo: 'Video',
    acceptAudio: 'Audio',
    acceptVideoLong: 'Answer with video',
    acceptAudioLong: 'Answer with audio',
    check: 'Check sound and picture first',
    decline: 'Decline',
    answer: 'Answer',
    more: (count: number) => `${count} more`,
    endsCall: (names: string) => `Answering ends your call with ${names}.`,
  },
  call: {
    hangUp: shared.hangUp,
    controls: 'Call controls',
    others: 'The others',
    turnOff: (what: string) => `Turn ${what} off`,
    turnOn: (what: string) => `Turn ${what} on`,
    microphoneMenu: 'Sound devices',
    cameraMenu: 'Camera devices and quality',
    pictureQuality: 'Picture quality',
    cameraOff: 'Camera off',
    noPicture: 'No picture',
    pause: 'Pause picture',
    resume: 'Resume picture',
    pausedHere: 'Paused: only you see this',
    theirCameraOff: (name: string) => `${name} has the camera off`,
    theirPaused: (name: string) => `${name} has paused the picture`,
    muted: 'Muted',
    theirMuted: (name: string) => `${name} is muted`,
    youMuted: 'Your microphone is off',
    stats: 'Call quality',
    fullScreen: 'Full screen',
    leaveFullScreen: 'Leave full screen',
    with: (names: string) => `Call with ${names}`,
  },
  link: {
    unstable: 'Connection unstable',
    attempt: (attempt: number, of: number) => `Reconnecting ${attempt} of ${of}`,
  },
  figures,
  recording,
  ended: {
    again: 'Call again',
    contact: 'Show contact',
    talked: (duration: string) => `You talked for ${duration}`,
  },
  settings: {
    title: 'Settings',
    parts: 'Part of the settings',
    devices: 'Sound and video',
    processing: 'Voice processing',
    appearance: 'Appearance',
    account: 'Account',
    followSystem: 'System default',
    followSystemNamed: (name: string) => `System default (${name})`,
    sameAsSpeaker: 'Same as the speaker',
    testSound: 'Play',
    testSoundOf: (what: string) => `Play a sound: ${what}`,
    noDevice: 'None found',
    testMicrophone: 'Test',
    stopTest: 'Stop',
    level: 'Microphone level',
    sample: 'Hear yourself',
    sampleHints: {
      off: 'Records five seconds and plays them to you.',
      recording: 'Say something: you are being recorded.',
      playing: 'This is how you sound.',
    },
    testHint: 'Say something: the bar should move.',
    preview: 'Show preview',
    stopPreview: 'Stop preview',
    previewHint: 'Only you see this.',
    echo: 'Echo cancellation',
    echoHint: 'Keeps the sound of your speakers out of the call.',
    noise: 'Noise suppression',
    noiseHint: 'Takes out fans and traffic. More of it can make a voice thinner.',
    gain: 'Automatic level',
    gainHint: 'Keeps your voice at an even loudness.',
    theme: 'Theme',
    mirror: 'Mirror my picture',
    mirrorHint: 'You see yourself as in a mirror. Others see you as you are.',
    name: 'Name',
    server: 'Server',
    signOut: 'Sign out',
    signOutHint: 'Your key stays on this computer, so you can come back under the same name.',
    synthetic: 'Test picture',
    best: (width: number, height: number, fps: number) => `Up to ${width} × ${height}, ${fps} pictures a second`,
  },
  offline: {
    retrying: (seconds: number) => `Trying again in ${seconds} s.`,
    retryingNow: 'Trying again.',
    title: 'Not connected to the server.',
  },
  echo: {
    name: 'Echo (test call)',
    lead: 'A test call answers by itself: you hear your own voice and see your own picture come back, first over the direct path, then over the relay. Nothing is recorded.',
    short: 'Hear and see yourself',
    begins: 'You will hear yourself in a moment',
    direct: 'You hear yourself over the direct path',
    relayed: 'You hear yourself over the relay',
    report: (relayed: boolean, roundTripMs: number | null, lossPercent: number) =>
      `${relayed ? 'Over the relay' : 'Direct'}: ${roundTripMs === null ? '' : `${roundTripMs} ms there and back, `}${lossPercent} % lost`,
  },
  ...desktop,
  sound,
  network,
  check,
  share,
  notices: 'Notices',
} as const;

export const presence = {
  online: 'Online',
  inCall: 'In a call',
  offline: 'Offline',
} satisfies Record<Presence, string>;

export const phase = {
  calling: 'Calling',
  ringing: 'Ringing',
  connecting: 'Connecting',
  connected: 'Connected',
  reconnecting: 'Reconnecting',
} satisfies Record<PhaseView['kind'], string>;

/** What a lost connection is waiting for. */
export const linkWait = {
  next: (seconds: number) => `Next try in ${seconds} s`,
  now: 'Trying now',
  network: 'Waiting for the network',
  last: 'This is the last try',
} as const;

export const pictureProblems = {
  notArriving: (who) => `${possessive(who)} picture does not arrive here.`,
  notLeaving: (who) => `Your picture does not reach ${who}.`,
} satisfies Record<PictureProblem, (who: string) => string>;

export const themes = { system: 'Like the system', light: 'Light', dark: 'Dark' } satisfies Record<Theme, string>;

export const deviceKinds = {
  microphone: 'Microphone',
  speaker: 'Speaker',
  camera: 'Camera',
  ringer: 'Ringing',
} satisfies Record<DeviceKind, string>;

export const pictureQualities = {
  auto: 'Automatic, up to 720p',
  hd: 'Up to 1080p',
  high: '720p',
  medium: '480p',
  low: '240p',
  lowData: 'Low data (300 kbit/s in all)',
} satisfies Record<PictureQuality, string>;

export const outcomes = {
  incoming: {
    answered: 'Incoming',
    missed: 'Missed',
    declined: 'Declined',
    busy: 'Missed, you were busy',
    unreachable: 'Missed, you were offline',
  },
  outgoing: {
    answered: 'Outgoing',
    missed: 'No answer',
    declined: 'Declined',
    busy: 'Busy',
    unreachable: 'Not reached',
  },
} satisfies Record<Direction, Record<CallOutcome, string>>;
