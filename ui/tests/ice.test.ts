import { expect, test } from 'vitest';
import { draftOf, EMPTY, fieldAtFault, isBadCertificate, serverOf } from '../src/settings/ice';

const HEX = '5f'.repeat(32);

test('a server is the same after being edited without a change', () => {
  const server = { urls: ['turn:a:3478', 'turns:a:5349'], username: 'alice', credential: ' secret ', certificateSha256: HEX };
  expect(serverOf(draftOf(server))).toEqual(server);
});

test('addresses may stand on lines, or with commas between them', () => {
  expect(serverOf({ ...EMPTY, addresses: ' stun:a\n\nstun:b, stun:c ' }).urls).toEqual(['stun:a', 'stun:b', 'stun:c']);
});

test('a fingerprint is taken with colons and capitals, and nothing but a fingerprint', () => {
  const pairs = HEX.toUpperCase().match(/../g) ?? [];
  const draft = { ...EMPTY, certificate: pairs.join(':') };
  expect(isBadCertificate(draft)).toBe(false);
  expect(serverOf(draft).certificateSha256).toBe(HEX);
  expect(isBadCertificate({ ...EMPTY, certificate: HEX.slice(1) })).toBe(true);
  expect(isBadCertificate({ ...EMPTY, certificate: `g${HEX.slice(1)}` })).toBe(true);
  expect(serverOf(EMPTY).certificateSha256).toBeNull();
});

test('a relay without a password is at fault for that, anything else for its address', () => {
  const fault = (addresses: string, password = ''): string => fieldAtFault(serverOf({ ...EMPTY, addresses, username: 'a', password }));
  expect(fault('turn:a')).toBe('credentials');
  expect(fault('turn:a:0', 'secret')).toBe('addresses');
  expect(fault('nonsense')).toBe('addresses');
});
