// Chromium as a side of a call. Commands come over a WebSocket and events go back: the protocol of
// `tincan-peer`.
'use strict';

/** How often pictures that have come are told. */
const TELL_EVERY_MS = 250;

/** The most bytes of sound that are told at once. */
const MOST_BYTES = 1 << 20;

const socket = new WebSocket(`ws://127.0.0.1:${location.hash.slice(1)}`);
socket.binaryType = 'arraybuffer';
const say = (line) => socket.send(JSON.stringify(line));
let call = null;

class Call {
  constructor({ ice_servers = [], relay_only = false, video, audio, send_video = true, polite }) {
    this.video = video;
    this.sound = audio;
    this.sends = send_video;
    this.polite = polite;
    this.sources = [];
    this.stops = [];
    this.pictures = [];
    this.made = this.ignoring = this.seen = false;
    this.connection = new RTCPeerConnection({
      iceServers: ice_servers,
      iceTransportPolicy: relay_only ? 'relay' : 'all',
      bundlePolicy: 'max-bundle',
    });
    const { connection } = this;
    connection.onicecandidate = ({ candidate }) =>
      this.tell('candidate', { candidate: candidate?.candidate ? candidate.toJSON() : null });
    const state = () =>
      this.tell('state', { ice: connection.iceConnectionState, conn: connection.connectionState });
    connection.oniceconnectionstatechange = state;
    connection.onconnectionstatechange = state;
    connection.ontrack = ({ track }) => this.receive(track);
    const timer = setInterval(() => this.tellPictures(), TELL_EVERY_MS);
    this.stops.push(() => clearInterval(timer));
  }

  tell(ev, fields) {
    // What belongs to a call that is over is not told.
    if (call === this) say({ ev, t: wall(), ...fields });
  }

  tellPictures() {
    if (this.pictures.length > 0) this.tell('frames', { f: this.pictures.splice(0) });
  }

  async openSources() {
    if (this.sound) {
      this.context = await openSound();
      this.voice = this.sound === 'clip' ? startClip(this.context) : startBeep(this.context);
      this.sources.push(this.voice);
    }
    if (this.sends && this.video) {
      this.picture = startPicture(this.video);
      this.sources.push(this.picture);
    }
  }

  receive(track) {
    if (track.kind === 'video') {
      watchPictures(track, (picture) => {
        if (!this.seen) this.tell('first-frame', { t: picture[0], w: picture[2], h: picture[3] });
        this.seen = true;
        this.pictures.push(picture);
      });
    } else if (this.sound === 'clip') {
      this.kept = keep(track);
      this.stops.push(() => this.kept.stop());
    } else if (this.context) {
      this.stops.push(
        listen(this.context, track, (t) => this.tell('beep', { t, latency: t % 1000 })),
      );
    }
  }

  addTracks() {
    if (this.added) return;
    this.added = true;
    const stream = new MediaStream();
    for (const { track } of this.sources) this.connection.addTrack(track, stream);
    if (this.video && !this.sends) this.connection.addTransceiver('video', { direction: 'recvonly' });
  }

  preferCodec() {
    const { codecs } = RTCRtpReceiver.getCapabilities('video');
    const name = `video/${this.video?.codec ?? 'H264'}`.toLowerCase();
    const wanted = codecs.filter(
      ({ mimeType, sdpFmtpLine = '' }) =>
        mimeType.toLowerCase() === name && !/packetization-mode=0/.test(sdpFmtpLine),
    );
    const repair = codecs.filter(({ mimeType }) => /rtx|red|ulpfec/i.test(mimeType));
    for (const transceiver of this.connection.getTransceivers()) {
      if (transceiver.receiver.track.kind === 'video') transceiver.setCodecPreferences([...wanted, ...repair]);
    }
  }

  async describe() {
    this.addTracks();
    this.preferCodec();
    await this.connection.setLocalDescription();
    const { type, sdp } = this.connection.localDescription;
    this.tell('description', { type, sdp });
  }

  async offer() {
    this.making = true;
    try {
      await this.describe();
    } finally {
      this.making = false;
    }
  }

  /** Perfect negotiation, W3C WebRTC section 10.7. */
  async description({ type, sdp }) {
    const collision = type === 'offer' && (this.making || this.connection.signalingState !== 'stable');
    this.ignoring = collision && !this.polite;
    if (this.ignoring) return;
    await this.connection.setRemoteDescription({ type, sdp });
    if (type === 'offer') await this.describe();
    await this.limit();
  }

