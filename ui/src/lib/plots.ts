// Which figures are plotted, and how they are written.

import type { ParticipantStats } from './bindings/ParticipantStats';
import { t } from './strings';

/** One moment's figures as far as they are plotted; null where nothing was measured. */
export interface Plotted {
  /** Milliseconds. */
  at: number;
  sentBitrate: number | null;
  receivedBitrate: number | null;
  roundTripTime: number | null;
  fractionLost: number | null;
  remoteFractionLost: number | null;
  pictureDelay: number | null;
  soundDelay: number | null;
  remotePictureDelay: number | null;
  remoteSoundDelay: number | null;
  framesReceived: number | null;
  framesSent: number | null;
}

export interface Line {
  label: string;
  values: readonly (number | null)[];
}

export interface Plotting {
  title: string;
  /** One or two; the first is what comes from them. */
  lines: readonly Line[];
  /** The axis reaches at least so far. */
  least: number;
  write: (value: number) => string;
}

const rate = (bps: number): string =>
  bps >= 1_000_000 ? `${(bps / 1_000_000).toFixed(1)} Mbit/s` : `${Math.round(bps / 1000)} kbit/s`;
const milliseconds = (seconds: number): string => `${Math.round(seconds * 1000)} ms`;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const fps = (frames: number): string => `${Math.round(frames)} fps`;

export const written = { rate, milliseconds, percent, fps };

export function plotted({ at, ...stats }: ParticipantStats): Plotted {
  const reported = [stats.audioSent.remote, stats.videoSent.remote].flatMap((one) => (one ? [one.fractionLost] : []));
  return {
    at,
    sentBitrate: stats.sentBitrate,
    receivedBitrate: stats.receivedBitrate,
    roundTripTime: stats.roundTripTime,
    fractionLost: stats.fractionLost,
    remoteFractionLost: reported.length > 0 ? Math.max(...reported) : null,
    pictureDelay: stats.videoReceived.endToEndDelay,
    soundDelay: stats.audioReceived.endToEndDelay,
    remotePictureDelay: stats.videoSent.endToEndDelay,
    remoteSoundDelay: stats.audioSent.endToEndDelay,
    framesReceived: stats.videoReceived.framesPerSecond,
    framesSent: stats.videoSent.framesPerSecond,
  };
}

export function plottings(history: readonly Plotted[]): Plotting[] {
  const line = (label: string, of: (one: Plotted) => number | null): Line => ({ label, values: history.map(of) });
  return [
    {
      title: t.figures.rate,
      least: 200_000,
      write: rate,
      lines: [line(t.figures.received, (one) => one.receivedBitrate), line(t.figures.sent, (one) => one.sentBitrate)],
    },
    { title: t.figures.roundTrip, least: 0.1, write: milliseconds, lines: [line(t.figures.roundTrip, (one) => one.roundTripTime)] },
    {
      title: t.figures.loss,
      least: 0.05,
      write: percent,
      lines: [line(t.figures.lostHere, (one) => one.fractionLost), line(t.figures.lostThere, (one) => one.remoteFractionLost)],
    },
    {
      title: t.figures.pictureDelay,
      least: 0.2,
      write: milliseconds,
      lines: [line(t.figures.lostHere, (one) => one.pictureDelay), line(t.figures.lostThere, (one) => one.remotePictureDelay)],
    },
    {
      title: t.figures.soundDelay,
      least: 0.2,
      write: milliseconds,
      lines: [line(t.figures.lostHere, (one) => one.soundDelay), line(t.figures.lostThere, (one) => one.remoteSoundDelay)],
    },
    {
      title: t.figures.pictures,
      least: 30,
      write: fps,
      lines: [line(t.figures.received, (one) => one.framesReceived), line(t.figures.sent, (one) => one.framesSent)],
    },
  ];
}
