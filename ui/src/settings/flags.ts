// The settings that are on or off, in the words of what this desktop can do.

import type { AboutView } from '../lib/bindings/AboutView';
import type { Settings } from '../lib/bindings/Settings';
import { t } from '../lib/strings';
import type { FlagWords } from './Flags.svelte';

export const PROCESSING: readonly FlagWords[] = [
  ['echoCancellation', t.settings.echo, t.settings.echoHint, 'echo-cancellation'],
  ['highPass', t.sound.highPass, t.sound.highPassHint, 'high-pass'],
  ['autoGain', t.settings.gain, t.settings.gainHint, 'auto-gain'],
  ['limiter', t.sound.limiter, t.sound.limiterHint, 'limiter'],
];

export const ORIGINAL: readonly FlagWords[] = [['originalSound', t.sound.original, t.sound.originalHint, 'original-sound']];

export const MUTED_HINT: readonly FlagWords[] = [['mutedHint', t.sound.mutedHint, t.sound.mutedHintHint, 'muted-hint-switch']];

export const NOTIFICATIONS: readonly FlagWords[] = [
  ['notifications', t.notifications.on, t.notifications.onHint, 'notifications'],
  ['ringtone', t.notifications.ringtone, t.notifications.ringtoneHint, 'ringtone'],
  ['callSounds', t.notifications.callSounds, t.notifications.callSoundsHint, 'call-sounds'],
  ['doNotDisturb', t.quiet.on, t.notifications.quietHint, 'do-not-disturb'],
];

/** `about`: what the desktop can do, once it is known. */
export function generalFlags({ startAtLogin }: Settings, about: AboutView | null): FlagWords[] {
  const tray = about?.tray === false ? t.general.noTray : t.general.closeToTrayHint;
  const pip = about?.alwaysOnTop === false ? `${t.general.pipHint} ${t.general.notOnTop}` : t.general.pipHint;
  const hidden: FlagWords[] = [['startHidden', t.general.startHidden, t.general.startHiddenHint, 'start-hidden']];
  return [
    ['startAtLogin', t.general.startAtLogin, t.general.startAtLoginHint, 'start-at-login'],
    ...(startAtLogin ? hidden : []),
    ['closeToTray', t.general.closeToTray, tray, 'close-to-tray'],
    ['pipOnMinimise', t.general.pip, pip, 'pip-on-minimise'],
  ];
}