  async limit() {
    const { max_kbps: most, degradation } = this.video ?? {};
    const sender = this.connection.getSenders().find(({ track }) => track?.kind === 'video');
    const parameters = sender?.getParameters();
    if (!parameters?.encodings?.length || !(most || degradation)) return;
    if (most) parameters.encodings[0].maxBitrate = most * 1000;
    if (degradation) parameters.degradationPreference = degradation;
    await sender.setParameters(parameters);
  }

  async candidate({ candidate }) {
    try {
      await this.connection.addIceCandidate(candidate ?? undefined);
    } catch (error) {
      if (!this.ignoring) throw error;
    }
  }

  async restart() {
    this.connection.restartIce();
    await this.offer();
  }

  /** Says the sound that came before the command. */
  say() {
    this.voice.say(told);
  }

  /** Sends what was heard ahead of the answer. */
  heard() {
    const { begun, pieces, samples, problem } = this.kept;
    if (problem) throw problem;
    const all = new Float32Array(samples);
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    for (let from = 0; from < all.byteLength; from += MOST_BYTES)
      socket.send(new Uint8Array(all.buffer, from, Math.min(MOST_BYTES, all.byteLength - from)));
    return { begun, said: this.voice.begun };
  }

  async stats() {
    const report = await this.connection.getStats();
    const { iceConnectionState: ice, connectionState: conn } = this.connection;
    const answer = { t: wall(), ice, conn, drawn: this.picture?.drawn ?? 0 };
    for (const entry of report.values()) {
      const codec = report.get(entry.codecId)?.mimeType ?? '';
      if (entry.type === 'outbound-rtp') {
        answer[`${entry.kind}_out`] = {
          codec,
          bytes: entry.bytesSent,
          packets: entry.packetsSent,
          retransmitted: entry.retransmittedPacketsSent,
          frames: entry.framesEncoded,
          w: entry.frameWidth,
          h: entry.frameHeight,
          target_kbps: Math.round((entry.targetBitrate ?? 0) / 1000),
          limit: entry.qualityLimitationReason,
          nack: entry.nackCount,
          pli: entry.pliCount,
          encode_s: entry.totalEncodeTime,
        };
      } else if (entry.type === 'inbound-rtp') {
        answer[`${entry.kind}_in`] = {
          codec,
          bytes: entry.bytesReceived,
          packets: entry.packetsReceived,
          lost: entry.packetsLost,
          jitter_ms: entry.jitter * 1000,
          frames: entry.framesDecoded,
          dropped: entry.framesDropped,
          w: entry.frameWidth,
          h: entry.frameHeight,
          freezes: entry.freezeCount,
          decode_s: entry.totalDecodeTime,
          concealed: entry.concealedSamples,
          samples: entry.totalSamplesReceived,
          inserted: entry.insertedSamplesForDeceleration,
          removed: entry.removedSamplesForAcceleration,
          level: entry.audioLevel,
          jb_s: entry.jitterBufferDelay,
          jb_n: entry.jitterBufferEmittedCount,
        };
      } else if (entry.type === 'transport' && entry.selectedCandidatePairId) {
        const pair = report.get(entry.selectedCandidatePairId);
        const local = report.get(pair?.localCandidateId);
        answer.available_kbps = Math.round((pair?.availableOutgoingBitrate ?? 0) / 1000);
        answer.pair = {
          local: local?.candidateType,
          remote: report.get(pair?.remoteCandidateId)?.candidateType,
          protocol: local?.protocol,
          rtt_ms: (pair?.currentRoundTripTime ?? 0) * 1000,
        };
      }
    }
    return answer;
  }

  async close() {
    this.tellPictures();
    this.connection.close();
    for (const { stop } of [...this.sources, ...this.stops.map((stop) => ({ stop }))]) stop();
    await this.context?.close();
  }
}

const COMMANDS = ['offer', 'description', 'candidate', 'restart', 'say', 'heard', 'stats'];

async function obey({ cmd, ...argument }) {
  if (cmd === 'init') {
    await call?.close();
    call = new Call(argument);
    return call.openSources();
  }
  if (!call) throw new Error('there is no call: begin with init');
  if (cmd === 'close') {
    await call.close();
    call = null;
    return undefined;
  }
  if (!COMMANDS.includes(cmd)) throw new Error(`there is no command ${cmd}`);
  return call[cmd](argument);
}

// One after the other, as signalling needs.
let last = Promise.resolve();
let told = new Float32Array();
socket.onmessage = ({ data }) => {
  if (data instanceof ArrayBuffer) {
    told = new Float32Array(data);
    return;
  }
  const command = JSON.parse(data);
  last = last.then(async () => {
    try {
      say({ re: command.id, ok: true, ...(await obey(command)) });
    } catch (error) {
      say({ re: command.id, ok: false, error: String(error) });
    }
  });
};
window.onerror = (text) => say({ ev: 'note', text: String(text) });
