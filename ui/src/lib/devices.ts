// Devices as a list to choose from, the system's choice first.

import type { DeviceChoice } from './bindings/DeviceChoice';
import type { DeviceView } from './bindings/DeviceView';
import { t } from './strings';

export interface DeviceOption {
  /** Null: follow the system. */
  id: string | null;
  name: string;
}

function shownName(device: DeviceView): string {
  return device.synthetic ? t.settings.synthetic : device.name;
}

/** `unpinned`: what it means to choose none, if that is not the system's choice. */
export function deviceOptions({ available, chosen, current }: DeviceChoice, unpinned?: string): DeviceOption[] {
  const used = chosen === null ? available.find(({ id }) => id === current) : undefined;
  const system = used ? t.settings.followSystemNamed(shownName(used)) : t.settings.followSystem;
  return [{ id: null, name: unpinned ?? system }, ...available.map((device) => ({ id: device.id, name: shownName(device) }))];
}
