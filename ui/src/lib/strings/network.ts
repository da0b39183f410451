// Words about networks: settings, the connection check and what it found.

import type { CheckStep } from '../bindings/CheckStep';
import type { CheckVerdict } from '../bindings/CheckVerdict';
import type { Field } from '../../settings/ice';
import { shared } from './shared';

const RELAYS = {
  relayUdp: 'Relay over UDP',
  relayTcp: 'Relay over TCP',
  relayTls: 'Relay over TLS',
} as const;

const NAT = 'Router (NAT)';

export const network = {
  title: 'Network',
  hide: 'Hide my address',
  hideHint:
    'Calls go through a relay, also while it still rings, so that the people you call never see your IP address. Calls may be slower, and need a relay that can be reached. Holds for new calls.',
  noRelay: 'No relay is known: while your address is hidden, nobody can be reached. Show it, or add a relay below.',
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
} as const;

export const check = {
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
  ...RELAYS,
  loss: shared.loss,
  roundTrip: shared.roundTrip,
  nat: NAT,
  publicV4: 'Public IPv4',
  publicV6: 'Public IPv6',
  local: shared.thisComputer,
  reached: (time: string) => `Works, ${time}`,
  notOffered: 'Your server offers none',
  failed: (why: string) => `Does not work: ${why}`,
  unknown: (why: string) => `Could not be told: ${why}`,
  notMeasured: 'Could not be measured without a relay',
  none: 'No address: no network is connected',
} as const;

export const checkSteps = {
  publicAddress: 'Public address',
  nat: NAT,
  ...RELAYS,
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

/** What to do where packets get lost, whatever else was found. */
export const lossAdvice = 'A cable in place of Wi-Fi, or another network, often ends such losses.';

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
