// A beep at each whole second of the wall clock, and what hears it, as `tincan_media::synthetic::tone`;
// and speech when it is asked for, as `tincan_media::synthetic::clip`.
'use strict';

const WORKLETS = `
registerProcessor('beep', class extends AudioWorkletProcessor {
  constructor() { super(); this.second = Math.floor(Date.now() / 1000); this.left = 0; this.count = 0; }
  process(_, [[out]]) {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.second) { this.second = second; this.left = 2880; }
    for (let at = 0; at < out.length; at += 1) {
      this.count += 1;
      out[at] = this.left > 0
        ? 0.5 * Math.sin((2 * Math.PI * 1000 * this.count) / 48000)
        : 0.003 * (Math.random() - 0.5);
      this.left -= 1;
    }
    return true;
  }
});
registerProcessor('clip', class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.port.onmessage = ({ data }) => { this.samples = data; this.at = 0; };
  }
  process(_, [[out]]) {
    if (this.samples && this.at === 0) this.port.postMessage(Date.now());
    for (let at = 0; at < out.length; at += 1) out[at] = 0.00075 * (Math.random() - 0.5);
    const rest = this.samples?.subarray(this.at, this.at + out.length) ?? [];
    rest.forEach((sample, at) => { out[at] += sample; });
    this.at += out.length;
    return true;
  }
});
registerProcessor('hear', class extends AudioWorkletProcessor {
  constructor() { super(); this.quiet = 0; }
  process([[heard]]) {
    if (!heard) return true;
    const loud = heard.some((sample) => Math.abs(sample) > 0.12);
    // New after 0.6 s of quiet.
    if (loud && this.quiet <= 0) this.port.postMessage(Date.now());
    this.quiet = loud ? 225 : this.quiet - 1;
    return true;
  }
});`;

/** The context of a call's sound. */
async function openSound() {
  const context = new AudioContext({ sampleRate: 48000, latencyHint: 'interactive' });
  // A page from a file may load no other module.
  await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(WORKLETS)}`);
  await context.resume();
  return context;
}

/** A track with the beep. */
function startBeep(context) {
  const beep = new AudioWorkletNode(context, 'beep', { numberOfInputs: 0, outputChannelCount: [1] });
  const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  beep.connect(out);
  const [track] = out.stream.getAudioTracks();
  return { track, stop: () => track.stop() };
}

/** A track of a quiet room, in which something is said when it is asked for. */
function startClip(context) {
  const clip = new AudioWorkletNode(context, 'clip', { numberOfInputs: 0, outputChannelCount: [1] });
  const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  clip.connect(out);
  const [track] = out.stream.getAudioTracks();
  const source = { track, begun: null, stop: () => track.stop() };
  clip.port.onmessage = ({ data }) => { source.begun = data; };
  source.say = (samples) => { source.begun = null; clip.port.postMessage(samples); };
  return source;
}

/** Has an element play a track: only then Chromium decodes it. */
function play(track) {
  const player = new Audio();
  player.muted = true;
  player.srcObject = new MediaStream([track]);
  player.play().catch(() => {});
  return player;
}

/** Keeps what is heard of a track, before any other clock than its own could take or add something. */
function keep(track) {
  const player = play(track);
  const kept = { begun: null, pieces: [], samples: 0, stop: () => { player.srcObject = null; } };
  const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 500 }).readable.getReader();
  const listen = async () => {
    for (;;) {
      const { value: sound, done } = await reader.read();
      if (done) return;
      // The piece that waited least for its turn tells when all of it began.
      const begun = wall() - (kept.samples * 1000) / sound.sampleRate;
      kept.begun = Math.min(kept.begun ?? begun, begun);
      const piece = new Float32Array(sound.numberOfFrames);
      sound.copyTo(piece, { planeIndex: 0, format: 'f32-planar' });
      if (sound.sampleRate !== 48000) throw new Error(`sound at ${sound.sampleRate} Hz`);
      sound.close();
      kept.pieces.push(piece);
      kept.samples += piece.length;
    }
  };
  // The track ends with its call.
  listen().catch((error) => { kept.problem = error; });
  return kept;
}

/** Tells of each beep's onset in a track. */
function listen(context, track, tell) {
  const player = play(track);
  const hear = new AudioWorkletNode(context, 'hear');
  const silent = new GainNode(context, { gain: 0 });
  new MediaStreamAudioSourceNode(context, { mediaStream: player.srcObject }).connect(hear);
  hear.connect(silent).connect(context.destination);
  hear.port.onmessage = ({ data }) => tell(data);
  return () => { player.srcObject = null; };
}
