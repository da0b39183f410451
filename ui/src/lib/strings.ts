// Every word that the window shows. A new value in the app's types does not compile here until
// it has its sentence.

import type { CallOutcome } from './bindings/CallOutcome';
import type { CheckStep } from './bindings/CheckStep';
import type { CheckVerdict } from './bindings/CheckVerdict';
import type { DeviceKind } from './bindings/DeviceKind';
import type { DeviceProblem } from './bindings/DeviceProblem';
import type { Direction } from './bindings/Direction';
import type { EndReasonView } from './bindings/EndReasonView';
import type { Failure } from './bindings/Failure';
import type { IntentErrorCode } from './bindings/IntentErrorCode';
import type { NoticeKind } from './bindings/NoticeKind';
import type { PhaseView } from './bindings/PhaseView';
import type { PictureProblem } from './bindings/PictureProblem';
import type { Presence } from './bindings/Presence';
import type { Refusal } from './bindings/Refusal';
import type { SessionProblem } from './bindings/SessionProblem';
import type { Theme } from './bindings/Theme';
import type { Field } from '../settings/ice';

export const t = {
  app: 'Tincan',
  close: 'Close',
  back: 'Back',
  dismiss: 'Dismiss',
  cancel: 'Cancel',
  you: 'You',
  thisComputer: 'This computer',
  signIn: {
    title: 'Welcome to Tincan',
    lead: 'Private calls, straight from one computer to another. No email, phone number or password.',
    name: 'Your name',
    namePlaceholder: 'alice',
    nameHint: '2 to 32 letters, digits, dots, dashes or underscores.',
    advanced: 'Advanced',
    server: 'Server',
    serverPlaceholder: 'This computer',
    serverHint: 'Empty: the server inside this app. Elsewhere, an address such as 192.168.1.20:4780.',
    submit: 'Continue',
    busy: 'Signing in',
    tryAgain: 'Try again',
    useThisComputer: 'Use this computer instead',
  },
  main: {
    search: 'Search contacts',
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
  },
  addContact: {
    open: 'Add contact',
    title: 'Add a contact',
    lead: 'Type the name that they picked. You can call each other once they accept.',
    name: 'Their name',
    submit: 'Send request',
  },
  contact: {
    video: 'Video call',
    audio: 'Audio call',
    recent: 'Recent calls',
    none: 'You have not called each other yet.',
    safety: 'Safety number',
    safetyLead: (name: string) =>
      `Compare these digits with ${name}, in person or over a channel you trust. If they match on both screens, nobody can listen in.`,
    show: 'Show',
    hide: 'Hide',
    remove: 'Remove contact',
    removeSure: (name: string) => `Remove ${name}? Neither of you can call until a new request is accepted.`,
    keyChanged: (name: string) =>
      `The key of ${name} has changed. They may have a new computer, or somebody may be in between: compare the safety number before you talk.`,
  },
  incoming: {
    video: (name: string) => `${name} would like a video call`,
    audio: (name: string) => `${name} is calling`,
    videoShort: 'Video call',
    audioShort: 'Audio call',
    acceptVideo: 'Video',
    acceptAudio: 'Audio',
    acceptVideoLong: 'Answer with video',
    acceptAudioLong: 'Answer with audio',
    decline: 'Decline',
  },
  call: {
    microphone: 'Microphone',
    camera: 'Camera',
    speaker: 'Speaker',
    hangUp: 'Hang up',
    controls: 'Call controls',
    others: 'The others',
    turnOff: (what: string) => `Turn ${what} off`,
    turnOn: (what: string) => `Turn ${what} on`,
    microphoneMenu: 'Sound devices',
    cameraMenu: 'Camera devices',
    cameraOff: 'Camera off',
    noPicture: 'No picture',
    theirCameraOff: (name: string) => `${name} has the camera off`,
    muted: 'Muted',
    theirMuted: (name: string) => `${name} is muted`,
    youMuted: 'Your microphone is off',
    stats: 'Call quality',
    with: (names: string) => `Call with ${names}`,
  },
  link: {
    unstable: 'Connection unstable',
    attempt: (attempt: number, of: number) => `Reconnecting ${attempt} of ${of}`,
    retry: 'Retry now',
  },
  stats: {
    quality: { good: 'Good', fair: 'Fair', poor: 'Poor' },
    explain: {
      good: 'The connection is good.',
      fair: 'The connection is a little unsteady.',
      poor: 'The connection is poor. Turning the camera off helps.',
    },
    roundTrip: 'Round trip',
    loss: 'Loss',
    jitter: 'Jitter',
    concealed: 'Sound made up',
    received: 'Received',
    sent: 'Sent',
    pictureIn: 'Their picture',
    pictureOut: 'Your picture',
    path: 'Path',
    direct: 'Direct',
    relayed: 'By way of a relay',
    relayedHint: 'A relay passes sound and picture on, encrypted as they are. That can take a little longer than the direct way.',
    none: '–',
  },
  ended: {
    again: 'Call again',
    callBack: 'Call back',
    talked: (duration: string) => `You talked for ${duration}`,
  },
  settings: {
    title: 'Settings',
    devices: 'Sound and video',
    processing: 'Voice processing',
    appearance: 'Appearance',
    account: 'Account',
    followSystem: 'System default',
    followSystemNamed: (name: string) => `System default (${name})`,
    noDevice: 'None found',
    testMicrophone: 'Test',
    stopTest: 'Stop',
    level: 'Microphone level',
    testHint: 'Say something: the bar should move.',
    preview: 'Show preview',
    stopPreview: 'Stop preview',
    previewHint: 'Only you see this.',
    echo: 'Echo cancellation',
    echoHint: 'Keeps the sound of your speakers out of the call.',
    noise: 'Noise suppression',
    noiseHint: 'Takes out fans, traffic and keyboards.',
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
  },
  offline: {
    retrying: (seconds: number) => `Trying again in ${seconds} s.`,
    retryingNow: 'Trying again.',
    retry: 'Retry now',
    title: 'Not connected to the server.',
  },
  network: {
    title: 'Network',
    hide: 'Hide my address',
    hideHint:
      'Calls go through a relay, also while it still rings, so that the people you call never see your IP address. Calls may be slower, and need a relay that can be reached. Holds for new calls.',
    checkHint: 'See what your network lets through, and what that means for calls.',
    servers: 'Your own STUN and TURN servers',
    serversHint: 'Used for calls beside those that your server offers. Most people need none.',
    add: 'Add a server',
    edit: 'Edit server',
    editNamed: (name: string) => `Edit ${name}`,
    remove: 'Remove',
    removeNamed: (name: string) => `Remove ${name}`,
    removeSure: (name: string) => `Remove ${name}?`,
    full: (most: number) => `There can be ${most} at most. Remove one to add another.`,
    relay: (username: string) => `Relay, as ${username}`,
    stun: 'Tells your public address',
    addresses: 'Addresses',
    addressesHint: 'stun:, turn: or turns:, one on each line if the server has several.',
    username: 'User name',
    password: 'Password',
    showPassword: 'Show password',
    certificate: 'Certificate (SHA-256, optional)',
    certificateHint: 'For turns: with a certificate of its own: its fingerprint, 64 digits. Empty: any that the system trusts.',
    save: 'Save',
  },
  check: {
    open: 'Check connection',
    title: 'Connection check',
    lead: 'Finding out what your network lets through. This takes a few seconds.',
    running: 'Checking the connection.',
    steps: 'Steps',
    stepDone: 'Done',
    stepRuns: 'Checking',
    again: 'Check again',
    copy: 'Copy report',
    copied: 'Copied.',
    notCopied: 'Could not be copied. Select the text instead.',
    reportTitle: 'Tincan connection check',
    reportHint: 'The report holds your addresses: give it only to people you trust.',
    relayUdp: 'Relay over UDP',
    relayTcp: 'Relay over TCP',
    relayTls: 'Relay over TLS',
    loss: 'Loss',
    roundTrip: 'Round trip',
    nat: 'Router (NAT)',
    publicV4: 'Public IPv4',
    publicV6: 'Public IPv6',
    local: 'This computer',
    reached: (time: string) => `Works, ${time}`,
    notOffered: 'Your server offers none',
    failed: (why: string) => `Does not work: ${why}`,
    unknown: (why: string) => `Could not be told: ${why}`,
    notMeasured: 'Could not be measured without a relay',
    none: 'No address: no network is connected',
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

function possessive(who: string): string {
  return who.endsWith('s') ? `${who}’` : `${who}’s`;
}

export const themes = { system: 'Like the system', light: 'Light', dark: 'Dark' } satisfies Record<Theme, string>;

export const deviceKinds = {
  microphone: 'Microphone',
  speaker: 'Speaker',
  camera: 'Camera',
} satisfies Record<DeviceKind, string>;

/** A headline and what it means; `who` is the other side. */
export const endReasons = {
  hungUp: () => ['Call ended', 'You hung up.'],
  remoteHungUp: (who) => ['Call ended', `${who} hung up.`],
  cancelled: () => ['Call cancelled', 'You hung up before there was an answer.'],
  remoteCancelled: (who) => ['Missed call', `${who} hung up before you could answer.`],
  declined: (who) => ['Call declined', `You declined the call from ${who}.`],
  remoteDeclined: (who) => ['Call declined', `${who} cannot take the call right now.`],
  remoteBusy: (who) => ['Busy', `${who} is in another call. Try again later.`],
  noAnswer: (who) => ['No answer', `${who} did not answer.`],
  missed: (who) => ['Missed call', `${who} called and you did not answer in time.`],
  remoteOffline: (who) => ['Not online', `${who} is not connected. Try again later.`],
  unknownAccount: (who) => ['Nobody there', `There is no “${who}” on this server.`],
  notAContact: (who) => ['Not a contact yet', `${who} has not accepted your request yet.`],
  answeredElsewhere: () => ['Answered elsewhere', 'You took this call on another device.'],
  declinedElsewhere: () => ['Declined elsewhere', 'You declined this call on another device.'],
  connectionLost: () => ['Connection lost', 'The connection broke and did not come back. Check your network, then call again.'],
  connectionFailed: (who) => ['Could not connect', `No way to reach ${who} was found. A firewall or VPN on either side may be blocking calls.`],
  untrusted: (who) => ['Call stopped for your safety', `A message was not signed with the key of ${who}. Somebody may be trying to listen in. Compare safety numbers before you call again.`],
  remoteUntrusted: (who) => ['Call stopped for your safety', `The app of ${who} could not verify this call. Compare safety numbers before you call again.`],
  serverUnreachable: () => ['Could not call', 'The server cannot be reached. Check your network, then call again.'],
  expired: (who) => ['Missed call', `The call from ${who} was over before it arrived here.`],
  internal: () => ['Something went wrong', 'Tincan had to end the call. Calling again usually helps.'],
} satisfies Record<EndReasonView, (who: string) => readonly [title: string, text: string]>;

const refusals = {
  unsupportedVersion: 'The server speaks another version of Tincan. Update the app or the server.',
  nameTaken: 'Somebody already has this name. Pick another one.',
  wrongKey: 'This name belongs to a key that is not on this computer. Pick another name, or sign in where you first used it.',
  unknownAccount: 'The server does not know this name any more. Try again to take it anew.',
  badProof: 'The server could not verify your key. Try again.',
  malformed: 'The server did not understand this app. Update the app or the server.',
  tooMany: 'Too many attempts. Wait a minute, then try again.',
  replaced: 'This account was opened in another window on this device.',
  unavailable: 'The server is stopping or busy. Try again in a moment.',
} satisfies Record<Refusal, string>;

export const sessionProblems = {
  unreachable: () => 'Nothing answers at this address. Check it, and that the other computer is on.',
  badAddress: () => 'This is not an address. It looks like 192.168.1.20:4780.',
  badName: () => 'A name has 2 to 32 letters (a to z), digits, dots, dashes or underscores.',
  refused: ({ code }: { code: Refusal }) => refusals[code],
  keyStore: () => 'Your identity key could be neither read nor stored. Unlock your keyring, then try again.',
} satisfies { [K in SessionProblem['kind']]: (problem: Extract<SessionProblem, { kind: K }>) => string };

export function sessionProblem(problem: SessionProblem): string {
  switch (problem.kind) {
    case 'refused':
      return sessionProblems.refused(problem);
    case 'unreachable':
    case 'badAddress':
    case 'badName':
    case 'keyStore':
      return sessionProblems[problem.kind]();
  }
}

export const failures = {
  unknownAccount: 'There is nobody by this name on this server.',
  oneself: 'That is you. Add somebody else.',
  tooMany: 'Too many requests at once. Wait a moment, then try again.',
  unknownCall: 'That call is over already.',
  outOfBounds: 'The server did not accept this request.',
  storage: 'The server could not save this. Try again later.',
} satisfies Record<Failure, string>;

export const intentErrors = {
  badName: 'A name has 2 to 32 letters (a to z), digits, dots, dashes or underscores.',
  badAddress: 'This is not an address. It looks like 192.168.1.20:4780.',
  badIceServer: 'A relay is written as turn:host:3478, with a user name and a password; a STUN server as stun:host:3478.',
  offline: 'The server is not connected. Try again in a moment.',
  inCall: 'You are in a call. Hang up first.',
  noCall: 'That call is over already.',
  noScreen: 'That cannot be shared.',
  closing: 'Tincan is closing.',
} satisfies Record<IntentErrorCode, string>;

export const checkSteps = {
  publicAddress: 'Public address',
  nat: 'Router (NAT)',
  relayUdp: 'Relay over UDP',
  relayTcp: 'Relay over TCP',
  relayTls: 'Relay over TLS',
  link: 'Loss and round trip',
} satisfies Record<CheckStep, string>;

/** What to do about what a check found. */
export const checkAdvice = {
  direct: 'Nothing to do: sound and picture take the shortest way.',
  someRelayed: 'Nothing to do: where no direct way exists, the relay passes calls on, encrypted as they are.',
  udpBlocked: 'A firewall or VPN stops UDP. Another network, or letting UDP through, makes calls better.',
  noRelay: 'Ask whoever runs your server to turn its relay on, or add a relay of your own in the settings.',
  noConnection: 'Connect this computer to a network, and see that no firewall stops Tincan.',
} satisfies Record<CheckVerdict, string>;

/** What stands between a computer and the Internet, by the names that the check gives. */
export const natWords = {
  none: 'None: this computer has a public address of its own',
  'full-cone': 'One port for everyone, open to anybody (full cone)',
  'address-restricted': 'One port for everyone, open to addresses you contacted (address-restricted)',
  'port-restricted': 'One port for everyone, open to addresses and ports you contacted (port-restricted)',
  symmetric: 'Another port for each contact, open to that contact alone (symmetric)',
  'udp-blocked': 'UDP is blocked',
  other: 'Of no common kind',
} as const;

/** What is wrong with a field of a STUN or TURN server. */
export const iceFields = {
  addresses: 'This is not the address of a STUN or TURN server. It looks like turn:turn.example.org:3478.',
  credentials: 'A relay needs both a user name and a password.',
  certificate: 'This is not a SHA-256 fingerprint: it has 64 digits, 0 to 9 and a to f.',
} satisfies Record<Field, string>;

export const deviceProblems = {
  microphone: {
    missing: 'No microphone found. Others cannot hear you; plug one in.',
    busy: 'Another program uses your microphone. Close it, or choose another.',
    refused: 'The system does not let Tincan use your microphone. Allow it in the system settings.',
    lost: 'Your microphone stopped. Plug it in again, or choose another.',
    unsupported: 'This microphone does not work with Tincan. Choose another.',
  },
  speaker: {
    missing: 'No speaker found. You cannot hear others; plug one in.',
    busy: 'Another program uses your speaker. Close it, or choose another.',
    refused: 'The system does not let Tincan play sound. Allow it in the system settings.',
    lost: 'Your speaker stopped. Plug it in again, or choose another.',
    unsupported: 'This speaker does not work with Tincan. Choose another.',
  },
  camera: {
    missing: 'No camera found. Others see a test picture.',
    busy: 'Another program uses your camera. Close it, or choose another.',
    refused: 'The system does not let Tincan use your camera. Allow it in the system settings.',
    lost: 'Your camera stopped. Plug it in again, or choose another.',
    unsupported: 'This camera does not work with Tincan. Choose another.',
  },
} satisfies Record<DeviceKind, Record<DeviceProblem, string>>;

export function notice(kind: NoticeKind): string {
  switch (kind.kind) {
    case 'device':
      return deviceProblems[kind.device][kind.problem];
    case 'keyInFile':
      return 'There is no keyring here, so your identity key lies in a file that only you can read.';
    case 'keyChanged':
      return t.contact.keyChanged(kind.name);
    case 'missedWhileBusy':
      return `${kind.from} called while you were in a call.`;
    case 'failed':
      return failures[kind.code];
    case 'notSaved':
      return 'Your settings could not be saved. They hold until you close Tincan.';
  }
}

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
