// How the two pages of a Chromium call are connected by whoever drives them: descriptions have their
// candidates in them.
'use strict';

const connection = new RTCPeerConnection();

/** Describes this side as soon as all its candidates are known. */
async function described() {
  if (connection.iceGatheringState !== 'complete') {
    await new Promise((done) => {
      connection.addEventListener('icegatheringstatechange', () => {
        if (connection.iceGatheringState === 'complete') done();
      });
    });
  }
  return connection.localDescription.sdp;
}

window.farSide = {
  async offer() {
    await connection.setLocalDescription();
    return described();
  },

  async answer(sdp) {
    await connection.setRemoteDescription({ type: 'offer', sdp });
    await connection.setLocalDescription();
    return described();
  },

  async accept(sdp) {
    await connection.setRemoteDescription({ type: 'answer', sdp });
  },
};
