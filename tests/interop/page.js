// Chromium as the far side of a call. The test calls `farSide` and fetches what happened by `drain`;
// descriptions and candidates go through the test, so nothing here knows how Tincan signals.
'use strict';

const STAMP_ROWS = 2;
const STAMP_COLUMNS = 16;
const LOUD = 0.12;
/** A beep is new if it was quiet for so long before. */
const QUIET_MS = 600;

const happened = [];
const tell = (ev, fields) => happened.push({ ev, t: Date.now(), ...fields });

function checkOf(time) {
  return (time ^ (time >> 8) ^ (time >> 16) ^ 0x5a) & 0xff;
}

/** Paints the stamped picture: blocks in the top sixth, something that moves below. */
function paint(pen, width, height, count) {
  const time = Date.now() % 0x1000000;
  const bits = [time >> 16, (time >> 8) & 0xff, time & 0xff, checkOf(time)];
  const across = width / STAMP_COLUMNS;
  const down = Math.floor(height / 12);
  pen.fillStyle = '#456';
  pen.fillRect(0, 0, width, height);
  for (let bit = 0; bit < 32; bit += 1) {
    pen.fillStyle = (bits[bit >> 3] >> (7 - (bit % 8))) & 1 ? '#fff' : '#000';
    pen.fillRect((bit % STAMP_COLUMNS) * across, Math.floor(bit / STAMP_COLUMNS) * down, across, down);
  }
  pen.fillStyle = '#fc6';
  pen.beginPath();
  pen.arc(width * (0.5 + 0.3 * Math.sin(count / 9)), height * 0.6, height / 6, 0, 7);
  pen.fill();
}

/** The stamp's time, or -1 if the blocks do not make sense. */
function readStamp(pixels, width, height) {
  const across = width / STAMP_COLUMNS;
  const down = Math.floor(height / 12);
  const bytes = [0, 0, 0, 0];
  for (let bit = 0; bit < 32; bit += 1) {
    // The middle of a block, four samples around it: the edges are smeared by the codec.
    const x = Math.floor(((bit % STAMP_COLUMNS) + 0.5) * across);
    const y = Math.floor((Math.floor(bit / STAMP_COLUMNS) + 0.5) * down);
    const green = [
      [-1, -1],
      [1, -1],
      [-1, 1],
      [1, 1],
    ].map(([dx, dy]) => pixels[((y + dy) * width + x + dx) * 4 + 1]);
    const bright = green.reduce((sum, value) => sum + value, 0) > 4 * 125;
    bytes[bit >> 3] = (bytes[bit >> 3] << 1) | (bright ? 1 : 0);
  }
  const time = (bytes[0] << 16) | (bytes[1] << 8) | bytes[2];
  return checkOf(time) === bytes[3] ? time : -1;
}

function pictureTrack({ w, h, fps }) {
  const canvas = document.createElement('canvas');
  canvas.width = w;
  canvas.height = h;
  const pen = canvas.getContext('2d');
  let count = 0;
  const timer = setInterval(() => paint(pen, w, h, (count += 1)), 1000 / fps);
  return { track: canvas.captureStream(fps).getVideoTracks()[0], stop: () => clearInterval(timer) };
}

/** A 1 kHz tone of 60 ms at each whole second of the wall clock. */
function beepTrack(audio) {
  const tone = new OscillatorNode(audio, { frequency: 1000 });
  const gate = new GainNode(audio, { gain: 0 });
  const out = new MediaStreamAudioDestinationNode(audio, { channelCount: 1 });
  tone.connect(gate).connect(out);
  tone.start();
  let last = 0;
  const timer = setInterval(() => {
    const second = Math.ceil(Date.now() / 1000);
    if (second === last) return;
    last = second;
    const at = audio.currentTime + (second * 1000 - Date.now()) / 1000;
    gate.gain.setValueAtTime(0.5, at);
    gate.gain.setValueAtTime(0, at + 0.06);
  }, 100);
  return { track: out.stream.getAudioTracks()[0], stop: () => clearInterval(timer) };
}

