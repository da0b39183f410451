// A beep at each whole second of the wall clock, and what hears it, as `tincan_media::synthetic::tone`.
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

/** Tells of each beep's onset in a track. */
function listen(context, track, tell) {
  // Chromium feeds a remote track into Web Audio only while an element plays it.
  const player = new Audio();
  player.muted = true;
  player.srcObject = new MediaStream([track]);
  player.play().catch(() => {});
  const hear = new AudioWorkletNode(context, 'hear');
  const silent = new GainNode(context, { gain: 0 });
  new MediaStreamAudioSourceNode(context, { mediaStream: player.srcObject }).connect(hear);
  hear.connect(silent).connect(context.destination);
  hear.port.onmessage = ({ data }) => tell(data);
  return () => { player.srcObject = null; };
}
