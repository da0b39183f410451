// One side of a Chromium call in which a screen is shared. `farSide` is what the bench calls.
'use strict';

const SIZE = { width: { ideal: 1920 }, height: { ideal: 1080 }, frameRate: { ideal: 30, max: 30 } };

const button = document.querySelector('button');
let shared = { problem: 'not asked for' };

// A browser shares a screen only when a person has asked for it.
button.addEventListener('click', async () => {
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: SIZE, audio: false });
    const [track] = stream.getVideoTracks();
    connection.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
    shared = { surface: track.getSettings().displaySurface };
  } catch (error) {
    shared = { problem: String(error) };
  }
});

connection.addEventListener('track', ({ track }) => {
  document.getElementById('remote').srcObject = new MediaStream([track]);
  button.remove();
});

function preferH264() {
  const { codecs } = RTCRtpReceiver.getCapabilities('video');
  const wanted = codecs.filter(
    (codec) => codec.mimeType === 'video/H264' && /packetization-mode=1/.test(codec.sdpFmtpLine),
  );
  const repair = codecs.filter((codec) => codec.mimeType === 'video/rtx');
  for (const transceiver of connection.getTransceivers()) transceiver.setCodecPreferences([...wanted, ...repair]);
}

Object.assign(window.farSide, {
  /** Whether a screen is shared by now, or why not. */
  shared: () => shared,

  prefer: preferH264,

  /** Pictures that were decoded and drawn so far, their size, and how they were coded. */
  async arrived() {
    const stats = [...(await connection.getStats()).values()];
    const video = stats.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video');
    const codec = stats.find(({ id }) => id === video?.codecId);
    const played = document.getElementById('remote').getVideoPlaybackQuality();
    return {
      frames: video?.framesDecoded ?? 0,
      drawn: played.totalVideoFrames - played.droppedVideoFrames,
      width: video?.frameWidth ?? 0,
      height: video?.frameHeight ?? 0,
      codec: codec?.mimeType ?? 'none',
    };
  },
});
