// Words about what stands beside the main window: small windows, notifications, keys, links.

import type { NotificationSupport } from '../bindings/NotificationSupport';
import { shared } from './shared';
import { sound } from './sound';

export const desktop = {
  pip: {
    close: 'Leave picture-in-picture',
    title: 'Picture-in-picture',
    backToCall: 'Back to the call',
  },
  quiet: {
    on: 'Do not disturb',
    off: 'Turn off',
  },
  missed: {
    callAgain: (name: string) => `Call ${name} again`,
    callBackTo: (name: string) => `Call back ${name}`,
  },
  links: {
    callTitle: (name: string) => `Call ${name}?`,
    callLead: 'A link asks Tincan to call. Call only people you mean to.',
    stranger: (name: string) => `${name} is not among your contacts yet. You can call each other once they accept your request.`,
    elsewhere: (server: string) => `This link is for people on the server ${server}. You are signed in elsewhere, so it may lead to somebody else of that name.`,
    signInFirst: (name: string) => `Sign in first: then you can reach ${name}.`,
    inviteLead: 'A link invited you. Check the name, then send the request.',
  },
  general: {
    title: 'General',
    startAtLogin: 'Start when I sign in to this computer',
    startAtLoginHint: 'So that calls ring without your opening Tincan first.',
    startHidden: 'Start without a window',
    startHiddenHint: 'Tincan waits in the tray until somebody calls.',
    closeToTray: 'Closing the window keeps Tincan in the tray',
    closeToTrayHint: 'Calls still ring. Quit from the tray’s menu.',
    noTray: 'This desktop shows no tray, so closing the window quits Tincan unless a call goes on.',
    pip: 'Picture-in-picture by itself',
    pipHint: 'In a call, a small window stays when you minimise or close this one.',
    notOnTop: 'This desktop does not keep small windows above others: the picture may be covered.',
  },
  notifications: {
    title: 'Notifications',
    on: 'Show notifications',
    onHint: 'For incoming and missed calls.',
    ringtone: 'Ring aloud',
    ringtoneHint: 'Incoming calls are heard. During a call it is a soft knock.',
    callSounds: 'Call sounds',
    callSoundsHint: 'Calling, connecting and ending are heard.',
    quietHint: 'Calls ring silently and nothing pops up. You find them in the list.',
  },
  shortcuts: {
    title: 'Shortcuts',
    everywhere: 'Shortcuts that work in every program',
    everywhereHint: 'While you are in a call, also when Tincan is not in front.',
    proposedHint: 'While you are in a call. Your desktop asks you which keys, proposes these, and has its own settings for them.',
    mute: 'Microphone on or off',
    talk: sound.hold,
    hangUp: shared.hangUp,
    camera: 'Camera on or off',
    zoom: 'Shared screen fitted or 1:1',
    share: 'Share or stop sharing',
    none: 'None',
    record: 'Record other keys',
    recording: 'Press keys',
    change: 'Change',
    clear: (what: string) => `Clear keys: ${what}`,
    clash: (what: string) => `Already used for “${what}”.`,
    taken: 'Another program has these keys. Record others.',
    modifier: 'Hold Ctrl, Alt or Super as well, or take a function key.',
    refused: 'This desktop lets no program take keys while another is in front. The tray’s menu has the same: mute, share, hang up.',
    within: 'In the call’s window',
  },
  about: {
    title: 'About',
    lead: shared.tagline,
    version: (version: string) => `Tincan ${version}`,
    log: 'Log file',
    licences: 'Licences',
    missing: 'What this desktop lacks',
    nothingMissing: 'This desktop has everything that Tincan makes use of.',
    noTray: 'A tray: keep the window open or minimised, so that calls reach you.',
    noShortcuts: 'Shortcuts in every program: use the tray’s menu instead.',
    notOnTop: 'Windows that stay on top: picture-in-picture may be covered by other windows.',
    unknown: 'Looking.',
  },
} as const;

/** What notifications do not do here. */
export const notificationLacks = {
  full: null,
  noActions: 'Buttons on notifications: answer in the small window that comes up instead.',
  none: 'Notifications: a small window comes up for incoming calls instead.',
} satisfies Record<NotificationSupport, string | null>;
