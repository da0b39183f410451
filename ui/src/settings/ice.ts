// A STUN or TURN server as it is typed. Whether it can be used is the app's word.

import type { IceServer } from '../lib/bindings/IceServer';

/** As `MAX_ICE_SERVERS` of the protocol. */
export const MOST_SERVERS = 8;

export interface Draft {
  /** One or more, with spaces or line ends between them. */
  addresses: string;
  username: string;
  password: string;
  /** Empty: none. */
  certificate: string;
}

export type Field = 'addresses' | 'credentials' | 'certificate';

export const EMPTY: Draft = { addresses: '', username: '', password: '', certificate: '' };

export function draftOf({ urls, username, credential, certificateSha256 }: IceServer): Draft {
  return { addresses: urls.join('\n'), username, password: credential, certificate: certificateSha256 ?? '' };
}

/** Colons and spaces between the digits are only for the eye. */
function plainHex(certificate: string): string {
  return certificate.replaceAll(/[\s:]/g, '').toLowerCase();
}

/** Whether this is no SHA-256: the app never sees it then. */
export function isBadCertificate({ certificate }: Draft): boolean {
  const hex = plainHex(certificate);
  return hex !== '' && !/^[0-9a-f]{64}$/.test(hex);
}

export function serverOf({ addresses, username, password, certificate }: Draft): IceServer {
  return {
    urls: addresses.split(/[\s,]+/).filter((url) => url !== ''),
    username: username.trim(),
    credential: password,
    certificateSha256: plainHex(certificate) || null,
  };
}

export function isRelay({ urls }: IceServer): boolean {
  return urls.some((url) => /^turns?:/.test(url));
}

/** Where to look when the app does not take a server: only a relay needs to be signed in to. */
export function fieldAtFault(server: IceServer): Field {
  const known = server.username !== '' && server.credential !== '';
  return isRelay(server) && !known ? 'credentials' : 'addresses';
}
