// One side of a Chromium call with the system's microphone and speaker, as a page opens them that asks
// for nothing particular.
'use strict';

connection.addEventListener('track', ({ track }) => {
  document.getElementById('remote').srcObject = new MediaStream([track]);
});

Object.assign(window.farSide, {
  /** Opens the microphone, on or muted. */
  async speak(on) {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const [track] = stream.getAudioTracks();
    track.enabled = on;
    connection.addTrack(track, stream);
  },

  connected: () => connection.connectionState === 'connected',
});