function watchPicture(track) {
  const video = document.getElementById('remote');
  video.srcObject = new MediaStream([track]);
  const scratch = document.createElement('canvas');
  const pen = scratch.getContext('2d', { willReadFrequently: true });
  let over = false;
  const look = () => {
    if (over) return;
    const { videoWidth: w, videoHeight: h } = video;
    if (w > 0) {
      const top = Math.floor(h / 12) * STAMP_ROWS;
      scratch.width = w;
      scratch.height = top;
      pen.drawImage(video, 0, 0, w, top, 0, 0, w, top);
      const stamp = readStamp(pen.getImageData(0, 0, w, top).data, w, h);
      const age = stamp < 0 ? -1 : (Date.now() - stamp) & 0xffffff;
      tell('frames', { f: [[Date.now(), stamp < 0 ? -1 : Date.now() - age, w, h]] });
    }
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  return () => {
    over = true;
    video.srcObject = null;
  };
}

function listen(audio, track) {
  // Chromium feeds a remote track into Web Audio only while an element plays it.
  const player = new Audio();
  player.muted = true;
  player.srcObject = new MediaStream([track]);
  player.play();
  const analyser = new AnalyserNode(audio, { fftSize: 1024 });
  new MediaStreamAudioSourceNode(audio, { mediaStream: player.srcObject }).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let loudLast = 0;
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    if (!samples.some((sample) => Math.abs(sample) > LOUD)) return;
    if (Date.now() - loudLast > QUIET_MS) tell('beep', {});
    loudLast = Date.now();
  }, 10);
  return () => clearInterval(timer);
}

function preferH264(connection) {
  const { codecs } = RTCRtpReceiver.getCapabilities('video');
  const wanted = codecs.filter(
    (codec) => codec.mimeType === 'video/H264' && /packetization-mode=1/.test(codec.sdpFmtpLine),
  );
  const repair = codecs.filter((codec) => codec.mimeType === 'video/rtx');
  for (const transceiver of connection.getTransceivers()) {
    if (transceiver.receiver.track.kind === 'video') transceiver.setCodecPreferences([...wanted, ...repair]);
  }
}

let call = null;

window.farSide = {
  drain: () => happened.splice(0),

  async start({ polite, video }) {
    const audio = new AudioContext({ sampleRate: 48000 });
    await audio.resume();
    const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    const sources = [beepTrack(audio), pictureTrack(video)];
    const stops = sources.map((source) => source.stop);
    call = { polite, connection, sources, stops, audio, added: false, making: false, ignoring: false };
    connection.onicecandidate = ({ candidate }) => tell('candidate', { candidate: candidate?.toJSON() ?? null });
    const state = () =>
      tell('state', { ice: connection.iceConnectionState, conn: connection.connectionState });
    connection.onconnectionstatechange = state;
    connection.oniceconnectionstatechange = state;
    connection.ontrack = ({ track }) => {
      stops.push(track.kind === 'video' ? watchPicture(track) : listen(audio, track));
    };
  },

  addTracks() {
    if (!call.added) {
      call.added = true;
      const stream = new MediaStream();
      for (const { track } of call.sources) call.connection.addTrack(track, stream);
    }
    preferH264(call.connection);
  },

  async describe() {
    await call.connection.setLocalDescription();
    const { type, sdp } = call.connection.localDescription;
    tell('description', { type, sdp });
  },

  async offer() {
    this.addTracks();
    call.making = true;
    try {
      await this.describe();
    } finally {
      call.making = false;
    }
  },

  /** Perfect negotiation, W3C WebRTC section 10.7. */
  async description({ type, sdp }) {
    const collision = type === 'offer' && (call.making || call.connection.signalingState !== 'stable');
    call.ignoring = collision && !call.polite;
    if (call.ignoring) return;
    await call.connection.setRemoteDescription({ type, sdp });
    if (type === 'offer') {
      this.addTracks();
      await this.describe();
    }
  },

  async candidate({ candidate }) {
    try {
      await call.connection.addIceCandidate(candidate ?? undefined);
    } catch (error) {
      if (!call.ignoring) throw error;
    }
  },

  async restart() {
    call.connection.restartIce();
    await this.offer();
  },

  /** Codecs in use each way, and counts of pictures. */
  async stats() {
    const report = await call.connection.getStats();
    const answer = {};
    for (const entry of report.values()) {
      if (entry.type !== 'inbound-rtp' && entry.type !== 'outbound-rtp') continue;
      const codec = report.get(entry.codecId);
      answer[`${entry.type}/${entry.kind}`] = {
        codec: codec?.mimeType ?? '',
        parameters: codec?.sdpFmtpLine ?? '',
        frames: entry.framesDecoded ?? entry.framesEncoded ?? 0,
        lost: entry.packetsLost ?? 0,
      };
    }
    return answer;
  },

  async close() {
    for (const stop of call.stops) stop();
    call.connection.close();
    await call.audio.close();
    call = null;
  },
};
