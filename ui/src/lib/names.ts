// How accounts are called on screen.

import { listed } from './format';
import { t } from './strings';

/** The account of the server itself that returns sound and picture. Nobody else can have it. */
export const ECHO = 'echo';

export function isEcho(account: string): boolean {
  return account === ECHO;
}

export function nameOf(account: string): string {
  return isEcho(account) ? t.echo.name : account;
}

/** a, b and c. */
export function namesOf(accounts: readonly string[]): string {
  return listed(accounts.map(nameOf));
}
