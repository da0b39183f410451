// Decides once, at start, whether this window can decode H.264 itself: it decodes one known
// picture, because `isConfigSupported` says yes on systems where every stream then fails.

import { webCodecsDecoder, type DecoderFactory, type Picture } from './decoder';
import type { VideoMode } from './protocol';

/**
 * A first start scans the system's codecs, which takes seconds on a busy machine, and a wrong no costs
 * processor time for the whole session. A missing decoder says so at once: only a hanging one waits.
 */
export const CANARY_TIMEOUT_MS = 10_000;

// One constrained-baseline IDR of 64x64, made by:
// ffmpeg -f lavfi -i testsrc=size=64x64 -frames:v 1 -c:v libx264 -profile:v baseline -level 3.0
//   -x264-params keyint=1 -bsf:v filter_units=remove_types=6 -pix_fmt yuv420p canary.mp4
export const CONFIGURATION = 'AULAHv/hABVnQsAe3EJsBEAAAAMAQAAADyPFi+ABAAVozg8sgA==';
export const ACCESS_UNIT =
  'AAADHmWIhDcMUAAgRqYFk1SjZGaFRi7/wAevPIsgMX9dcAHgX49sZbgkj+ugAe/LIswMX9dBhxAACgKRAABAhAAEAQwAgLeiRmEI' +
  '63s2ZhAALbQI2KHSQRIHySBGxAyCCJyxKUoeOQBI/QABbRlsUq/TYf96D8zcY0XZMMMp8HDVeEDgHAOCAALgACBuCglVFSSqUA60' +
  '+qwdtvDn2MH+VBUSJnVg3piVSw/EPD/hpAOAIU8MlvtwYCFZBM3Dfl+ECAQWABcIAAmICrkAEIRLAOookUwDfPP18sAyCFmzjB2X' +
  '8/5h9SJPwAADmAC+qKUFznrPFAANfrwAQvdX9/3fARMjUNrUWTB2B7nxj84EE/P114QABAHkEBAACAmAAIFuAIr12Lovzgwy+nWP' +
  '36SfsJYgKoshwYEORpieKRXYOzMQdofhMoAFzHiav6kRf+ue2ZmfxjF7/7xoYtZMShSP72h+IhES/m5WXDrDBip5m1P8pQSgdsWH' +
  'PWAA/AFTEaJe2zf/vhKxlu4uoRlls+ZPIaPrOmshvId3MO7uYy+V+EP/8EAQA4QK1BgDXsmQ0cOer3imPxjjUt241LxTzJx2Wtl5' +
  't//+LBCOgOCISxMgE5SIvUFFPrmgIY5BioBnEEABcHQ/wdFyfAFnxCUEzIe1M/xZwjLTgC/XJ+IqK/AwABkBgGhgAHgAcAOBTGI0' +
  'GrlgJmm9lUFQ0JQNQJpFs4H3TNGCUdX58fAnAEEliA8U9RfFyFQtCdlgINuBIybK0PwDxMHllDIAsKeR017DAwAAgGhwsIWBAACB' +
  'KdMlJyDZYgVWo+BjF2GsutA+AmqDgCZup68EDiNt5UV0f+EBAKsHJ8HIH8Hg+JPtgPaMfDTBDTdzOvxA0GeSZg8gluiNKDcBBAAE' +
  'EIeJhAACAGA2ggHcx1hDnGjwDQxVOERy+CAJ/73EwDROADWV32YFa29BAItf63w7MMADnFWKAeIe8/AD6W96Czvv2HiGKOlgAAD3' +
  'BwTijJZ+cDBAgUEACAAwBLxqizDgACDG4xEvMmN/x4wINoD7l8mmNe4sfXGOBTD/iAmNLg==';

/** What `forcedMode` reads. */
export interface Wishes {
  search: string;
  stored: string | null;
}

/** The mode that somebody asked for by `?video=` or `localStorage['tincan.video']`. */
export function forcedMode({ search, stored }: Wishes): VideoMode | null {
  const wish = new URLSearchParams(search).get('video') ?? stored;
  return wish === 'i420' || wish === 'h264' ? wish : null;
}

/** Decodes the canary; true if a picture came in time. */
export function decodesCanary<P extends Picture>(createDecoder: DecoderFactory<P>): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (decodes: boolean): void => {
      clearTimeout(timer);
      resolve(decodes);
      // The decoder may be calling right now: close it once it has returned.
      queueMicrotask(() => decoder?.close());
    };
    const timer = setTimeout(() => { settle(false); }, CANARY_TIMEOUT_MS);
    let decoder: ReturnType<DecoderFactory<P>> | undefined;
    try {
      decoder = createDecoder({
        output: (picture) => {
          picture.close();
          settle(true);
        },
        error: () => { settle(false); },
      });
      decoder.configure({
        codec: 'avc1.42C01E',
        description: fromBase64(CONFIGURATION),
        codedWidth: 64,
        codedHeight: 64,
      });
      decoder.decode({ key: true, timestampUs: 0, data: fromBase64(ACCESS_UNIT) });
    } catch {
      settle(false);
    }
  });
}

/** How this window takes its pictures. */
export async function chooseMode(wishes: Wishes): Promise<VideoMode> {
  const forced = forcedMode(wishes);
  if (forced) return forced;
  if (typeof VideoDecoder === 'undefined') return 'i420';
  return (await decodesCanary(webCodecsDecoder)) ? 'h264' : 'i420';
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
